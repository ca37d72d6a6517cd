//! What the index of the access log holds, held against the log.

use std::fs;
use std::path::PathBuf;

use inzage::audit::{AuditIndex, IndexQuery, Record, read_dir, verify};
use inzage::store::{IndexStore, PostgresIndex, PostgresSettings, PostgresUrl, SqliteIndex};
use jiff::Timestamp;

use crate::harness::{Home, Process, get, text};
use crate::person::consent;
use crate::postgres::Database;

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

#[tokio::test(flavor = "multi_thread")]
async fn an_index_is_rebuilt_from_the_log() {
    rebuild(&Home::new(), None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_is_rebuilt_from_the_log_on_postgresql() {
    let Some(database) = Database::new().await else { return };
    rebuild(&Home::new(), Some(&database.url)).await;
    database.remove().await;
}

async fn rebuild(home: &Home, server: Option<&str>) {
    let config = home.path("gateway.toml");
    let store = server.map_or_else(Vec::new, |url| vec!["--store", url]);
    let command = |words: &[&'static str]| [words as &[&str], &["--config", text(&config)], &store].concat();
    let world = home.world().await;
    let index = Index::of(home, server);
    for damaged in [false, true] {
        if let (true, Index::File(path)) = (damaged, &index) {
            fs::write(path, "no database at all, but long enough to be looked at").unwrap();
        }
        let gateway = Process::start(home, &command(&["serve"])).ready(&world.layout.ops_url()).await;
        consent(&world).await;
        let said = get(&world.layout.ops_url(), "/readyz").await.unwrap();
        let closed = said.contains(r#""audit_index":"the audit index cannot be opened""#);
        assert_eq!(closed, damaged && server.is_none(), "the gateway is ready all the same: {said}");
        assert_eq!(said.contains("audit_index_stopped"), closed, "{said}");
        gateway.signal("TERM");
        assert_eq!(gateway.ended().await.code, Some(0));
        let ended = home.run(&command(&["audit", "index", "rebuild"])).await;
        assert_eq!(ended.code, Some(0), "{}", ended.err);
        let held = index.assert_equals(home).await;
        assert!(ended.out.starts_with(&format!("the index holds {held} records of log inzage-")), "{}", ended.out);
    }
    let ended = home.run(&command(&["audit", "index", "prune"])).await;
    assert_eq!((ended.code, ended.out.trim()), (Some(0), "dropped from the index: 0 days, 0 records"), "{}", ended.err);
    let ended = home.run(&command(&["report", "recount"])).await;
    let said = "what was counted is dropped; nodes count it anew while they serve";
    assert_eq!((ended.code, ended.out.trim()), (Some(0), said), "{}", ended.err);
    world.stop().await.unwrap();
}
