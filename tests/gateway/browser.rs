//! A browser without a certificate, and somebody before it who logs in through the provider of an organisation.

use inzage::clock::SharedClock;
use inzage::sandbox::client::{PgoClient, Reply};
use inzage::sandbox::person::{Person, location};

use crate::harness::{Gateway, text};

/// See above.
pub(crate) struct Browser<'g> {
    pub(crate) client: PgoClient,
    pub(crate) origin: String,
    gateway: &'g Gateway,
    person: Person,
    login: &'static str,
}

impl<'g> Browser<'g> {
    /// At this origin, where one logs in at this path.
    pub(crate) fn at(gateway: &'g Gateway, origin: String, login: &'static str) -> Self {
        let clock = std::sync::Arc::clone(&gateway.clock) as SharedClock;
        let client = gateway.world.visitor(&clock).unwrap();
        Self { client, origin, gateway, person: Person::default(), login }
    }

    /// Opens a page of ours, or one elsewhere.
    pub(crate) async fn open(&mut self, address: &str) -> Reply {
        let address = if address.starts_with('/') { format!("{}{address}", self.origin) } else { address.to_owned() };
        self.person.open(&self.client, &address).await.unwrap()
    }

    /// Sends a form of ours.
    pub(crate) async fn send(&mut self, path: &str, fields: &[(&str, &str)]) -> Reply {
        let fields: Vec<_> = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        self.person.submit(&self.client, &format!("{}{path}", self.origin), &fields).await.unwrap()
    }

    /// Leaves for the provider and says there who they are; the address that leads back.
    pub(crate) async fn leave_as(&mut self, colleague: &str) -> String {
        let away = location(&self.open(self.login).await).unwrap();
        let provider = self.gateway.world.layout.organisation_origin();
        assert!(away.starts_with(&provider), "{away}");
        let page = text(&self.open(&away).await);
        let link = page.split("href=\"").find(|part| part.contains(&format!("colleague={colleague}"))).unwrap();
        let link = link.split('"').next().unwrap().replace("&#38;", "&").replace("&amp;", "&");
        let back = self.open(&format!("{provider}{link}")).await;
        location(&back).unwrap()
    }

    /// There and back.
    pub(crate) async fn log_in(&mut self, colleague: &str) -> Reply {
        let back = self.leave_as(colleague).await;
        self.open(&back).await
    }
}
