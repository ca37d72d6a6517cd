//! `[login]`: how people prove who they are.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::fault::Problem;
use super::files::Role;
use super::kind::{choice, word};
use super::log::Read;
use super::provider::Provider;
use super::section::Section;
use crate::session::login::AssuranceLevel;
use crate::session::oidc::{PersonClaims, Userinfo};

/// `[login]`: how people prove who they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Login {
    /// Pages of our own on which anyone can be anyone; never in production.
    Simulator,
    /// An OpenID provider.
    Oidc(Box<Oidc>),
}

#[derive(Clone, Copy)]
enum LoginKind {
    Simulator,
    Oidc,
}

/// `[login]` with `kind = "oidc"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Oidc {
    /// Which one. People must log in each time, unless it says otherwise.
    pub provider: Provider,
    /// Our private key to open with, PKCS#8 in PEM or a JWK; there when userinfo is encrypted.
    pub decryption_key: Option<PathBuf>,
    /// Where the BSN stands.
    pub userinfo: Userinfo,
    /// The claim with the BSN.
    pub bsn_claim: String,
    /// The claim that says how a person logged in; default `acr`.
    pub level_claim: String,
    /// What its values mean, those of DigiD and eIDAS included.
    pub levels: BTreeMap<String, AssuranceLevel>,
    /// The weakest login that is accepted; default substantieel.
    pub minimum_level: AssuranceLevel,
}

impl Login {
    const SIMULATOR: &'static str = "simulator";
    const KINDS: &'static [(&'static str, LoginKind)] =
        &[(Self::SIMULATOR, LoginKind::Simulator), ("oidc", LoginKind::Oidc)];

    pub(super) fn read(section: &mut Section<'_, '_>) -> Read<Self> {
        match section.required("kind", &choice(Self::KINDS))? {
            LoginKind::Simulator => Ok(Self::Simulator),
            LoginKind::Oidc => Ok(Self::Oidc(Box::new(Oidc::read(section)?))),
        }
    }

    /// Whether a word in the configuration is that of the simulator.
    pub(super) fn is_simulator(word: Option<&str>) -> bool {
        word == Some(Self::SIMULATOR)
    }

    /// What the log says at start.
    #[must_use]
    pub fn summary(&self) -> String {
        match self {
            Self::Simulator => Self::SIMULATOR.to_owned(),
            Self::Oidc(oidc) => format!("oidc {}", oidc.provider.issuer.as_str()),
        }
    }
}

impl Oidc {
    fn read(section: &mut Section<'_, '_>) -> Read<Self> {
        let provider = Provider::read(section, true);
        let userinfo = section.required("userinfo", &choice(Userinfo::WORDS));
        let decryption_key = section.optional_file("decryption_key", Role::DecryptionKey);
        let bsn_claim = section.required("bsn_claim", &word());
        let level_claim = section.or_default("level_claim", &word(), "acr".to_owned());
        let level = || choice(AssuranceLevel::WORDS);
        let levels = section.names("levels", &word(), |section, _, path, value| section.parse(path, value, &level()));
        let minimum = section.or_default("minimum_level", &level(), AssuranceLevel::Substantieel);
        let (userinfo, decryption_key) = (userinfo?, decryption_key?);
        if userinfo.is_encrypted() && decryption_key.is_none() {
            let path = section.path_of("userinfo");
            return Err(section.log().note(&path, Problem::HalfPair("decryption_key")));
        }
        Ok(Self {
            provider: provider?,
            decryption_key,
            userinfo,
            bsn_claim: bsn_claim?,
            level_claim: level_claim?,
            levels: all_levels(levels?),
            minimum_level: minimum?,
        })
    }
}

/// The shipped meanings, and those of the operator in their place.
fn all_levels(own: BTreeMap<String, AssuranceLevel>) -> BTreeMap<String, AssuranceLevel> {
    let shipped = PersonClaims::LEVELS.iter().map(|(name, level)| ((*name).to_owned(), *level));
    shipped.chain(own).collect()
}
