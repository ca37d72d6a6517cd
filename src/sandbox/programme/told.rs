//! What was drawn, as files for those who check what the gateway makes of it.

use std::fmt::Write as _;
use std::io;
use std::path::Path;

use serde_json::{Value, json};

use super::Programme;
use super::asking::Asking;
use super::faults::{At, Seeded};
use super::market::ClientKind;
use crate::sandbox::pki::write_private;

/// Writes the files.
pub(super) fn write(programme: &Programme, dir: &Path, records: u64) -> io::Result<()> {
    let told = serde_json::to_vec_pretty(&programme.told(records)).map_err(io::Error::other)?;
    // Test numbers, and still nobody else's business.
    write_private(&dir.join("programme-people.csv"), programme.people().as_bytes())?;
    std::fs::write(dir.join("programme-zal.csv"), programme.stays())?;
    std::fs::write(dir.join("programme.json"), told)
}

impl Programme {
    fn told(&self, records: u64) -> Value {
        let (plan, market) = (&self.plan, &self.country.market);
        let (people, visits) = self.crowd();
        let clients = market.clients.iter().map(|client| {
            let kind = if client.kind == ClientKind::Pgo { "pgo" } else { "portal" };
            json!({"client": client.id.as_str(), "name": client.name, "kind": kind})
        });
        json!({
            "version": 1,
            "seed": plan.seed,
            "from": plan.start().to_string(),
            "until": plan.until.to_string(),
            "practices": self.country.practices.len(),
            "coalitions": self.country.register.coalitions.len(),
            "patients": self.country.register.practices.values().map(|one| u64::from(one.patients)).sum::<u64>(),
            "people": people,
            "visits": visits,
            "records": records,
            "clients": clients.collect::<Vec<_>>(),
            "faults": self.faults.iter().map(|fault| self.fault(fault)).collect::<Vec<_>>(),
        })
    }

    fn fault(&self, fault: &Seeded) -> Value {
        let market = &self.country.market;
        let runs = market.installations.get(fault.installation);
        let (step, query) = match fault.at {
            At::Availability => ("availability", None),
            At::Token => ("token", None),
            At::Request { search } => ("request", Asking::on(fault.from).of(&fault.service).get(search).cloned()),
        };
        json!({
            "installation": runs.map(|one| one.id.as_str()),
            "version": runs.map(|one| one.version.as_str()),
            "client": market.clients.get(fault.client).map(|one| one.id.as_str()),
            "service": fault.service.as_str(),
            "step": step,
            "query": query.as_deref(),
            "code": fault.code,
            "from": fault.from.to_string(),
        })
    }

    /// The BSNs of those who look.
    fn people(&self) -> String {
        let mut text = String::from("bsn\n");
        for person in &self.crowd.people {
            // Writing into a string does not fail.
            let _ = writeln!(text, "{}", person.bsn.reveal());
        }
        text
    }

    /// When each practice was on the ZAL.
    fn stays(&self) -> String {
        let mut text = String::from("provider,from,until\n");
        for practice in &self.country.practices {
            for (from, until) in &practice.stays {
                let until = until.map(|until| until.to_string()).unwrap_or_default();
                let _ = writeln!(text, "{},{from},{until}", practice.provider);
            }
        }
        text
    }
}
