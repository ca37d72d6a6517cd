//! `sandbox.json`: where what is. Written last, to a temporary name and then renamed, so that whoever finds it can start.

use std::io;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};

use super::SandboxError;
use super::layout::{Layout, OPERATORS, READERS, TestPerson, WITNESS_FOLDER, his_id};
use crate::lists::ListKind;
use crate::sandbox::his::Emulator;
use crate::sandbox::portal::keys;
use crate::sandbox::records::Practice;

/// Removes that of a sandbox before, so that nobody takes it for ours.
pub(super) fn remove_old(dir: &Path) -> Result<(), SandboxError> {
    match std::fs::remove_file(dir.join("sandbox.json")) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(SandboxError::Folder { path: dir.to_owned(), source })
        }
        _ => Ok(()),
    }
}

/// Writes it.
pub(super) fn write(layout: &Layout, practices: &[Practice], his: &[Arc<Emulator>]) -> Result<(), SandboxError> {
    let failed = |source| SandboxError::Folder { path: layout.dir().to_owned(), source };
    let text = serde_json::to_vec_pretty(&description(layout, practices, his)).map_err(|error| failed(error.into()))?;
    let temporary = layout.file("sandbox.json.part");
    std::fs::write(&temporary, text).map_err(failed)?;
    std::fs::rename(&temporary, layout.file("sandbox.json")).map_err(failed)
}

fn description(layout: &Layout, practices: &[Practice], his: &[Arc<Emulator>]) -> Value {
    json!({
        "version": 1,
        "ca": "ca.pem",
        "lists": {
            "zal": layout.list_url(ListKind::Zal),
            "ocl": layout.list_url(ListKind::Ocl),
            "whl": layout.list_url(ListKind::Whl),
            "gnl": layout.list_url(ListKind::Gnl),
        },
        "clients": clients(layout),
        "ops": layout.ops_url(),
        "gateway_config": "gateway.toml",
        "audit": {"dir": "gateway/audit", "key": "gateway/audit/verifier-keys", "checkpoint": "gateway/audit/checkpoint"},
        "witness": {"folder": WITNESS_FOLDER, "control": layout.witness_control()},
        "auditors": {"url": layout.desk_origin(), "people": READERS.map(|(file, host)| json!({
            "name": host, "cert": format!("{file}.pem"), "key": format!("{file}.key")}))},
        "admin": {"url": layout.admin_origin(), "operators": OPERATORS.map(|(file, host)| json!({
            "name": host, "cert": format!("{file}.pem"), "key": format!("{file}.key")}))},
        "open": {"url": format!("{}/open", layout.front_origin())},
        "chain_log": {"control": layout.chain_log_control()},
        "his": (0..his.len()).map(|number| json!({"id": his_id(number), "control": layout.his_control(number)})).collect::<Vec<_>>(),
        "providers": practices
            .iter()
            .enumerate()
            .map(|(number, practice)| json!({"name": practice.provider.as_str(), "his": his_id(number), "state": "open"}))
            .collect::<Vec<_>>(),
        "patients": layout.people(practices, his).iter().map(patient).collect::<Vec<_>>(),
        "canaries": practices.iter().flat_map(|practice| &practice.canaries).collect::<Vec<_>>(),
    })
}

fn clients(layout: &Layout) -> Value {
    let each = layout.clients().iter().map(|client| {
        let (cert, key) = (format!("{}.pem", client.file), format!("{}.key", client.file));
        let entry =
            json!({"client_id": client.client_id, "redirect_uri": client.redirect_uri, "cert": cert, "key": key});
        (client.name.to_owned(), if client.name == "portal" { with_key(entry) } else { entry })
    });
    Value::Object(each.collect())
}

/// A portal also signs.
fn with_key(mut entry: Value) -> Value {
    if let Some(members) = entry.as_object_mut() {
        members.insert("jwk".to_owned(), keys::PRIVATE.into());
    }
    entry
}

fn patient(person: &TestPerson) -> Value {
    json!({
        "bsn": person.bsn,
        "family": person.name,
        "provider": person.provider,
        "birth_date": person.birth_date.map(|date| date.to_string()),
    })
}
