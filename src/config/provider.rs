//! An OpenID provider, and how we are known to it: that of patients, and that of operators.

use std::path::PathBuf;

use super::files::Role;
use super::kind::{boolean, choice, issuer, list_of_words, origins, words};
use super::log::Read;
use super::origin::{HttpsUrl, Origin};
use super::section::Section;
use crate::session::oidc::AssertionAudience;

/// An OpenID provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
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
    /// Scopes beside `openid`; default none.
    pub scopes: Vec<String>,
    /// `acr_values`, by preference; default none.
    pub acr_values: Vec<String>,
    /// Whether people must log in each time, also when the provider still knows them.
    pub fresh_login: bool,
}

impl Provider {
    /// With the default of `fresh_login`.
    pub(super) fn read(section: &mut Section<'_, '_>, fresh_login: bool) -> Read<Self> {
        let issuer = section.required("issuer", &issuer());
        let further = section.or_default("origins", &origins(), Vec::new());
        let roots = section.file("roots", Role::Roots);
        let client_id = section.required("client_id", &words(255));
        let signing_key = section.file("signing_key", Role::SigningKey);
        let audience =
            section.or_default("assertion_audience", &choice(AssertionAudience::WORDS), AssertionAudience::Issuer);
        let scopes = section.or_default("scopes", &list_of_words(), Vec::new());
        let acr_values = section.or_default("acr_values", &list_of_words(), Vec::new());
        let fresh_login = section.or_default("fresh_login", &boolean(), fresh_login);
        let issuer = issuer?;
        Ok(Self {
            origins: std::iter::once(issuer.origin()).chain(further?).collect(),
            issuer,
            roots: roots?,
            client_id: client_id?,
            signing_key: signing_key?,
            assertion_audience: audience?,
            scopes: scopes?,
            acr_values: acr_values?,
            fresh_login: fresh_login?,
        })
    }
}
