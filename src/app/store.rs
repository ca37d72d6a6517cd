//! The store of a node: from its section of the configuration to an engine behind one object.

use std::path::Path;
use std::sync::Arc;

use tokio::runtime::Handle;

use super::assemble::{key, lock, read_secret};
use super::outgoing::{Outgoing, STORE};
use super::start::StartError;
use crate::clock::SharedClock;
use crate::config::{self, Config, Environment};
use crate::seal::Sealer;
use crate::store::{PostgresSettings, PostgresStore, SqliteStore, Store};

/// Opens it. Blocks, on a thread of a runtime that may.
pub(super) fn open_store(
    config: &Config,
    clock: &SharedClock,
    outgoing: &Outgoing,
) -> Result<Arc<dyn Store>, StartError> {
    let sealer = Sealer::new(&key(&config.keys.sealing)?);
    match &config.store {
        config::Store::Sqlite(files) => Ok(Arc::new(SqliteStore::open(&files.path, sealer)?)),
        config::Store::Postgres(server) => {
            // A node of production may run as a user who cannot make tables, and never makes them by itself.
            let create = config.environment != Environment::Production;
            let opening = PostgresStore::open(settings(config, server, clock, outgoing)?, sealer, create);
            Ok(Arc::new(Handle::current().block_on(opening)?))
        }
    }
}

/// Drops what was counted for the figures, so that nodes count it anew. A file may not be in use; of a server nodes may be. Blocks, on
/// a thread of a runtime that may.
///
/// # Errors
/// See [`StartError`].
pub fn recount_figures(config: &Config, clock: &SharedClock) -> Result<(), StartError> {
    let _data = match &config.store {
        config::Store::Sqlite(_) => Some(lock(&config.node.data)?),
        config::Store::Postgres(_) => None,
    };
    let store = open_store(config, clock, &Outgoing::of_store(config)?)?;
    let dropped = Handle::current().block_on(store.drop_counted());
    store.close();
    dropped.map_err(StartError::Figures)
}

/// Brings the schema of the store to that of this release and names the migrations that it took. A file is locked meanwhile; a
/// server may be in use by nodes. Blocks, on a thread of a runtime that may.
///
/// # Errors
/// See [`StartError`].
pub fn migrate_store(config: &Config, clock: &SharedClock) -> Result<Vec<String>, StartError> {
    match &config.store {
        config::Store::Sqlite(files) => {
            let _data = lock(&config.node.data)?;
            Ok(SqliteStore::migrate(&files.path)?)
        }
        config::Store::Postgres(server) => {
            let migrating = PostgresStore::migrate(settings(config, server, clock, &Outgoing::of_store(config)?)?);
            Ok(Handle::current().block_on(migrating)?)
        }
    }
}

pub(super) fn settings(
    config: &Config,
    server: &config::Postgres,
    clock: &SharedClock,
    outgoing: &Outgoing,
) -> Result<PostgresSettings, StartError> {
    let tls = |_: &Path| Ok::<_, StartError>(outgoing.of(STORE)?.client_config(&[], clock)?);
    Ok(PostgresSettings {
        url: server.url.clone(),
        node: config.node.name.clone(),
        password: server.password.as_deref().map(read_secret).transpose()?,
        tls: server.roots.as_deref().map(tls).transpose()?,
        connections: server.connections,
        statement_timeout: server.statement_timeout,
    })
}
