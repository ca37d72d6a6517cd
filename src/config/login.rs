//! `[login]`: how people prove who they are.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::fault::Problem;
use super::files::Role;
use super::kind::{boolean, choice, issuer, list_of_words, origins, word, words};
use super::log::Read;
use super::origin::{HttpsUrl, Origin};
use super::section::Section;
use crate::session::login::AssuranceLevel;
use crate::session::oidc::{AssertionAudience, OidcConfig, Userinfo};

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
    /// The issuer, exactly as its metadata write it.
    pub issuer: HttpsUrl,
    /// The origin of the issuer, and the others on which it has endpoints or pages.
    pub origins: Vec<Origin>,
    /// The roots that its certificates lead to.
    pub roots: PathBuf,
    /// Who we are to it, 1 to 255 characters.
    pub client_id: String,
    /// Our private key to sign with: PKCS#8 in PEM, or a JWK.
    pub signing_key: PathBuf,
    /// `aud` of what we sign; default the issuer.
    pub assertion_audience: AssertionAudience,
    /// Our private key to open with, in the same forms; there when userinfo is encrypted.
    pub decryption_key: Option<PathBuf>,
    /// Scopes beside `openid`; default none.
    pub scopes: Vec<String>,
    /// `acr_values`, by preference; default none.
    pub acr_values: Vec<String>,
    /// Whether people must log in each time; default true.
    pub fresh_login: bool,
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
            Self::Oidc(oidc) => format!("oidc {}", oidc.issuer.as_str()),
        }
    }
}

impl Oidc {
    fn read(section: &mut Section<'_, '_>) -> Read<Self> {
        let issuer = section.required("issuer", &issuer());
        let further = section.or_default("origins", &origins(), Vec::new());
        let roots = section.file("roots", Role::Roots);
        let client_id = section.required("client_id", &words(255));
        let signing_key = section.file("signing_key", Role::SigningKey);
        let audience =
            section.or_default("assertion_audience", &choice(AssertionAudience::WORDS), AssertionAudience::Issuer);
        let userinfo = section.required("userinfo", &choice(Userinfo::WORDS));
        let decryption_key = section.optional_file("decryption_key", Role::DecryptionKey);
        let bsn_claim = section.required("bsn_claim", &word());
        let level_claim = section.or_default("level_claim", &word(), "acr".to_owned());
        let scopes = section.or_default("scopes", &list_of_words(), Vec::new());
        let acr_values = section.or_default("acr_values", &list_of_words(), Vec::new());
        let fresh_login = section.or_default("fresh_login", &boolean(), true);
        let level = || choice(AssuranceLevel::WORDS);
        let levels = section.names("levels", &word(), |section, _, path, value| section.parse(path, value, &level()));
        let minimum = section.or_default("minimum_level", &level(), AssuranceLevel::Substantieel);
        let (userinfo, decryption_key) = (userinfo?, decryption_key?);
        if userinfo.is_encrypted() && decryption_key.is_none() {
            let path = section.path_of("userinfo");
            return Err(section.log().note(&path, Problem::HalfPair("decryption_key")));
        }
        let issuer = issuer?;
        Ok(Self {
            origins: all_origins(&issuer, further?),
            issuer,
            roots: roots?,
            client_id: client_id?,
            signing_key: signing_key?,
            assertion_audience: audience?,
            decryption_key,
            scopes: scopes?,
            acr_values: acr_values?,
            fresh_login: fresh_login?,
            userinfo,
            bsn_claim: bsn_claim?,
            level_claim: level_claim?,
            levels: all_levels(levels?),
            minimum_level: minimum?,
        })
    }
}

fn all_origins(issuer: &HttpsUrl, further: Vec<Origin>) -> Vec<Origin> {
    std::iter::once(issuer.origin()).chain(further).collect()
}

/// The shipped meanings, and those of the operator in their place.
fn all_levels(own: BTreeMap<String, AssuranceLevel>) -> BTreeMap<String, AssuranceLevel> {
    let shipped = OidcConfig::LEVELS.iter().map(|(name, level)| ((*name).to_owned(), *level));
    shipped.chain(own).collect()
}
