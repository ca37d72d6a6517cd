//! A provider in good order and a gateway that is registered with it, for a test to change one thing of.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::departure::Departed;
use super::super::{
    AssertionAudience, OidcConfig, OidcError, OidcKeys, OidcLogin, PersonClaims, RelyingParty, Userinfo,
};
use super::emulator::{Canned, Emulator, HOST};
use crate::clock::{Clock as _, SharedClock, TestClock};
use crate::form::{decode_pairs, single};
use crate::jose::{DecryptionKey, Jwk, SignatureAlgorithm, SigningKey, encrypt};
use crate::language::Language;
use crate::medmij::{Hostname, LocalId};
use crate::secret::Handle;
use crate::session::login::{
    AssuranceLevel, Attempt, AuthenticatedPerson, Departure, IdentityProvider as _, LoginEnd, LoginState,
    LoginUnavailable, WayToLogin,
};
use crate::tls::client::{Deadlines, client_config, reqwest_client};

pub(super) const BSN: &str = "999911132";
pub(super) const CLIENT: &str = "inzage";
pub(super) const CALLBACK: &str = "https://inzage.localhost:8441/login/callback";
pub(super) const DISCOVERY: &str = "/.well-known/openid-configuration";
const SUBJECT: &str = "somebody";

/// Everything of one test.
pub(super) struct World {
    pub(super) emulator: Emulator,
    pub(super) login: OidcLogin,
    pub(super) clock: Arc<TestClock>,
    /// The provider's key.
    pub(super) key: SigningKey,
    /// Our key that userinfo is encrypted to.
    ours: Jwk,
    /// Our public key for signatures.
    pub(super) our_signature: Jwk,
}

/// A person on their way, as the provider sees them.
pub(super) struct Away {
    pub(super) way: WayToLogin,
    pub(super) query: Vec<(String, String)>,
}

impl Away {
    pub(super) fn asked(&self, name: &str) -> &str {
        single(&self.query, name).unwrap_or_default()
    }
}

impl World {
    pub(super) async fn start(userinfo: Userinfo) -> Self {
        Self::with(|config| config.userinfo = userinfo).await
    }

    pub(super) async fn with(change: impl FnOnce(&mut OidcConfig)) -> Self {
        Self::of(|config, _| change(config)).await
    }

    pub(super) async fn of(change: impl FnOnce(&mut OidcConfig, &mut PersonClaims)) -> Self {
        let clock = TestClock::at("2026-11-21T11:00:00Z".parse().unwrap());
        let shared: SharedClock = Arc::clone(&clock) as _;
        let emulator = Emulator::start(&shared).await;
        let (mut config, mut claims) = (config(&emulator.origin), claims());
        change(&mut config, &mut claims);
        let key = SigningKey::generate(SignatureAlgorithm::Es256).unwrap();
        let signing = SigningKey::generate(SignatureAlgorithm::Es256).unwrap();
        let decryption = DecryptionKey::generate().unwrap();
        let (ours, our_signature) = (decryption.public(), signing.public());
        let keys = OidcKeys { signing, decryption: vec![decryption] };
        let tls = client_config(&emulator.roots, None, &[crate::tls::ALPN_HTTP1], &shared).unwrap();
        let resolve = [(Hostname::parse(HOST).unwrap(), "127.0.0.1".parse().unwrap())];
        let deadlines = Deadlines { connect: Duration::from_secs(5), total: Duration::from_secs(20) };
        let client = reqwest_client(tls, &crate::outgoing::Outgoing::new(resolve, &[]), deadlines).unwrap();
        let login = OidcLogin::new(RelyingParty::new(config, keys, client, shared).unwrap(), claims);
        let world = Self { emulator, login, clock, key, ours, our_signature };
        world.emulator.answer(DISCOVERY, Canned::json(&world.metadata()));
        world.publish_key();
        world
    }

    pub(super) fn metadata(&self) -> Value {
        let origin = &self.emulator.origin;
        json!({
            "issuer": origin,
            "authorization_endpoint": format!("{origin}/authorize"),
            "token_endpoint": format!("{origin}/token"),
            "userinfo_endpoint": format!("{origin}/userinfo"),
            "jwks_uri": format!("{origin}/keys"),
            "response_types_supported": ["code", "code id_token"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["ES256"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["private_key_jwt"],
            "token_endpoint_auth_signing_alg_values_supported": ["ES256", "PS256"],
        })
    }

    /// Makes the provider show its key of now.
    pub(super) fn publish_key(&self) {
        self.emulator.answer("/keys", Canned::json(&json!({"keys": [self.key.published()]})));
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Long enough for a provider that answers.
    pub(super) fn deadline(&self) -> Instant {
        self.clock.monotonic() + Duration::from_secs(20)
    }

    pub(super) async fn try_leave(&self) -> Result<Away, LoginUnavailable> {
        self.leave_in(Language::Dutch).await
    }

    pub(super) async fn leave_in(&self, language: Language) -> Result<Away, LoginUnavailable> {
        let key = Handle::draw();
        let visit = LocalId::new(self.now());
        let departure = Departure { visit, key: &key, attempt: Attempt::First, language, deadline: self.deadline() };
        let way = self.login.start(departure).await?;
        let query = decode_pairs(way.address.split_once('?').unwrap().1).unwrap();
        assert_eq!(single(&query, "state"), Some(departure.ticket().as_str()));
        Ok(Away { way, query })
    }

    pub(super) async fn leave(&self) -> Away {
        self.try_leave().await.unwrap()
    }

    /// The claims of an id_token in good order.
    pub(super) fn id_claims(&self, away: &Away) -> Value {
        let now = self.now().as_second();
        json!({
            "iss": self.emulator.origin,
            "sub": SUBJECT,
            "aud": CLIENT,
            "nonce": away.asked("nonce"),
            "iat": now,
            "exp": now + 300,
            "auth_time": now,
            "acr": "http://eidas.europa.eu/LoA/substantial",
        })
    }

    /// Userinfo in good order, for any of its forms.
    pub(super) fn person_claims(&self) -> Value {
        json!({"iss": self.emulator.origin, "aud": CLIENT, "sub": SUBJECT, "bsn": BSN})
    }

    pub(super) fn signed(&self, claims: &Value) -> String {
        self.key.sign("JWT", claims).unwrap().reveal().clone()
    }

    pub(super) fn sealed(&self, text: &str, content_type: Option<&str>) -> String {
        encrypt(text.as_bytes(), &self.ours, content_type).unwrap().reveal().clone()
    }

    /// Makes the provider give this id_token for the code.
    pub(super) fn give(&self, id_token: &str) {
        let tokens =
            json!({"access_token": "an-access-token", "token_type": "Bearer", "expires_in": 60, "id_token": id_token});
        self.emulator.answer("/token", Canned::json(&tokens));
    }

    /// Makes the provider answer in good order, in the form that the gateway expects.
    pub(super) fn give_all(&self, away: &Away, userinfo: Userinfo) {
        self.give(&self.signed(&self.id_claims(away)));
        self.emulator.answer("/userinfo", self.person(userinfo));
    }

    pub(super) fn person(&self, userinfo: Userinfo) -> Canned {
        let claims = self.person_claims();
        match userinfo {
            Userinfo::None | Userinfo::Plain => Canned::json(&claims),
            Userinfo::Signed => Canned::jwt(&self.signed(&claims)),
            Userinfo::Encrypted => Canned::jwt(&self.sealed(&claims.to_string(), None)),
            Userinfo::SignedEncrypted => Canned::jwt(&self.sealed(&self.signed(&claims), Some("JWT"))),
        }
    }

    /// Comes back with a code; the error in full.
    pub(super) async fn come_back(&self, away: &Away) -> Result<AuthenticatedPerson, OidcError> {
        self.login.come_back(&away.way.state, &code()).await
    }

    /// Comes back with these fields, by the port.
    pub(super) async fn finish(&self, away: &Away, fields: &[(&str, &str)]) -> Result<AuthenticatedPerson, LoginEnd> {
        let fields: Vec<_> = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        self.login.finish(away.way.state.clone(), &fields, self.deadline()).await
    }
}

/// What a browser brings back when all is well.
pub(super) fn code() -> Vec<(String, String)> {
    vec![("code".to_owned(), "the-code".to_owned()), ("state".to_owned(), "found by the journey".to_owned())]
}

/// The state of a departure that never was.
pub(super) fn other_state(now: Timestamp) -> LoginState {
    Departed::now(now).into_state()
}

fn config(origin: &str) -> OidcConfig {
    OidcConfig {
        issuer: origin.to_owned(),
        origins: vec![origin.to_owned()],
        client_id: CLIENT.to_owned(),
        redirect_uri: CALLBACK.to_owned(),
        scopes: vec!["bsn".to_owned()],
        acr_values: vec!["http://eidas.europa.eu/LoA/substantial".to_owned()],
        userinfo: Userinfo::SignedEncrypted,
        assertion_audience: AssertionAudience::Issuer,
        fresh_login: true,
    }
}

fn claims() -> PersonClaims {
    PersonClaims {
        bsn: "bsn".to_owned(),
        level: "acr".to_owned(),
        levels: PersonClaims::LEVELS.iter().map(|(name, level)| ((*name).to_owned(), *level)).collect(),
        minimum_level: AssuranceLevel::Substantieel,
    }
}
