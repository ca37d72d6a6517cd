//! What a provider says about itself (OpenID Connect Discovery section 3): read, held against the configuration, and nothing
//! kept of it but what is used.

use serde::Deserialize;

use super::OidcError;
use super::remote::Endpoint;
use crate::jose::SignatureAlgorithm;

/// The provider's own account, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Metadata {
    pub(super) issuer: String,
    pub(super) authorization: Endpoint,
    pub(super) token: Endpoint,
    /// Absent when the provider has none; needed unless the id_token holds the BSN.
    pub(super) userinfo: Option<Endpoint>,
    pub(super) keys: Endpoint,
    /// Whether each answer names its issuer (RFC 9207).
    pub(super) answers_name_the_issuer: bool,
}

/// What it is held against.
#[derive(Debug, Clone, Copy)]
pub(super) struct Demands<'a> {
    pub(super) issuer: &'a str,
    pub(super) origins: &'a [String],
    pub(super) needs_userinfo: bool,
    pub(super) our_algorithm: SignatureAlgorithm,
}

/// Lists that are absent say nothing: then our registration at the provider decides.
#[derive(Deserialize)]
struct Written {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    userinfo_endpoint: Option<String>,
    jwks_uri: String,
    response_types_supported: Option<Vec<String>>,
    code_challenge_methods_supported: Option<Vec<String>>,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    token_endpoint_auth_signing_alg_values_supported: Option<Vec<String>>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

impl Metadata {
    /// Where an issuer publishes it (section 4).
    pub(super) fn address(issuer: &str, origins: &[String]) -> Option<Endpoint> {
        Endpoint::parse(&format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/')), origins)
    }

    /// Reads the document.
    ///
    /// # Errors
    /// When it is of another issuer (section 4.3), leads outside the origins, or lacks something that we need.
    pub(super) fn parse(text: &str, demands: &Demands<'_>) -> Result<Self, OidcError> {
        let written: Written = serde_json::from_str(text).map_err(|_| OidcError::Metadata)?;
        if written.issuer != demands.issuer {
            return Err(OidcError::OtherIssuer);
        }
        written.offers(demands.our_algorithm)?;
        let endpoint = |text: &str| Endpoint::parse(text, demands.origins).ok_or(OidcError::Endpoint);
        let userinfo = written.userinfo_endpoint.as_deref().map(endpoint).transpose()?;
        if demands.needs_userinfo && userinfo.is_none() {
            return Err(OidcError::Unsupported("userinfo"));
        }
        Ok(Self {
            authorization: endpoint(&written.authorization_endpoint)?,
            token: endpoint(&written.token_endpoint)?,
            userinfo,
            keys: endpoint(&written.jwks_uri)?,
            answers_name_the_issuer: written.authorization_response_iss_parameter_supported,
            issuer: written.issuer,
        })
    }
}

impl Written {
    fn offers(&self, our_algorithm: SignatureAlgorithm) -> Result<(), OidcError> {
        let demands: [(&Option<Vec<String>>, &'static str, &'static str); 4] = [
            (&self.response_types_supported, "code", "the authorization code flow"),
            (&self.code_challenge_methods_supported, "S256", "PKCE with S256"),
            (&self.token_endpoint_auth_methods_supported, "private_key_jwt", "private_key_jwt"),
            (
                &self.token_endpoint_auth_signing_alg_values_supported,
                our_algorithm.name(),
                "the algorithm of the signing key",
            ),
        ];
        let lacks = |list: &Option<Vec<String>>, word: &str| {
            list.as_ref().is_some_and(|list| !list.iter().any(|offered| offered == word))
        };
        match demands.into_iter().find(|(list, word, _)| lacks(list, word)) {
            Some((_, _, what)) => Err(OidcError::Unsupported(what)),
            None => Ok(()),
        }
    }
}
