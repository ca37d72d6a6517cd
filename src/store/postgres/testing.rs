//! A database of its own for each test, on the server that `INZAGE_TEST_POSTGRES_URL` names; `tests/postgres` starts one.

use std::io::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use tokio_postgres::{Client, Config, NoTls};

use super::{PostgresError, PostgresSettings, PostgresStore, PostgresUrl};
use crate::seal::Sealer;
use crate::secret::{Secret, random};

/// Names the server.
const VARIABLE: &str = "INZAGE_TEST_POSTGRES_URL";

/// An empty database. It stays when the test fails; the server is there for tests only.
pub(super) struct Database {
    server: Config,
    name: String,
}

impl Database {
    /// Makes one; without a server it says that the test is skipped.
    pub(super) async fn new() -> Option<Self> {
        #[expect(clippy::disallowed_methods, reason = "a test is told of a server by its environment")]
        let Ok(url) = std::env::var(VARIABLE) else {
            // Past the capture of the test harness: a skipped test is not to look like one that passed.
            let test = std::thread::current().name().unwrap_or_default().to_owned();
            let _ = writeln!(std::io::stderr(), "skipped {test}: {VARIABLE} names no PostgreSQL server");
            return None;
        };
        let database =
            Self { server: url.parse().unwrap(), name: format!("inzage_test_{:016x}", u64::from_le_bytes(random())) };
        let create = format!("CREATE DATABASE {}", database.name);
        client(&database.server).await.batch_execute(&create).await.unwrap();
        Some(database)
    }

    /// A connection beside the store.
    pub(super) async fn raw(&self) -> Client {
        client(self.server.clone().dbname(&self.name)).await
    }

    /// Settings as a node has them, with few connections and a short patience.
    pub(super) fn settings(&self) -> PostgresSettings {
        let host = self.server.get_hosts().first().map(host_text).unwrap();
        let port = self.server.get_ports().first().unwrap_or(&5432);
        let user = self.server.get_user().unwrap_or("postgres");
        let url = format!("postgres://{user}@{host}:{port}/{}", self.name);
        let password = self.server.get_password().map(|word| Secret::new(String::from_utf8(word.to_vec()).unwrap()));
        PostgresSettings {
            url: PostgresUrl::parse(&url).unwrap(),
            node: "test".to_owned(),
            password,
            tls: None,
            connections: 4,
            statement_timeout: Duration::from_secs(2),
        }
    }

    /// The address of the server.
    pub(super) async fn address(&self) -> SocketAddr {
        let port = self.server.get_ports().first().copied().unwrap_or(5432);
        let host = self.server.get_hosts().first().unwrap();
        let tokio_postgres::config::Host::Tcp(host) = host else { panic!("a server on TCP is needed") };
        tokio::net::lookup_host((host.as_str(), port)).await.unwrap().next().unwrap()
    }

    /// The same settings for a server that is reached at another address of this machine.
    pub(super) fn settings_at(&self, address: SocketAddr) -> PostgresSettings {
        let user = self.server.get_user().unwrap_or("postgres");
        let url = PostgresUrl::parse(&format!("postgres://{user}@{address}/{}", self.name)).unwrap();
        PostgresSettings { url, ..self.settings() }
    }

    /// A new user with these rights; `{node}` stands for their name.
    pub(super) async fn node_role(&self, grants: &str) -> String {
        let name = format!("{}_node", self.name);
        let create = format!("CREATE ROLE {name} LOGIN; {}", grants.replace("{node}", &name));
        self.raw().await.batch_execute(&create).await.unwrap();
        name
    }

    /// A connection of that user, beside the store.
    pub(super) async fn raw_as(&self, user: &str) -> Client {
        client(self.server.clone().dbname(&self.name).user(user)).await
    }

    /// The settings of a node that is that user.
    pub(super) fn settings_as(&self, user: &str) -> PostgresSettings {
        let host = self.server.get_hosts().first().map(host_text).unwrap();
        let port = self.server.get_ports().first().unwrap_or(&5432);
        let url = format!("postgres://{user}@{host}:{port}/{}", self.name);
        PostgresSettings { url: PostgresUrl::parse(&url).unwrap(), ..self.settings() }
    }

    /// Removes the database and then the user.
    pub(super) async fn remove_with(self, user: &str) {
        let server = self.server.clone();
        self.remove().await;
        client(&server).await.batch_execute(&format!("DROP ROLE {user}")).await.unwrap();
    }

    pub(super) async fn open(&self) -> PostgresStore {
        self.try_open(1, true).await.unwrap()
    }

    pub(super) async fn try_open(&self, key: u8, create: bool) -> Result<PostgresStore, PostgresError> {
        PostgresStore::open(self.settings(), Sealer::new(&Secret::new([key; 32])), create).await
    }

    /// Removes the database, also from under a store.
    pub(super) async fn remove(self) {
        let drop = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        client(&self.server).await.batch_execute(&drop).await.unwrap();
    }
}

async fn client(config: &Config) -> Client {
    let (client, connection) = config.connect(NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

fn host_text(host: &tokio_postgres::config::Host) -> String {
    match host {
        tokio_postgres::config::Host::Tcp(name) => name.clone(),
        tokio_postgres::config::Host::Unix(path) => path.display().to_string().replace('/', "%2F"),
    }
}
