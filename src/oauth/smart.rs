//! The door of portals: the authorization request of SMART App Launch 2.2, standalone. Its rules are stricter than those of
//! MedMij where MedMij leaves no room (PKCE, `iss`), and the two never mix: a portal is no client of the lists.

use std::fmt;

use super::authorize::{AuthorizeRefusal, AuthorizeRequest, BadRequest, Door, NoClient, RedirectUri, SmartAsk, State};
use super::pkce::CodeChallenge;
use super::smart_scope::SmartScope;
use crate::clients::Portal;
use crate::form::single;
use crate::medmij::{CorrelationId, Hostname, ProviderName, RequestId, Scope};
use crate::routing::{Snapshot, route};
use crate::services::Service;

/// Fewest characters of a `state`: SMART asks for 122 bits that nobody can guess, which are 21 characters of base64url.
const STATE_MIN: usize = 21;

/// Our names in this flow.
#[derive(Clone, PartialEq, Eq)]
pub struct SmartNames {
    /// The issuer: the origin of the front channel, and `/smart`.
    pub issuer: String,
    /// Scheme, host and port of our FHIR bases: the origin of the back channel.
    pub fhir_origin: String,
}

impl SmartNames {
    /// Of a gateway with these origins.
    #[must_use]
    pub fn new(front: &str, back: &str) -> Self {
        Self { issuer: format!("{front}/smart"), fhir_origin: back.to_owned() }
    }
}

impl fmt::Debug for SmartNames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.issuer)
    }
}

/// Parses the decoded query parameters of `/smart/authorize`. Client and redirect URI come first; while either is in doubt
/// nobody is redirected anywhere. Unknown parameters are ignored (RFC 6749 section 3.1).
///
/// # Errors
/// See [`AuthorizeRefusal`].
pub fn parse(
    pairs: &[(String, String)],
    snapshot: &Snapshot,
    names: &SmartNames,
) -> Result<AuthorizeRequest, AuthorizeRefusal> {
    let (client, portal) = portal(pairs, snapshot).ok_or(AuthorizeRefusal::Page(NoClient::UnknownClient))?;
    let redirect_uri = registered(pairs, portal).ok_or(AuthorizeRefusal::Page(NoClient::BadRedirectUri))?;
    let state = single(pairs, "state").and_then(State::parse);
    let read = Ask::read(pairs, portal, snapshot, names).and_then(|ask| {
        let state = state.clone().filter(|state| state.as_str().len() >= STATE_MIN).ok_or(BadRequest::Invalid)?;
        Ok((ask, state))
    });
    match read {
        Ok((ask, held)) => Ok(AuthorizeRequest {
            client: client.clone(),
            redirect_uri: redirect_uri.clone(),
            scope: Scope::Collect(ask.provider),
            state: held,
            request_id: single(pairs, "MedMij-Request-ID").and_then(RequestId::parse),
            correlation_id: single(pairs, "X-Correlation-ID").and_then(CorrelationId::parse),
            door: Door::Smart(ask.ask),
        }),
        Err(error) => {
            let (client, redirect_uri) = (client.clone(), redirect_uri.clone());
            Err(AuthorizeRefusal::Redirect { client, redirect_uri, state, error, unoffered: None })
        }
    }
}

fn portal<'a>(pairs: &[(String, String)], snapshot: &'a Snapshot) -> Option<(&'a Hostname, &'a Portal)> {
    let asked = single(pairs, "client_id")?;
    let (id, portal) = snapshot.clients.portals().find(|(id, _)| id.as_str() == asked)?;
    snapshot.lists.ocl.client(asked).is_none().then_some((id, portal))
}

/// Compared byte by byte with the registration (RFC 9700 section 4.1.3).
fn registered<'a>(pairs: &[(String, String)], portal: &'a Portal) -> Option<&'a RedirectUri> {
    let asked = single(pairs, "redirect_uri")?;
    portal.redirect_uris.iter().find(|uri| uri.as_str() == asked)
}

/// What is asked of which practice.
struct Ask {
    provider: ProviderName,
    ask: SmartAsk,
}

impl Ask {
    fn read(
        pairs: &[(String, String)],
        portal: &Portal,
        snapshot: &Snapshot,
        names: &SmartNames,
    ) -> Result<Self, BadRequest> {
        match single(pairs, "response_type") {
            Some("code") => {}
            Some(_) => return Err(BadRequest::ResponseType),
            None => return Err(BadRequest::Invalid),
        }
        let challenge = CodeChallenge::parse(single(pairs, "code_challenge"), single(pairs, "code_challenge_method"));
        let challenge = challenge.ok_or(BadRequest::Invalid)?;
        let (provider, service) =
            single(pairs, "aud").and_then(|aud| addressed(aud, portal, snapshot, names)).ok_or(BadRequest::Invalid)?;
        let scope = single(pairs, "scope").ok_or(BadRequest::Scope)?;
        let scope = SmartScope::parse(scope, service).map_err(|_| BadRequest::Scope)?;
        Ok(Self {
            provider,
            ask: SmartAsk { service: service.id.clone(), scope, challenge, issuer: names.issuer.clone() },
        })
    }
}

/// The practice and service whose FHIR base `aud` is, when the registration names both. A base that is not ours, that is not
/// registered and that does not exist are one and the same.
fn addressed<'a>(
    aud: &str,
    portal: &Portal,
    snapshot: &'a Snapshot,
    names: &SmartNames,
) -> Option<(ProviderName, &'a Service)> {
    let path = aud.strip_prefix(&names.fhir_origin)?;
    let route = route(path).filter(|route| route.rest.is_empty() && !path.ends_with('/'))?;
    let provider = ProviderName::parse_short(route.provider).ok()?;
    let service = snapshot.services.service(route.service).filter(|service| service.fhir == route.version)?;
    let registered = portal.scope.has_practice(&provider) && portal.scope.has_service(&service.id);
    registered.then_some((provider, service))
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;
    use std::sync::Arc;
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::clients::{Client, ClientRegister, PortalScope};
    use crate::jose::Jwks;
    use crate::lists::Lists;
    use crate::medmij::ServiceId;
    use crate::practices::PracticeRegister;
    use crate::routing::Freshness;
    use crate::services::Catalogue;

    const CLIENT: &str = "portaal.example";
    const BACK: &str = "https://portaal.example/terug";
    const BASE: &str = "https://inzage.example/fhir/huisarts.delinde/49/stu3";

    fn snapshot() -> Snapshot {
        let client = Hostname::parse(CLIENT).unwrap();
        let portal = Portal {
            name: "Portaal".to_owned(),
            peers: vec![client.clone()],
            bind_tokens: true,
            scope: PortalScope::new(
                [ProviderName::parse("huisarts.delinde@medmij").unwrap()],
                [ServiceId::parse("49").unwrap()],
            ),
            keys: Jwks::default(),
            encrypt: true,
            redirect_uris: vec![RedirectUri::parse(BACK, &client, false).unwrap()],
            rate: NonZeroU32::MIN,
        };
        Snapshot {
            lists: Arc::new(Lists::default()),
            practices: Arc::new(PracticeRegister::default()),
            services: Arc::new(Catalogue::shipped()),
            interfaces: crate::routing::Interfaces::default(),
            clients: Arc::new(ClientRegister::new([(client, Client::Portal(portal))])),
            adapters: Arc::default(),
            freshness: Arc::new(Freshness::new(Duration::from_secs(3600))),
            standing: crate::routing::Standing::default(),
            stops: Arc::default(),
            stages: Arc::default(),
            people: Arc::default(),
        }
    }

    fn parsed(pairs: &[(String, String)]) -> Result<AuthorizeRequest, AuthorizeRefusal> {
        parse(pairs, &snapshot(), &SmartNames::new("https://inloggen.example", "https://inzage.example"))
    }

    fn pairs() -> Vec<(String, String)> {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        vec![
            pair("client_id", CLIENT),
            pair("redirect_uri", BACK),
            pair("response_type", "code"),
            pair("state", "een-toestand-die-lang-genoeg-is"),
            pair("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
            pair("code_challenge_method", "S256"),
            pair("aud", BASE),
            pair("scope", "launch/patient patient/Observation.rs"),
        ]
    }

    #[test]
    fn a_request_in_order_says_what_is_asked_of_whom() {
        let request = parsed(&pairs()).unwrap();
        assert_eq!((request.client.as_str(), request.redirect_uri.as_str()), (CLIENT, BACK));
        assert_eq!(request.scope.to_string(), "huisarts.delinde");
        let Door::Smart(ask) = &request.door else { panic!("the door of portals") };
        assert_eq!(ask.scope.to_string(), "launch/patient patient/Observation.s");
        assert_eq!((ask.service.as_str(), ask.issuer.as_str()), ("49", "https://inloggen.example/smart"));
        assert!(!request.may_last());
    }

    proptest! {
        /// Whatever one parameter is: nobody is sent to another address than the registered one, and what is accepted is
        /// what was registered.
        #[test]
        fn one_strange_parameter_leads_nowhere_else(
            at in 0_usize..8,
            value in "\\PC{0,40}|https://[a-z.@/\\\\]{0,30}|(patient/|launch|\\*|\\.|rs| ){0,8}",
            twice in any::<bool>(),
        ) {
            let mut pairs = pairs();
            if twice {
                let name = pairs[at].0.clone();
                pairs.push((name, value));
            } else {
                pairs[at].1 = value;
            }
            match parsed(&pairs) {
                Ok(request) => {
                    prop_assert_eq!(request.redirect_uri.as_str(), BACK);
                    prop_assert_eq!(request.scope.provider().short(), "huisarts.delinde");
                    prop_assert!(!twice && request.state.as_str().len() >= STATE_MIN);
                }
                Err(AuthorizeRefusal::Redirect { redirect_uri, .. }) => {
                    prop_assert_eq!(redirect_uri.as_str(), BACK);
                    prop_assert!(at > 1, "client and address are sure");
                }
                Err(AuthorizeRefusal::Page(_)) => prop_assert!(at <= 1),
            }
        }
    }
}
