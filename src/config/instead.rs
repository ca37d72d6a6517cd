//! What the command line says instead of the file, so that several nodes run from one configuration: a name, other ports, and
//! the store that they share.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::files::Role;
use super::kind;
use super::{Config, Parts, Postgres, Sqlite, Store};
use crate::secret::Secret;
use crate::store::{Encryption, PostgresUrl, UrlFault};

/// What to put in the place of what stands in the file.
#[derive(Debug, Clone, Default)]
pub struct Instead {
    /// `node.name`. Another name than that in the file gets folders of its own: `-NAME` is added to theirs.
    pub node: Option<String>,
    /// Added to the port of each listener. Links and host names stay those of the file.
    pub listen_offset: u16,
    /// `[store]`, as the URL of a PostgreSQL server. Password, roots and limits of `[store.postgres]` in the file hold for it.
    pub store: Option<Secret<String>>,
}

/// Why the command line cannot be followed. No value is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InsteadError {
    /// `--node` is no name of a node.
    #[error("--node: expected a name of 1 to 16 lower-case letters, digits and hyphens")]
    Node,
    /// `--listen-offset` leads out of the ports.
    #[error("--listen-offset: expected a number that leads to ports up to 65535")]
    Offset,
    /// `--store` is no URL of a PostgreSQL server.
    #[error("--store: {0}")]
    Store(UrlFault),
    /// `--store` names a server over a network, and the file no roots for it.
    #[error("--store: expected store.postgres.roots in the configuration, for a server that is not on this machine")]
    Roots,
}

impl Config {
    /// This configuration for a node that the command line describes.
    ///
    /// # Errors
    /// See [`InsteadError`].
    pub fn instead(mut self, instead: &Instead) -> Result<Self, InsteadError> {
        if let Some(name) = &instead.node {
            self.be(name)?;
        }
        let Parts { front, back, ops, admin, auditors, .. } = &mut self.parts;
        let desk = auditors.as_mut().map(|desk| &mut desk.listen);
        let desks = desk.into_iter().chain(admin.as_mut().map(|desk| &mut desk.listen));
        for address in [&mut front.listen, &mut back.listen, &mut ops.listen].into_iter().chain(desks) {
            shift(address, instead.listen_offset)?;
        }
        if let Some(url) = &instead.store {
            let url = PostgresUrl::parse(url.reveal()).map_err(InsteadError::Store)?;
            self.share(url)?;
        }
        self.instead = instead.clone();
        Ok(self)
    }

    /// Takes another name, with folders of its own.
    fn be(&mut self, name: &str) -> Result<(), InsteadError> {
        let value = toml::de::DeValue::String(name.into());
        let name = kind::label(16).read(&value).map_err(|_| InsteadError::Node)?;
        if name == self.parts.node.name {
            return Ok(());
        }
        let data = self.parts.node.data.clone();
        let own = |path: &Path| own_place(path, &data, &name);
        let Parts { node, audit, lists, store, chain_log, .. } = &mut self.parts;
        let spool = chain_log.as_mut().map(|log| &mut log.spool);
        for folder in [&mut audit.dir, &mut lists.copy, &mut node.data].into_iter().chain(spool) {
            *folder = own(folder);
        }
        if let Store::Sqlite(files) = store {
            *files = Sqlite { path: own(&files.path), index: own(&files.index) };
        }
        for file in self.files.iter_mut().filter(|file| matches!(file.role, Role::Folder | Role::Database)) {
            file.path = own(&file.path);
        }
        self.parts.node.name = name;
        Ok(())
    }

    fn share(&mut self, url: PostgresUrl) -> Result<(), InsteadError> {
        let server = match &self.parts.store {
            Store::Postgres(server) => Postgres { url, ..server.clone() },
            Store::Sqlite(_) => Postgres::at(url),
        };
        if server.url.encryption() == Encryption::Verified && server.roots.is_none() {
            return Err(InsteadError::Roots);
        }
        self.parts.store = Store::Postgres(server);
        self.files.retain(|file| file.role != Role::Database);
        Ok(())
    }
}

/// The same place in the data folder of the node; what lies elsewhere gets the name at its end.
fn own_place(path: &Path, data: &Path, name: &str) -> PathBuf {
    let with_name = |path: &Path| {
        let mut text = OsString::from(path.file_name().unwrap_or_default());
        text.push("-");
        text.push(name);
        path.with_file_name(text)
    };
    match path.strip_prefix(data) {
        Ok(rest) if rest.as_os_str().is_empty() => with_name(data),
        Ok(rest) => with_name(data).join(rest),
        Err(_) => with_name(path),
    }
}

/// Port 0 stays: it is whichever is free.
fn shift(address: &mut SocketAddr, offset: u16) -> Result<(), InsteadError> {
    if address.port() != 0 {
        address.set_port(address.port().checked_add(offset).ok_or(InsteadError::Offset)?);
    }
    Ok(())
}

#[cfg(test)]
#[cfg(feature = "sandbox")]
mod tests {
    use super::*;

    const EXAMPLE: &str = include_str!("../../deploy/inzage.example.toml");

    fn config(text: &str) -> Config {
        Config::parse(Path::new("/etc/inzage/inzage.toml"), text.to_owned()).unwrap()
    }

    fn named(node: &str) -> Instead {
        Instead { node: Some(node.to_owned()), ..Instead::default() }
    }

    fn stored(url: &str) -> Instead {
        Instead { store: Some(Secret::new(url.to_owned())), ..Instead::default() }
    }

    #[test]
    fn another_node_has_folders_of_its_own() {
        let outside = EXAMPLE.replace("#dir = \"data/audit\"", "dir = \"/var/log/inzage\"");
        let config = config(&outside).instead(&named("b")).unwrap();
        assert_eq!(config.node.name, "b");
        assert_eq!(config.node.data, Path::new("/etc/inzage/data-b"));
        assert_eq!(config.lists.copy, Path::new("/etc/inzage/data-b/lists"));
        assert_eq!(config.audit.dir, Path::new("/var/log/inzage-b"));
        let spool = config.chain_log.as_ref().map(|log| log.spool.as_path());
        assert_eq!(spool, Some(Path::new("/etc/inzage/data-b/chainlog")));
        assert!(
            matches!(&config.store, Store::Sqlite(files) if files.path == Path::new("/etc/inzage/data-b/inzage.sqlite")
            && files.index == Path::new("/etc/inzage/data-b/audit-index.sqlite"))
        );
        let folders: Vec<_> = config.files.iter().filter(|file| file.role == Role::Folder).collect();
        assert!(folders.len() >= 3 && folders.iter().all(|file| file.path.to_string_lossy().contains("-b")));
        assert_eq!(config.keys.sealing, Path::new("/etc/inzage/keys/sealing.key"), "shared");
    }

    #[test]
    fn the_node_of_the_file_keeps_its_folders() {
        let config = config(EXAMPLE).instead(&named("a")).unwrap();
        assert_eq!(config.node.data, Path::new("/etc/inzage/data"));
    }

    #[test]
    fn ports_move_and_origins_stay() {
        let before = config(EXAMPLE);
        let config = before.clone().instead(&Instead { listen_offset: 100, ..Instead::default() }).unwrap();
        assert_eq!((config.front.listen.port(), config.ops.listen.port()), (8541, 8590));
        assert_eq!(config.front.origin, before.front.origin);
        let beyond = Instead { listen_offset: 65_000, ..Instead::default() };
        assert_eq!(before.instead(&beyond).unwrap_err(), InsteadError::Offset);
    }

    #[test]
    fn the_store_is_that_of_the_command_line() {
        let config = config(EXAMPLE).instead(&stored("postgres://i:geheim@127.0.0.1/i")).unwrap();
        assert_eq!(config.store.summary(), "postgres://i@127.0.0.1/i");
        assert!(config.files.iter().all(|file| file.role != Role::Database));
        assert!(!format!("{:?}", stored("postgres://i:geheim@127.0.0.1/i")).contains("geheim"));
    }

    #[test]
    fn what_cannot_be_followed_is_refused() {
        for (instead, error) in [
            (named("Node B"), InsteadError::Node),
            (named(""), InsteadError::Node),
            (stored("sqlite:x"), InsteadError::Store(UrlFault::NotAUrl)),
            (stored("postgres://i@db.example/i"), InsteadError::Roots),
            (stored("postgres://i@db.example/i?sslmode=disable"), InsteadError::Store(UrlFault::Unencrypted)),
        ] {
            assert_eq!(config(EXAMPLE).instead(&instead).unwrap_err(), error);
        }
    }
}
