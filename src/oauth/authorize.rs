//! The authorization request: parsed in the order of core.authint.203. Client and redirect URI come first; while either is
//! in doubt nobody is redirected anywhere.

mod written;

pub use written::WrittenRequest;

use super::pkce::CodeChallenge;
use super::smart_scope::SmartScope;
use crate::form::single;
use crate::lists::{Lists, OauthClient};
use crate::medmij::{
    CorrelationId, Hostname, ProviderName, RequestId, Scope, ScopeRelease, ServiceId, split_authority,
};

/// A request that is in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorizeRequest {
    /// The client, which is on the OAuth client list.
    pub client: Hostname,
    /// Where the answer goes.
    pub redirect_uri: RedirectUri,
    /// What is asked.
    pub scope: Scope,
    /// The client's own value, given back byte for byte.
    pub state: State,
    /// `MedMij-Request-ID`, when it is well-formed.
    pub request_id: Option<RequestId>,
    /// `X-Correlation-ID`, when it is well-formed.
    pub correlation_id: Option<CorrelationId>,
    /// Through which door it came.
    pub door: Door,
}

/// Through which door a request came. Each has a parser and rules of its own; the pages are the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Door {
    /// The authorization interface of MedMij, for PGOs.
    MedMij,
    /// SMART App Launch, for portals.
    Smart(SmartAsk),
}

/// What a SMART request asks beside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SmartAsk {
    /// The service whose FHIR base `aud` names.
    pub service: ServiceId,
    /// The searches and reads that are asked and offered.
    pub scope: SmartScope,
    /// What the code must be brought with.
    pub challenge: CodeChallenge,
    /// Who we are to the client: each answer names it (RFC 9207).
    pub issuer: String,
}

/// An https URI on the client's own host: any path, no query, fragment, userinfo or dot segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedirectUri {
    text: String,
    authority_end: usize,
}

/// `state`: 1 to 512 printable ASCII characters. The limits of core.authint.200 are not published; these are ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State(String);

/// Why a request is refused without a redirect: the person gets a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoClient {
    /// `client_id` is missing, stands twice, or is on no list.
    #[error("the application that sent you here is not known in the MedMij network")]
    UnknownClient,
    /// `redirect_uri` is missing, stands twice, or is not one of this client.
    #[error("the application that sent you here gave no valid address to go back to")]
    BadRedirectUri,
}

/// Why a request is refused with a redirect (core.authint.207).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadRequest {
    /// A parameter is missing, stands twice or is malformed.
    #[error("a parameter is missing, stands twice or is malformed")]
    Invalid,
    /// `response_type` is not `code`.
    #[error("response_type must be code")]
    ResponseType,
    /// The scope is malformed, or names a provider or service that is not offered here.
    #[error("the scope names nothing that is offered here")]
    Scope,
}

impl BadRequest {
    /// The code of RFC 6749 section 4.1.2.1.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Invalid => "invalid_request",
            Self::ResponseType => "unsupported_response_type",
            Self::Scope => "invalid_scope",
        }
    }
}

/// How a request can be refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuthorizeRefusal {
    /// Nobody is redirected.
    Page(NoClient),
    /// The client gets an error.
    Redirect {
        /// The client, for the record.
        client: Hostname,
        /// Where to.
        redirect_uri: RedirectUri,
        /// The state to give back, when it was valid.
        state: Option<State>,
        /// The error.
        error: BadRequest,
        /// What was asked, when only that is not offered; for the record.
        unoffered: Option<Box<Unoffered>>,
    },
}

/// What a practice of ours does not offer now. Names that are none of ours are not kept: anything can stand in a scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unoffered {
    /// The practice.
    pub provider: ProviderName,
    /// The services of the catalogue that were named; empty when none was.
    pub services: Vec<ServiceId>,
}

/// What parsing needs to know.
#[derive(Debug, Clone, Copy)]
pub struct AuthorizeRules<'a> {
    /// The lists in force.
    pub lists: &'a Lists,
    /// Whether a redirect URI may carry a port; in the sandbox only.
    pub allow_ports: bool,
    /// What MedMij leaves open.
    pub form: AuthorizeForm,
}

/// What MedMij leaves open about the form of a request (`medmij.md` sections 2.2 and 9).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuthorizeForm {
    /// The grammar of scopes.
    pub release: ScopeRelease,
    /// Whether a request without a well-formed `MedMij-Request-ID` and `X-Correlation-ID` is refused.
    pub require_ids: bool,
}

impl Default for AuthorizeForm {
    fn default() -> Self {
        Self { release: ScopeRelease::Two, require_ids: false }
    }
}

impl AuthorizeRequest {
    /// Whether consent may be for an indefinite period: for collecting, through the door of MedMij. Sharing is confirmed for
    /// one run (VC-diff), and portals get no refresh tokens.
    #[must_use]
    pub const fn may_last(&self) -> bool {
        matches!((&self.scope, &self.door), (Scope::Collect(_), Door::MedMij))
    }

    /// Parses the decoded query parameters. Unknown ones are ignored (core.authint.200), `code_challenge` among them.
    ///
    /// # Errors
    /// See [`AuthorizeRefusal`].
    pub fn parse(pairs: &[(String, String)], rules: AuthorizeRules<'_>) -> Result<Self, AuthorizeRefusal> {
        let client = known_client(pairs, rules.lists).ok_or(AuthorizeRefusal::Page(NoClient::UnknownClient))?;
        let redirect_uri = single(pairs, "redirect_uri")
            .and_then(|text| RedirectUri::parse(text, client.hostname(), rules.allow_ports))
            .ok_or(AuthorizeRefusal::Page(NoClient::BadRedirectUri))?;
        let state = single(pairs, "state").and_then(State::parse);
        let refuse = |error| AuthorizeRefusal::Redirect {
            client: client.hostname().clone(),
            redirect_uri: redirect_uri.clone(),
            state: state.clone(),
            error,
            unoffered: None,
        };
        let scope = parse_rest(pairs, rules.form.release).map_err(refuse)?;
        let held = state.clone().ok_or_else(|| refuse(BadRequest::Invalid))?;
        let request_id = single(pairs, "MedMij-Request-ID").and_then(RequestId::parse);
        let correlation_id = single(pairs, "X-Correlation-ID").and_then(CorrelationId::parse);
        if rules.form.require_ids && (request_id.is_none() || correlation_id.is_none()) {
            return Err(refuse(BadRequest::Invalid));
        }
        Ok(Self {
            client: client.hostname().clone(),
            redirect_uri: redirect_uri.clone(),
            scope,
            state: held,
            request_id,
            correlation_id,
            door: Door::MedMij,
        })
    }
}

fn known_client<'a>(pairs: &[(String, String)], lists: &'a Lists) -> Option<&'a OauthClient> {
    lists.ocl.client(single(pairs, "client_id")?)
}

fn parse_rest(pairs: &[(String, String)], release: ScopeRelease) -> Result<Scope, BadRequest> {
    match single(pairs, "response_type") {
        Some("code") => {}
        Some(_) => return Err(BadRequest::ResponseType),
        None => return Err(BadRequest::Invalid),
    }
    let scope = single(pairs, "scope").ok_or(BadRequest::Invalid)?;
    Scope::parse(scope, release).map_err(|_| BadRequest::Scope)
}

impl RedirectUri {
    /// Longest URI that is accepted, in bytes.
    pub const MAX_BYTES: usize = 2_000;

    /// Parses a URI for a client. Hosts are compared after parsing, never as prefixes.
    #[must_use]
    pub fn parse(text: &str, client: &Hostname, allow_ports: bool) -> Option<Self> {
        let rest = text.strip_prefix("https://").filter(|_| text.len() <= Self::MAX_BYTES)?;
        let (authority, path) = rest.find('/').map_or((rest, ""), |slash| rest.split_at(slash));
        let (host, port) = split_authority(authority).ok()?;
        let port_fits = port.is_none() || allow_ports;
        let host_fits = Hostname::parse_any_case(host).is_ok_and(|host| host == *client);
        if host_fits && port_fits && is_plain_path(path) {
            Some(Self { text: text.to_owned(), authority_end: "https://".len() + authority.len() })
        } else {
            None
        }
    }

    /// The URI.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Scheme, host and port: what a `form-action` must allow.
    #[must_use]
    pub fn origin(&self) -> &str {
        self.text.get(..self.authority_end).unwrap_or_default()
    }
}

/// Characters of RFC 3986 `pchar` and `/`; no empty or dot segment, also when percent-encoded.
fn is_plain_path(path: &str) -> bool {
    let pchar = |c: u8| c.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/%".contains(&c);
    let dots = |segment: &str| matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..");
    path.bytes().all(pchar) && !path.contains("//") && !path.split('/').any(dots)
}

impl State {
    /// Parses a value.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (1..=512).contains(&text.len()) && text.bytes().all(|c| (0x20..0x7f).contains(&c));
        fits.then(|| Self(text.to_owned()))
    }

    /// The value, as it came.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Door {
    /// The issuer that answers through this door name; MedMij knows no such parameter.
    #[must_use]
    pub fn issuer(&self) -> Option<&str> {
        match self {
            Self::MedMij => None,
            Self::Smart(ask) => Some(&ask.issuer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn client() -> Hostname {
        Hostname::parse("pgo.example.nl").unwrap()
    }

    fn accepts(text: &str) -> bool {
        RedirectUri::parse(text, &client(), false).is_some()
    }

    #[test]
    fn any_plain_path_on_the_clients_host_is_fine() {
        for uri in [
            "https://pgo.example.nl",
            "https://pgo.example.nl/",
            "https://PGO.example.nl/cb",
            "https://pgo.example.nl/a/b-c_d~e",
        ] {
            assert!(accepts(uri), "{uri}");
        }
        assert_eq!(
            RedirectUri::parse("https://pgo.example.nl/cb", &client(), false).unwrap().origin(),
            "https://pgo.example.nl"
        );
    }

    #[test]
    fn everything_else_is_no_redirect_uri() {
        for uri in [
            "",
            "http://pgo.example.nl/cb",
            "app://pgo.example.nl/cb",
            "//pgo.example.nl/cb",
            "https://evil.nl/cb",
            "https://pgo.example.nl.evil.nl/cb",
            "https://pgo.example.nl@evil.nl/cb",
            "https://evil@pgo.example.nl/cb",
            "https://pgo.example.nl\\@evil.nl/cb",
            "https://pgo.example.nl/cb?x=1",
            "https://pgo.example.nl/cb#x",
            "https://pgo.example.nl?x",
            "https://pgo.example.nl/../cb",
            "https://pgo.example.nl/a/%2e%2E/cb",
            "https://pgo.example.nl//cb",
            "https://pgo.example.nl/c b",
            "https://pgo.example.nl/\r\nx",
            "https://pgo.example.nl:443/cb",
            "https://pgo.example.nl./cb",
            "https:/pgo.example.nl/cb",
        ] {
            assert!(!accepts(uri), "{uri}");
        }
        assert!(!accepts(&format!("https://pgo.example.nl/{}", "a".repeat(2_000))));
    }

    #[test]
    fn ports_are_allowed_by_setting_only() {
        let parse = |text| RedirectUri::parse(text, &client(), true);
        assert_eq!(parse("https://pgo.example.nl:8450/cb").unwrap().origin(), "https://pgo.example.nl:8450");
        for uri in [
            "https://pgo.example.nl:0/cb",
            "https://pgo.example.nl:+8450/cb",
            "https://pgo.example.nl:/cb",
            "https://pgo.example.nl:65536/cb",
            "https://pgo.example.nl:1:2/cb",
        ] {
            assert!(parse(uri).is_none(), "{uri}");
        }
    }

    #[test]
    fn state_has_bounds() {
        assert!(State::parse("\"><script>").is_some());
        for text in ["", "é", "a\nb", &"x".repeat(513)] {
            assert!(State::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_request_survives_the_store() {
        let request = AuthorizeRequest {
            client: client(),
            redirect_uri: RedirectUri::parse("https://pgo.example.nl:8450/cb", &client(), true).unwrap(),
            scope: Scope::parse("huisarts.delinde", ScopeRelease::Two).unwrap(),
            state: State::parse("a b").unwrap(),
            request_id: None,
            correlation_id: CorrelationId::parse("0d4c6c7a-2f0e-4d7e-9f56-2d3a9a4f6f10"),
            door: Door::MedMij,
        };
        assert_eq!(AuthorizeRequest::from_written(request.to_written()), Some(request.clone()));
        let ask = SmartAsk {
            service: ServiceId::parse("49").unwrap(),
            scope: SmartScope::from_written("launch/patient patient/Observation.s").unwrap(),
            challenge: CodeChallenge::from_text("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM").unwrap(),
            issuer: "https://inloggen.example/smart".to_owned(),
        };
        let named = Scope::parse("huisarts.delinde~49", ScopeRelease::OneFive).unwrap();
        let named = AuthorizeRequest { scope: named, ..request.clone() };
        assert_eq!(AuthorizeRequest::from_written(named.to_written()), Some(named));
        let request = AuthorizeRequest { door: Door::Smart(ask), ..request };
        assert_eq!(AuthorizeRequest::from_written(request.to_written()), Some(request));
    }

    proptest! {
        #[test]
        fn what_is_accepted_leads_to_the_client(text in "https://(pgo.example.nl)?\\PC{0,40}") {
            if let Some(uri) = RedirectUri::parse(&text, &client(), true) {
                prop_assert!(uri.origin().to_ascii_lowercase().starts_with("https://pgo.example.nl"));
                let rest = uri.as_str().get(uri.origin().len()..).unwrap_or_default();
                prop_assert!(rest.is_empty() || rest.starts_with('/'));
                prop_assert!(!rest.contains(['\\', '?', '#']));
            }
        }
    }
}
