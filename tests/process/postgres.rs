//! Databases for gateways: one of its own for each test, on the server that `tests/postgres` starts.

use std::io::Write as _;

use inzage::sandbox::client::new_id;
use tokio_postgres::{Client, Config, NoTls};

/// A variable of the environment; without it the test is skipped, and says so past the capture of the test harness.
#[expect(clippy::disallowed_methods, reason = "a test is told of a server by its environment")]
pub(crate) fn told(variable: &str) -> Option<String> {
    let value = std::env::var(variable).ok();
    if value.is_none() {
        let test = std::thread::current().name().unwrap_or_default().to_owned();
        let _ = writeln!(std::io::stderr(), "skipped {test}: {variable} is not set; see tests/postgres");
    }
    value
}

/// A connection beside those of the gateway.
pub(crate) async fn client(config: &Config) -> Option<Client> {
    let (client, connection) = config.connect(NoTls).await.ok()?;
    tokio::spawn(connection);
    Some(client)
}

/// An empty database of its own; it stays when the test fails.
pub(crate) struct Database {
    server: Config,
    name: String,
    /// For `--store`.
    pub(crate) url: String,
}

impl Database {
    /// Makes one on the server that `INZAGE_TEST_POSTGRES_URL` names.
    pub(crate) async fn new() -> Option<Self> {
        let url = told("INZAGE_TEST_POSTGRES_URL")?;
        let name = format!("inzage_test_{}", new_id().replace('-', ""));
        let (server, database) = url.rsplit_once('/').unwrap();
        let parameters = database.split_once('?').map(|(_, rest)| format!("?{rest}")).unwrap_or_default();
        let made = Self { server: url.parse().unwrap(), url: format!("{server}/{name}{parameters}"), name };
        let create = format!("CREATE DATABASE {}", made.name);
        client(&made.server).await.unwrap().batch_execute(&create).await.unwrap();
        Some(made)
    }

    /// Removes it.
    pub(crate) async fn remove(self) {
        let drop = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        client(&self.server).await.unwrap().batch_execute(&drop).await.unwrap();
    }
}
