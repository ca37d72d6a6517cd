//! What must not be anywhere: a whole day of use of a real process, and then a search through every byte that is left of it.

mod day;
mod needles;

use std::fs;
use std::path::{Path, PathBuf};

use inzage::sandbox::client::new_id;
use tokio_postgres::SimpleQueryMessage;

use self::day::Day;
use self::needles::{Needles, files, forms, written};
use crate::harness::{Ended, Home, Process, get, text};
use crate::person::consent;
use crate::postgres::{Database, client};

/// A number that passes the eleven test and belongs to nobody.
const BSN: &str = "999990019";

#[tokio::test(flavor = "multi_thread")]
async fn nothing_secret_is_left_of_a_day() {
    day(None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_secret_is_left_of_a_day_on_postgresql() {
    let Some(database) = Database::new().await else { return };
    day(Some(&database.url)).await;
    database.remove().await;
}

async fn day(server: Option<&str>) {
    let home = Home::new();
    let world = home.world().await;
    let config = home.path("gateway.toml");
    let settings = fs::read_to_string(&config).unwrap();
    fs::write(&config, settings.replace("[audit]\n", "[audit]\nsegment_bytes = 1048576\n")).unwrap();
    let store = server.map_or_else(Vec::new, |url| vec!["--store", url]);
    let serve = [&["serve", "--config", text(&config)], &store[..]].concat();
    let gateway = Process::start(&home, &serve).ready(&world.layout.ops_url()).await;
    let mut day = Day::new(&home, &world);
    let (base, token) = day.collect().await;
    day.share().await;
    day.portal().await;
    day.misuse(&base, &token).await;
    day.audit().await;
    day.fill(&base, &token).await;
    day.own_pages().await;
    let needles = day.needles;
    for path in ["/metrics", "/readyz"] {
        let said = get(&world.layout.ops_url(), path).await.unwrap();
        fs::write(home.path(&path[1..]), said).unwrap();
    }
    // While it runs, with what a store keeps beside itself only then.
    let read = assert_clean(&needles, &home.path("gateway"));
    assert!(server.is_some() || read.iter().any(|path| path.to_string_lossy().ends_with("-wal")), "{read:#?}");
    gateway.signal("TERM");
    let ended = gateway.ended().await;
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let received = serde_json::to_vec(&world.chain_log.received().lines).unwrap();
    assert!(received.len() > 10_000, "a day of use");
    fs::write(home.path("received"), received).unwrap();
    world.stop().await.unwrap();
    commands(&home).await;
    if let Some(url) = server {
        fs::write(home.path("dump"), dump(url).await).unwrap();
        assert_dump_is_complete(url).await;
    }
    assert!(needles.count() > 30, "{}", needles.count());
    assert_complete(&home, server.is_some());
    // Who the invented people are is told by the sandbox, not by the gateway; and there they are found.
    let (_, found) = needles.within_folder(&home.path("."));
    let (told, left): (Vec<_>, Vec<_>) =
        found.into_iter().partition(|what| what.contains("/sandbox.json: BSN in clear"));
    assert!(!told.is_empty() && left.is_empty(), "{told:#?} {left:#?}");
}

/// What the commands print stays in the folder, too.
async fn commands(home: &Home) {
    let audit = home.audit();
    let done = |ended: Ended| assert_eq!(ended.code, Some(0), "{}{}", ended.out, ended.err);
    done(home.run(&["audit", "verify", text(&audit)]).await);
    done(home.run(&["audit", "show", text(&audit)]).await);
    for form in ["ndjson", "csv", "fhir", "nen7513"] {
        done(home.run(&["audit", "export", text(&audit), "--format", form]).await);
    }
}

/// Each kind of file is among those that are searched.
fn assert_complete(home: &Home, server: bool) {
    let all: Vec<String> = files(&home.path(".")).iter().map(|path| path.display().to_string()).collect();
    let store = if server { &["/dump"][..] } else { &["/inzage.sqlite", "/audit-index.sqlite"] };
    let always =
        [".log", ".log.zst", ".manifest", "/checkpoint", "/checkpoints", ".err", ".out", "/received", "/metrics"];
    for kind in always.iter().chain(store) {
        assert!(all.iter().any(|path| path.ends_with(kind)), "no {kind} among {all:#?}");
    }
    for folder in ["/tile/", "/witness/"] {
        assert!(all.iter().any(|path| path.contains(folder)), "nothing in {folder} among {all:#?}");
    }
}

/// Nothing is found; the files that were read.
fn assert_clean(needles: &Needles, folder: &Path) -> Vec<PathBuf> {
    let (read, found) = needles.within_folder(folder);
    assert!(found.is_empty(), "{found:#?}");
    read
}

/// What is planted in a database, as text or as bytes, is found in its dump.
async fn assert_dump_is_complete(url: &str) {
    let mut needles = Needles::default();
    needles.bsn(BSN);
    let server = client(&url.parse().unwrap()).await.unwrap();
    server.batch_execute("CREATE TABLE planted (id int, bytes bytea, value text, after text)").await.unwrap();
    for (_, bytes) in forms(BSN) {
        let value = String::from_utf8(bytes).unwrap();
        for [bytes, value] in [[&*value, ""], ["", &*value]] {
            let insert = format!("INSERT INTO planted VALUES (1, '{bytes}', '{value}', 'abc')");
            server.batch_execute(&insert).await.unwrap();
        }
    }
    let found = needles.within(&dump(url).await);
    for (form, _) in forms(BSN) {
        assert!(found.iter().filter(|what| what.contains(&form)).count() >= 2, "{form}: {found:?}");
    }
}

/// Every row of every table, as text and with its bytes.
async fn dump(url: &str) -> Vec<u8> {
    let server = client(&url.parse().unwrap()).await.unwrap();
    let tables = "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables \
        WHERE schemaname NOT IN ('pg_catalog', 'information_schema')";
    let mut dump = Vec::new();
    for table in server.query(tables, &[]).await.unwrap() {
        let all = format!("SELECT t::text FROM {} t", table.get::<_, String>(0));
        for row in server.simple_query(&all).await.unwrap() {
            if let SimpleQueryMessage::Row(row) = row {
                let row = row.get(0).unwrap();
                dump.extend_from_slice(row.as_bytes());
                // PostgreSQL manual, 8.4.1: bytea is shown as `\x` and hexadecimal digits.
                for bytes in row.split("\\x").skip(1) {
                    dump.push(b'\n');
                    dump.extend(unhex(bytes));
                }
                dump.push(b'\n');
            }
        }
    }
    dump
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        text.chars().map_while(|c| c.to_digit(16)).map(|digit| u8::try_from(digit).unwrap()).collect();
    digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

/// The search itself: in a copy of what a gateway left, each form of a secret is found in a file as it is, and in one that is
/// compressed.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_planted_is_found_in_every_disguise() {
    let home = Home::new();
    let world = home.world().await;
    let gateway = home.serve().ready(&world.layout.ops_url()).await;
    let token = consent(&world).await.token.access_token;
    gateway.signal("TERM");
    assert_eq!(gateway.ended().await.code, Some(0));
    world.stop().await.unwrap();
    let mut needles = Needles::default();
    needles.bsn(BSN);
    needles.secret("access token", &token);
    let folder = home.path("gateway");
    assert_clean(&needles, &folder);
    let segment = files(&folder).into_iter().find(|path| path.extension().is_some_and(|end| end == "log")).unwrap();
    let left = fs::read(&segment).unwrap();
    let half = left.len() / 2;
    let planted = home.path("planted");
    fs::create_dir(&planted).unwrap();
    for secret in written(BSN).into_iter().chain([token]) {
        for (form, bytes) in forms(&secret) {
            let with = [&left[..half], &bytes, &left[half..]].concat();
            for (name, content) in
                [("segment.log", with.clone()), ("segment.log.zst", zstd::encode_all(&with[..], 3).unwrap())]
            {
                let path = planted.join(format!("{}-{name}", new_id()));
                fs::write(&path, content).unwrap();
                let (read, found) = needles.within_folder(&planted);
                assert_eq!(read.len(), 1);
                assert!(found.iter().any(|what| what.contains(&form)), "{secret} {form} in {name}: {found:?}");
                fs::remove_file(path).unwrap();
            }
        }
    }
}
