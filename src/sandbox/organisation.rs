//! A provider of organisations, emulated: an OpenID provider at which anybody says which of a few people they are. It knows the gateway
//! as two clients: one for those who run it, one for those who look how far online access is. It holds the gateway to what OpenID
//! Connect asks of it, and can be made to vouch for something else.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use askama::Template;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

use super::portal::keys::{OPEN_PUBLIC, OPERATORS_PUBLIC};
use super::site::Site;
use super::site::web::fields;
use super::world::Layout;
use crate::clock::SharedClock;
use crate::form::{decode_pairs, encode_pairs, single};
use crate::jose::{AudienceRule, Expected, Jwks, Jws, Rules, SignatureAlgorithm, SigningKey};
use crate::oauth::pkce::CodeChallenge;
use crate::secret::Handle;

/// Who the gateway is to it where operators log in.
pub(super) const CLIENT: &str = "inzage-beheer";
/// Who it is where practices, coalitions, the OPEN programme and insurers do.
pub(super) const OPEN_CLIENT: &str = "inzage-open";
/// Somebody: `sub`, and what they are.
type Somebody = (&'static str, &'static [&'static str]);
/// Who runs the gateway.
const COLLEAGUES: &[Somebody] = &[
    ("b.wacht", &["medewerker", "inzage-beheer"]),
    ("t.zicht", &["medewerker", "inzage-toezicht"]),
    ("l.lezer", &["medewerker", "inzage-kijken"]),
    ("g.gast", &["medewerker"]),
];
/// Who looks how far online access is.
const OTHERS: &[Somebody] = &[
    ("p.linde", &["medewerker", "practice:huisarts.delinde@medmij"]),
    ("p.twee", &["practice:huisarts.haven@medmij", "practice:huisarts.molenwiek@medmij"]),
    ("c.kring", &["coalition:waterland"]),
    ("o.open", &["programme"]),
    ("v.zeker", &["insurer"]),
    ("d.dubbel", &["insurer", "programme"]),
    ("g.gast", &["medewerker"]),
];
/// Each client, who comes through it, and the file with its keys.
const CLIENTS: [(&str, &[Somebody], &str); 2] =
    [(CLIENT, COLLEAGUES, OPERATORS_PUBLIC), (OPEN_CLIENT, OTHERS, OPEN_PUBLIC)];
/// How long an id_token is valid, in seconds.
const LIFETIME_SECONDS: i64 = 300;
/// How long the signature of the gateway may be.
const ASSERTION_LIFETIME: Duration = Duration::from_mins(5);

/// Changes the claims of an id_token.
type Change = Box<dyn Fn(&mut Value) + Send + Sync>;

/// The provider.
pub struct Organisation {
    origin: String,
    key: SigningKey,
    /// The registered keys of the gateway, by client.
    registered: BTreeMap<&'static str, Jwks>,
    clock: SharedClock,
    codes: Mutex<BTreeMap<String, Given>>,
    change: Mutex<Option<Change>>,
}

/// What a code was given for.
struct Given {
    client: &'static str,
    subject: &'static str,
    roles: &'static [&'static str],
    challenge: CodeChallenge,
    nonce: String,
    redirect_uri: String,
}

#[derive(Template)]
#[template(path = "organisation.html", config = "src/sandbox/askama.toml")]
struct Page {
    /// Address, name and roles of each colleague.
    colleagues: Vec<(String, &'static str, String)>,
}

impl Organisation {
    /// That of a sandbox, where the keys of its gateway are registered.
    pub(super) fn open(layout: &Layout, clock: &SharedClock) -> std::io::Result<Arc<Self>> {
        let made = || std::io::Error::other("a key cannot be used");
        let registered = CLIENTS.into_iter().map(|(client, _, file)| {
            let keys = std::fs::read_to_string(layout.file(file))?;
            Ok((client, Jwks::parse(&keys).map_err(|_| made())?))
        });
        let registered = registered.collect::<std::io::Result<_>>()?;
        Ok(Arc::new(Self {
            origin: layout.organisation_origin(),
            key: SigningKey::generate(SignatureAlgorithm::Es256).map_err(|_| made())?,
            registered,
            clock: Arc::clone(clock),
            codes: Mutex::default(),
            change: Mutex::default(),
        }))
    }

    /// From now on id_tokens say this too, or what they said before.
    pub fn vouch_otherwise(&self, change: Option<Change>) {
        *self.change.lock().unwrap_or_else(PoisonError::into_inner) = change;
    }

    pub(super) fn site(self: &Arc<Self>) -> Site {
        let routes = Router::new()
            .route("/.well-known/openid-configuration", get(metadata))
            .route("/keys", get(keys))
            .route("/authorize", get(authorize))
            .route("/choose", get(choose))
            .route("/token", post(token));
        Site::new(routes.with_state(Arc::clone(self)))
    }

    /// A code for this colleague, and where it goes.
    fn give(&self, asked: &[(String, String)]) -> Option<String> {
        let wanted = |name: &str, value: &str| (single(asked, name)? == value).then_some(());
        let (client, people) = people(asked)?;
        wanted("response_type", "code")?;
        single(asked, "scope")?.split(' ').find(|scope| *scope == "openid")?;
        let (subject, roles) = *people.iter().find(|(name, _)| Some(*name) == single(asked, "colleague"))?;
        let given = Given {
            client,
            subject,
            roles,
            challenge: CodeChallenge::parse(single(asked, "code_challenge"), single(asked, "code_challenge_method"))?,
            nonce: single(asked, "nonce")?.to_owned(),
            redirect_uri: single(asked, "redirect_uri")?.to_owned(),
        };
        let code = Handle::draw().reveal().to_owned();
        let answer = [("code", code.as_str()), ("state", single(asked, "state")?), ("iss", &self.origin)];
        let answer = encode_pairs(&answer.map(|(name, value)| (name.to_owned(), value.to_owned())));
        let address = format!("{}?{answer}", given.redirect_uri);
        self.codes.lock().unwrap_or_else(PoisonError::into_inner).insert(code, given);
        Some(address)
    }

    /// An id_token for a code, to the client that it was given to, once (RFC 6749 section 4.1.3).
    fn exchange(&self, sent: &[(String, String)]) -> Result<Value, &'static str> {
        let field = |name| single(sent, name).unwrap_or_default();
        let client = self.prover(field("client_assertion")).ok_or("invalid_client")?;
        let given = self.codes.lock().unwrap_or_else(PoisonError::into_inner).remove(field("code"));
        let given = given.filter(|given| {
            given.client == client
                && given.redirect_uri == field("redirect_uri")
                && given.challenge.is_answered_by(field("code_verifier"))
        });
        let id_token = self.id_token(&given.ok_or("invalid_grant")?).ok_or("server_error")?;
        Ok(json!({"access_token": Handle::draw().reveal(), "token_type": "Bearer", "id_token": id_token}))
    }

    /// The client that a client assertion is of, when it is one of the gateway and for us (RFC 7523 section 3).
    fn prover(&self, assertion: &str) -> Option<&'static str> {
        let rules = Rules { algorithms: &[SignatureAlgorithm::Es256], typ: None };
        self.registered.iter().find_map(|(client, keys)| {
            let expected = Expected {
                issuer: client,
                subject: Some(client),
                audience: &[&self.origin],
                others: AudienceRule::Only,
                nonce: None,
                issued_at: false,
                token_id: true,
                lifetime: ASSERTION_LIFETIME,
                leeway: Duration::ZERO,
            };
            let claims = Jws::parse(assertion).and_then(|jws| jws.verify(keys, &rules)?.claims()).ok()?;
            claims.check(&expected, self.clock.now()).is_ok().then_some(*client)
        })
    }

    fn id_token(&self, given: &Given) -> Option<String> {
        let now = self.clock.now().as_second();
        let mut claims = json!({
            "iss": self.origin,
            "sub": given.subject,
            "aud": given.client,
            "nonce": given.nonce,
            "iat": now,
            "exp": now.saturating_add(LIFETIME_SECONDS),
            "auth_time": now,
            "roles": given.roles,
        });
        if let Some(change) = &*self.change.lock().unwrap_or_else(PoisonError::into_inner) {
            change(&mut claims);
        }
        self.key.sign("JWT", &claims).ok().map(|token| token.reveal().clone())
    }
}

/// The client that asks, and who comes through it.
fn people(asked: &[(String, String)]) -> Option<(&'static str, &'static [Somebody])> {
    let found = CLIENTS.into_iter().find(|(client, ..)| Some(*client) == single(asked, "client_id"))?;
    Some((found.0, found.1))
}

type Shared = State<Arc<Organisation>>;

async fn metadata(State(own): Shared) -> Json<Value> {
    let origin = &own.origin;
    Json(json!({
        "issuer": origin,
        "authorization_endpoint": format!("{origin}/authorize"),
        "token_endpoint": format!("{origin}/token"),
        "jwks_uri": format!("{origin}/keys"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ["ES256"],
        "authorization_response_iss_parameter_supported": true,
    }))
}

async fn keys(State(own): Shared) -> Json<Value> {
    Json(json!({"keys": [own.key.published()]}))
}

/// The page on which somebody says who they are.
async fn authorize(RawQuery(query): RawQuery) -> Response {
    let asked = decode_pairs(&query.unwrap_or_default()).unwrap_or_default();
    let address = |name: &str| {
        let colleague = ("colleague".to_owned(), name.to_owned());
        format!("/choose?{}", encode_pairs(&[asked.as_slice(), &[colleague]].concat()))
    };
    let people = people(&asked).map_or(&[][..], |(_, people)| people);
    let colleagues = people.iter().map(|(name, roles)| (address(name), *name, roles.join(", ")));
    Html(Page { colleagues: colleagues.collect() }.render().unwrap_or_default()).into_response()
}

async fn choose(State(own): Shared, RawQuery(query): RawQuery) -> Response {
    let asked = decode_pairs(&query.unwrap_or_default()).unwrap_or_default();
    own.give(&asked).map_or_else(|| StatusCode::BAD_REQUEST.into_response(), |to| Redirect::to(&to).into_response())
}

async fn token(State(own): Shared, body: Bytes) -> Response {
    match own.exchange(&fields(&body)) {
        Ok(tokens) => Json(tokens).into_response(),
        Err(error) => (StatusCode::BAD_REQUEST, Json(json!({"error": error}))).into_response(),
    }
}
