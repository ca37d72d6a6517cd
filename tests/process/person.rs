//! A willing person and the PGO that holds their token.

use inzage::sandbox::client::{ClientError, Endpoints, PgoClient, Reply, TokenAnswer, new_id};
use inzage::sandbox::person::{Choices, End, Person};
use inzage::sandbox::world::World;

use crate::harness::clock;

/// A PGO with a person's token.
#[derive(Clone)]
pub(crate) struct Session {
    /// Where to ask.
    pub(crate) endpoints: Endpoints,
    /// With what.
    pub(crate) token: TokenAnswer,
    /// Of the consent.
    pub(crate) correlation_id: String,
}

/// A code that was not exchanged yet.
pub(crate) struct Consented {
    /// Who may exchange it.
    pub(crate) client: PgoClient,
    /// Where.
    pub(crate) endpoints: Endpoints,
    /// The code.
    pub(crate) code: String,
    /// Of the consent.
    pub(crate) correlation_id: String,
}

/// A willing person and their new token.
pub(crate) async fn consent(world: &World) -> Session {
    let consented = code(world).await;
    let token = consented.exchange().await.unwrap();
    Session { endpoints: consented.endpoints, token, correlation_id: consented.correlation_id }
}

/// A willing person and their new code.
pub(crate) async fn code(world: &World) -> Consented {
    let (mut consented, end) = walk(world).await;
    let End::Client(answer) = end else { panic!("the walk ended on a page") };
    consented.code.clone_from(&answer["code"]);
    consented
}

/// A willing person and where their walk ended; what is exchanged later has no code yet.
pub(crate) async fn walk(world: &World) -> (Consented, End) {
    walk_choosing(world, Choices::willing(world.practices[0].patients[0].bsn.reveal())).await
}

/// The same for a person who presses these buttons.
pub(crate) async fn walk_choosing(world: &World, choices: Choices<'_>) -> (Consented, End) {
    let client = world.client("pgo", &clock()).unwrap();
    let practice = &world.practices[0];
    let endpoints = client.endpoints(practice.provider.as_str(), "49").await.unwrap();
    let correlation_id = new_id();
    let url = client.authorization_url(&endpoints, practice.provider.short(), "the state", &correlation_id);
    let end = Person::default().walk(&client, &url, choices).await.unwrap();
    (Consented { client, endpoints, code: String::new(), correlation_id }, end)
}

impl Consented {
    /// Exchanges the code.
    pub(crate) async fn exchange(&self) -> Result<TokenAnswer, ClientError> {
        self.client.exchange(&self.endpoints, &self.code, &self.correlation_id).await
    }
}

impl Session {
    /// Asks for episodes; the id of the request with its answer.
    pub(crate) async fn ask(&self, client: &PgoClient) -> (String, Reply) {
        let request_id = new_id();
        let url = format!("{}/EpisodeOfCare", self.endpoints.resources["MM-2.0-HGB-FHIR"]);
        let token = &self.token.access_token;
        let reply = client.get_as(&url, token, &self.correlation_id, &request_id).await.unwrap();
        (request_id, reply)
    }
}
