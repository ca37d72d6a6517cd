//! `[store]`: what must survive a restart, in a file of this node or on a server that nodes share.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::fault::Problem;
use super::files::Role;
use super::kind::{self, millis, number};
use super::log::Read;
use super::section::Section;
use crate::store::{Encryption, PostgresUrl};

/// Which engine keeps it.
#[derive(Debug, Clone)]
pub enum Store {
    /// Database files of one node.
    Sqlite(Sqlite),
    /// `[store.postgres]`: a server for one node or many.
    Postgres(Postgres),
}

/// The files of the embedded store.
#[derive(Debug, Clone)]
pub struct Sqlite {
    /// What must survive a restart; default `inzage.sqlite` in the data folder.
    pub path: PathBuf,
    /// The index of the audit log; default `audit-index.sqlite` in the data folder.
    pub index: PathBuf,
}

/// A PostgreSQL server.
#[derive(Debug, Clone)]
pub struct Postgres {
    /// Server, user and database.
    pub url: PostgresUrl,
    /// File with the password of the user; none for a server that lets this machine in without.
    pub password: Option<PathBuf>,
    /// Roots that the certificate of the server must lead to; there when the connection is encrypted.
    pub roots: Option<PathBuf>,
    /// Connections at a time, 1 to 500, default 16.
    pub connections: usize,
    /// How long the server may work on one statement, 100 ms to 5 s, default 2 s.
    pub statement_timeout: Duration,
}

impl Store {
    pub(super) fn read(section: &mut Section<'_, '_>, data: &Path) -> Read<Self> {
        let server = section.optional_table("postgres", Postgres::read)?;
        let Some(server) = server else {
            return Ok(Self::Sqlite(Sqlite::read(section, data)?));
        };
        for key in ["path", "audit_index"] {
            if section.optional(key, &Role::Database.kind())?.is_some() {
                let key = section.path_of(key);
                return Err(section.log().note(&key, Problem::NotBeside("store.postgres")));
            }
        }
        Ok(Self::Postgres(server))
    }

    /// For the log: the file, or server and database.
    #[must_use]
    pub fn summary(&self) -> String {
        match self {
            Self::Sqlite(files) => files.path.display().to_string(),
            Self::Postgres(server) => server.url.to_string(),
        }
    }
}

impl Sqlite {
    fn read(section: &mut Section<'_, '_>, data: &Path) -> Read<Self> {
        let path = section.file_or("path", Role::Database, data.join("inzage.sqlite"));
        let index = section.file_or("audit_index", Role::Database, data.join("audit-index.sqlite"));
        Ok(Self { path: path?, index: index? })
    }
}

impl Postgres {
    /// Connections at a time, unless the configuration says otherwise.
    const CONNECTIONS: usize = 16;
    /// How long the server may work on one statement, unless the configuration says otherwise.
    const STATEMENT: Duration = Duration::from_secs(2);

    fn read(section: &mut Section<'_, '_>) -> Read<Self> {
        let url = section.required("url", &kind::postgres_url());
        let password = section.optional_file("password", Role::Password);
        let roots = section.optional_file("roots", Role::Roots);
        let connections = section.or_default("connections", &number(1..=500, " of connections"), Self::CONNECTIONS);
        let timeout = section.or_default("statement_timeout_ms", &millis(100..=5_000), Self::STATEMENT);
        let read = Self {
            url: url?,
            password: password?,
            roots: roots?,
            connections: connections?,
            statement_timeout: timeout?,
        };
        if read.url.encryption() == Encryption::Verified && read.roots.is_none() {
            return Err(section.missing("roots", Role::Roots.kind().expected().clone()));
        }
        Ok(read)
    }

    /// A server that was named otherwise than in the configuration.
    pub(super) const fn at(url: PostgresUrl) -> Self {
        Self { url, password: None, roots: None, connections: Self::CONNECTIONS, statement_timeout: Self::STATEMENT }
    }
}
