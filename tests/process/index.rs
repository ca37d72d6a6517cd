//! What the index of the access log holds, held against the log.

use std::path::PathBuf;

use inzage::audit::{AuditIndex, IndexQuery, Record, read_dir, verify};
use inzage::store::{IndexStore, PostgresIndex, PostgresSettings, PostgresUrl, SqliteIndex};
use jiff::Timestamp;

use crate::harness::Home;

/// Where the index of a gateway is.
pub(crate) enum Index<'a> {
    /// In a file.
    File(PathBuf),
    /// On a server, at this URL.
    Server(&'a str),
}

impl<'a> Index<'a> {
    /// That of the gateway in this folder: on the server, if it has one.
    pub(crate) fn of(home: &Home, server: Option<&'a str>) -> Self {
        server.map_or_else(|| Self::File(home.path("gateway/audit-index.sqlite")), Self::Server)
    }

    /// Asserts that it holds each of the first records of the log once, as it stands there, and says how many. The gateway
    /// must not run.
    pub(crate) async fn assert_follows(&self, home: &Home) -> usize {
        let found = self.records().await;
        let log = verify(&home.audit()).unwrap().log.shared();
        let mut written = read_dir(&home.audit()).unwrap().map(Result::unwrap);
        for indexed in &found {
            let (index, payload) = written.next().unwrap();
            let mut record = Record::parse(index, &payload).unwrap();
            record.source = Some(log.clone());
            assert_eq!(*indexed, record);
        }
        found.len()
    }

    /// Asserts that it holds the whole log, and says how many records that are.
    pub(crate) async fn assert_equals(&self, home: &Home) -> usize {
        let held = self.assert_follows(home).await;
        assert_eq!(held, read_dir(&home.audit()).unwrap().count());
        held
    }

    async fn records(&self) -> Vec<Record> {
        let index: Box<dyn IndexStore> = match self {
            Self::File(path) => Box::new(SqliteIndex::open(path).unwrap()),
            Self::Server(url) => Box::new(PostgresIndex::open(settings(url)).await.unwrap()),
        };
        let mut records = all(&*index).await;
        index.close();
        records.sort_by_key(|record| record.index);
        records
    }
}

async fn all(index: &dyn AuditIndex) -> Vec<Record> {
    let mut query = IndexQuery { limit: 500, ..IndexQuery::between(Timestamp::MIN, Timestamp::MAX) };
    let mut records = Vec::new();
    loop {
        let page = index.search(query.clone()).await.unwrap();
        assert_eq!(page.unreadable, 0);
        records.extend(page.records);
        query.after = page.next;
        if query.after.is_none() {
            return records;
        }
    }
}

fn settings(url: &str) -> PostgresSettings {
    PostgresSettings {
        url: PostgresUrl::parse(url).unwrap(),
        node: "test".to_owned(),
        password: None,
        tls: None,
        connections: 1,
        statement_timeout: std::time::Duration::from_secs(5),
    }
}
