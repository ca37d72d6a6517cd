//! Records that are older than the retention: removed by a running node by itself, and by `inzage audit prune` on a stopped
//! one. Before and after, the log verifies and proves what is left of it, and a node starts on it.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use inzage::audit::note::{KeyName, Note, SigningKey};
use inzage::audit::signer::{Pace, SignedTree, Signer, keys_of};
use inzage::audit::{AuditEvent, AuditLog as _, FileLog, FileLogConfig, Kind, NodeName, Outcome};
use inzage::clock::{Clock as _, SystemClock};
use inzage::sandbox::world::World;
use inzage::secret::Secret;
use jiff::SignedDuration;
use serde_json::Value;

use crate::harness::{Home, clock, get, text};

const OLD: u64 = 900;
const NEW: u64 = 300;
const PACE: Pace = Pace { every: Duration::from_secs(10), records: 1_000, overdue: Duration::from_secs(300) };

/// The log that a node of this world would have written: old records of six years ago and new ones of an hour ago, in small
/// segments, and signed.
async fn written(home: &Home) {
    let audit = home.audit();
    let config =
        FileLogConfig { segment_bytes: 20_000, ..FileLogConfig::new(audit.clone(), NodeName::parse("a").unwrap()) };
    let seed = STANDARD.decode(fs::read_to_string(home.path("checkpoint.key")).unwrap().trim_end()).unwrap();
    let seed = Secret::new(seed.try_into().unwrap());
    let found = FileLog::find(config).unwrap();
    let keys = keys_of(found.id(), &seed, &[]).unwrap();
    let tree = SignedTree::open(&audit, &found, keys, &[]).unwrap();
    let (log, _) = found.start(clock()).unwrap();
    let signer = Signer::start(tree, log.durable(), PACE, clock()).unwrap();
    let now = SystemClock.now();
    for (count, hours) in [(OLD, 6 * 8_766), (NEW, 1)] {
        let time = now - SignedDuration::from_hours(hours);
        let mut event = AuditEvent::new(time, Kind::NodeStarted, Outcome::Done);
        event.detail = Some("a record that takes about as many bytes as one of an ordinary request does".into());
        // A segment ends with a flush, so they go in small groups.
        for _ in 0..count / 20 {
            let pending: Vec<_> = (0..20).map(|_| log.append(&event).unwrap()).collect();
            for receipt in pending {
                receipt.await.unwrap();
            }
        }
    }
    let log = Arc::new(log);
    tokio::task::spawn_blocking(move || (signer.finish(), log.close())).await.unwrap();
}

/// The value of a metric without labels.
async fn metric(ops: &str, name: &str) -> Option<u64> {
    let text = get(ops, "/metrics").await?;
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
}

/// The first record that is kept, as `audit verify` tells: all else about the log is in order.
async fn verified(home: &Home) -> u64 {
    let (audit, keys, newest) = (home.audit(), home.audit().join("verifier-keys"), home.path("outside"));
    fs::copy(home.audit().join("checkpoint"), &newest).unwrap();
    let arguments = ["audit", "verify", text(&audit), "--key", text(&keys), "--checkpoint", text(&newest)];
    let ended = home.run(&arguments).await;
    assert_eq!(ended.code, Some(0), "{}{}", ended.out, ended.err);
    let removed =
        ended.out.lines().find_map(|line| line.strip_prefix("the first ")?.split_once(" records were removed"));
    removed.map_or(0, |(number, _)| number.parse().unwrap())
}

/// What the log says of its own pruning: outcomes and details.
async fn recorded(home: &Home) -> Vec<(String, String)> {
    let told = |record: &Value| record["kind"] == "administration";
    let field = |record: &Value, name: &str| record[name].as_str().unwrap().to_owned();
    let records = home.records().await;
    records.iter().filter(|record| told(record)).map(|one| (field(one, "outcome"), field(one, "detail"))).collect()
}

/// A record that is left is proven; of one that is gone its payload is asked.
async fn provable(home: &Home, first: u64) {
    let (audit, keys, proof) = (home.audit(), home.audit().join("verifier-keys"), home.path("proof"));
    for (index, code) in [(first, 0), (OLD + 5, 0), (first - 1, 1)] {
        let ended = home.run(&["audit", "prove", &index.to_string(), text(&audit), "--out", text(&proof)]).await;
        assert_eq!(ended.code, Some(code), "{index}: {}{}", ended.out, ended.err);
        if code == 0 {
            let ended = home.run(&["audit", "check-proof", text(&proof), "--key", text(&keys)]).await;
            assert_eq!(ended.code, Some(0), "{}", ended.out);
            fs::remove_file(&proof).unwrap();
        }
    }
}

/// Runs a node until `done`, and ends it in order.
async fn lived(home: &Home, world: &World, done: impl AsyncFn(&str) -> Option<()>) {
    let ops = world.layout.ops_url();
    let mut gateway = home.serve().ready(&ops).await;
    gateway.until("the work of the keeper", async || done(&ops).await).await;
    gateway.signal("TERM");
    assert_eq!(gateway.ended().await.code, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_node_prunes_by_itself() {
    let home = Home::new();
    let world = home.world().await;
    written(&home).await;
    let pruned = async |ops: &str| {
        let records = metric(ops, "inzage_audit_pruned_records").await.filter(|count| *count > 0);
        records.and(metric(ops, "inzage_audit_prune_looked_seconds").await).map(|_| ())
    };
    lived(&home, &world, pruned).await;
    let first = verified(&home).await;
    assert!(first > 0 && first <= OLD, "{first}");
    let [(intended, said), (done, same)] = recorded(&home).await.try_into().unwrap();
    assert_eq!((intended.as_str(), done.as_str(), &said), ("intended", "done", &same));
    assert!(said.starts_with(&format!("pruned before {first}, ")) && said.ends_with(", 1827 days"), "{said}");
    provable(&home, first).await;

    // The next start has nothing to remove.
    lived(&home, &world, async |ops| {
        metric(ops, "inzage_audit_prune_looked_seconds").await.filter(|at| *at > 0).map(drop)
    })
    .await;
    assert_eq!((verified(&home).await, recorded(&home).await.len()), (first, 2));
    world.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_prunes_a_stopped_node() {
    let home = Home::new();
    let world = home.world().await;
    written(&home).await;
    let config = home.path("gateway.toml");
    let own = fs::read_to_string(&config).unwrap().replace("\n[audit]\n", "\n[audit]\nprune = false\n");
    fs::write(&config, own).unwrap();
    let sealed = async |ops: &str| {
        let all = metric(ops, "inzage_audit_segments").await?;
        metric(ops, "inzage_audit_sealed_segments").await.filter(|sealed| all > 5 && sealed + 1 == all).map(drop)
    };
    lived(&home, &world, sealed).await;
    assert_eq!(verified(&home).await, 0, "as configured, nothing went by itself");

    let prune = |more: &'static [&'static str]| {
        let (home, config) = (&home, home.path("gateway.toml"));
        async move { home.run(&[&["audit", "prune", "--config", text(&config)], more].concat()).await }
    };
    let told = prune(&[]).await;
    assert!(told.code == Some(0) && told.out.contains("would be removed"), "{}{}", told.out, told.err);
    assert_eq!((verified(&home).await, recorded(&home).await.len()), (0, 0), "it was only said");
    let told = prune(&["--yes"]).await;
    assert!(told.code == Some(0) && told.out.contains("and were removed"), "{}{}", told.out, told.err);
    let first = verified(&home).await;
    assert!(told.out.contains(&format!("the records before {first}, ")), "{}", told.out);
    assert_eq!(recorded(&home).await.len(), 2);
    provable(&home, first).await;
    assert!(prune(&["--yes"]).await.out.contains("nothing to remove"));
    forged(&home, first).await;
    lived(&home, &world, async |ops| metric(ops, "inzage_audit_ready").await.map(drop)).await;
    assert_eq!(verified(&home).await, first);
    world.stop().await.unwrap();
}

/// A statement that nobody signed, one that is gone, and lies that the key of the log signed: with none of them the folder is
/// in order.
async fn forged(home: &Home, first: u64) {
    let path = home.audit().join("pruned");
    let signed = fs::read_to_string(&path).unwrap();
    let (text_of_it, _) = signed.split_once("\n\n").unwrap();
    let flipped = |name: &str| {
        let line = text_of_it.lines().find(|line| line.starts_with(name)).unwrap();
        let (most, last) = line.split_at(line.len() - 1);
        text_of_it.replace(line, &format!("{most}{}", if last == "a" { "b" } else { "a" }))
    };
    let tree = text_of_it.lines().find(|line| line.starts_with("tree ")).unwrap();
    let small = text_of_it.replace(tree, &tree.replace(tree.split(' ').nth(1).unwrap(), &first.to_string()));
    let lies = [
        ("first", text_of_it.replace(&format!("first {first}"), &format!("first {}", first + 1))),
        ("nothing", text_of_it.replace(&format!("first {first}"), "first 0")),
        ("chain", flipped("chain")),
        ("root", flipped("tree")),
        ("size", small),
        ("zeros", text_of_it.replace(&format!("first {first}"), &format!("first 0{first}"))),
    ];
    let seed = STANDARD.decode(fs::read_to_string(home.path("checkpoint.key")).unwrap().trim_end()).unwrap();
    let name = KeyName::parse(signed.split(' ').nth(2).unwrap().lines().next().unwrap()).unwrap();
    let key = SigningKey::from_seed(&Secret::new(seed.try_into().unwrap()), name);
    let mut all: Vec<_> =
        lies.iter().map(|(name, lie)| (*name, Note::of(&format!("{lie}\n")).unwrap().sign(&key).to_string())).collect();
    all.push(("unsigned", signed.replace(&format!("\nfirst {first}\n"), &format!("\nfirst {}\n", first + 1))));
    leave(home, &all);
    for (name, forged) in all.into_iter().map(|(name, text)| (name, Some(text))).chain([("gone", None)]) {
        match forged {
            Some(forged) => fs::write(&path, forged).unwrap(),
            None => fs::remove_file(&path).unwrap(),
        }
        let audit = home.audit();
        let ended = home.run(&["audit", "verify", text(&audit)]).await;
        assert_eq!(ended.code, Some(1), "{name}: {}", ended.out);
        fs::write(&path, &signed).unwrap();
    }
    fs::remove_file(&path).unwrap();
    assert_eq!(refused_start(home).await, Some(69));
    fs::write(&path, &signed).unwrap();
}

/// Leaves the folder and the lies for the verifier that knows only the published format: `tests/audit/run`.
fn leave(home: &Home, lies: &[(&str, String)]) {
    let to = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pruned");
    let _ = fs::remove_dir_all(&to);
    fs::create_dir_all(to.join("lies")).unwrap();
    copy(&home.audit(), &to.join("audit"));
    fs::copy(home.path("outside"), to.join("outside")).unwrap();
    for (name, lie) in lies {
        fs::write(to.join("lies").join(name), lie).unwrap();
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

async fn refused_start(home: &Home) -> Option<i32> {
    home.run(&["serve", "--config", text(Path::new(&home.path("gateway.toml")))]).await.code
}
