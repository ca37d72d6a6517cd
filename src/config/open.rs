//! `[open]`: the pages of practices, coalitions, the OPEN programme and insurers, on the front channel under `/open`.

use std::time::Duration;

use super::kind::{minutes, word};
use super::log::Read;
use super::provider::Provider;
use super::section::Section;

/// The pages; without it there are none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    /// How people log in.
    pub login: OpenLogin,
}

/// `[open.login]`: the OpenID provider that says who somebody is and for whom they come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenLogin {
    /// Which one. Whom it still knows need not log in anew, unless it says otherwise.
    pub provider: Provider,
    /// The claim with the name under which somebody stands in the log; default `sub`.
    pub name_claim: String,
    /// The claim that says for whom somebody comes; default `roles`.
    pub role_claim: String,
    /// How long somebody stays logged in, 5 min to 12 h, default 1 h.
    pub session: Duration,
}

impl Open {
    pub(super) fn read(section: &mut Section<'_, '_>) -> Read<Self> {
        Ok(Self { login: section.table("login", OpenLogin::read)? })
    }
}

impl OpenLogin {
    fn read(section: &mut Section<'_, '_>) -> Read<Self> {
        let provider = Provider::read(section, false);
        let name_claim = section.or_default("name_claim", &word(), "sub".to_owned());
        let role_claim = section.or_default("role_claim", &word(), "roles".to_owned());
        let session = section.or_default("session_minutes", &minutes(5..=720), Duration::from_hours(1));
        Ok(Self { provider: provider?, name_claim: name_claim?, role_claim: role_claim?, session: session? })
    }
}
