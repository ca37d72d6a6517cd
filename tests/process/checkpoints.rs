//! Signed checkpoints and their witnesses, around real processes: what is signed at the end, which starts are refused, and how a
//! key is replaced.

use std::fs;
use std::path::Path;

use inzage::sandbox::witness::Wanted;
use inzage::sandbox::world::World;

use crate::faults::{Injection, Target};
use crate::harness::{Ended, Home, Process, text};
use crate::person::consent;

/// A gateway that served somebody and ended in order.
async fn run(home: &Home, world: &World) {
    let gateway = home.serve().ready(&world.layout.ops_url()).await;
    consent(world).await;
    end(gateway).await;
}

async fn end(gateway: Process) {
    gateway.signal("TERM");
    let ended = gateway.ended().await;
    assert_eq!(ended.code, Some(0), "{}", ended.err);
}

/// Starts the gateway, which must refuse.
async fn refused(home: &Home, code: i32, words: &str) -> Ended {
    let ended = home.serve().ended().await;
    assert_eq!(ended.code, Some(code), "{}", ended.err);
    assert!(ended.err.contains(words), "no {words:?} in {}", ended.err);
    ended
}

/// Origin and size of the newest checkpoint.
async fn newest(home: &Home) -> (String, u64) {
    let ended = home.run(&["audit", "checkpoint", text(&home.audit())]).await;
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let mut lines = ended.out.lines();
    (lines.next().unwrap().to_owned(), lines.next().unwrap().parse().unwrap())
}

/// Puts a copy of a folder in the place of another.
fn copy(from: &Path, to: &Path) {
    let _ = fs::remove_dir_all(to);
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// F21: the last record is signed, and everybody saw it.
#[tokio::test(flavor = "multi_thread")]
async fn an_orderly_end_leaves_everything_signed_and_witnessed() {
    let home = Home::new();
    let world = home.world().await;
    run(&home, &world).await;
    let records = home.records().await;
    assert_eq!(records.last().unwrap()["kind"], "node_stopped");
    let (log, size) = newest(&home).await;
    assert_eq!(size, records.len() as u64);
    assert_eq!(world.witness.seen(&log).unwrap().size, size);
    let days: Vec<_> = fs::read_dir(home.path("witness").join(&log)).unwrap().map(|day| day.unwrap().path()).collect();
    let kept = fs::read_to_string(days.last().unwrap()).unwrap();
    assert!(kept.contains(&format!("\n{size}\n")), "{kept}");
    let note = fs::read_to_string(home.audit().join("checkpoint")).unwrap();
    assert!(note.contains("\u{2014} witness.localhost/sandbox "), "{note}");
    let history = fs::read_to_string(home.audit().join("checkpoints")).unwrap();
    assert!(history.ends_with(&note), "{history}");
    let page = home.run(&["audit", "checkpoint", text(&home.audit()), "--print"]).await;
    assert!(page.out.contains(&format!("Size   {size} records")) && page.out.contains(note.trim_end()), "{}", page.out);
    let key = home.run(&["audit", "key", "--config", text(&home.path("gateway.toml"))]).await;
    assert_eq!(key.out, fs::read_to_string(home.audit().join("verifier-keys")).unwrap());
    world.stop().await.unwrap();
}

/// F26: yesterday's files are sound in themselves, and are not taken.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_was_put_back_is_refused() {
    let home = Home::new();
    let world = home.world().await;
    run(&home, &world).await;
    let (_, yesterday) = newest(&home).await;
    copy(&home.audit(), &home.path("yesterday"));
    run(&home, &world).await;
    let (log, today) = newest(&home).await;
    copy(&home.audit(), &home.path("today"));
    copy(&home.path("yesterday"), &home.audit());
    refused(&home, 69, &format!("saw {today} records of it, and it has {yesterday}")).await;
    assert_eq!(newest(&home).await.1, yesterday, "nothing was appended");
    // The server alone knows it as well.
    copy(&home.path("witness"), &home.path("kept"));
    fs::remove_dir_all(home.path("witness").join(&log)).unwrap();
    let told = format!("it saw {today} records, and the log has {yesterday} under its checkpoint");
    refused(&home, 69, &told).await;
    // A folder without a log is no reason to begin another one.
    copy(&home.path("kept"), &home.path("witness"));
    fs::remove_dir_all(home.audit()).unwrap();
    refused(&home, 78, &format!("keeps the log {log} of this node")).await;
    copy(&home.path("today"), &home.audit());
    run(&home, &world).await;
    assert!(newest(&home).await.1 > today);
    world.stop().await.unwrap();
}

/// With no witness at all the index remembers: which log this node has, and how much of it.
#[tokio::test(flavor = "multi_thread")]
async fn the_index_remembers_a_log_that_nobody_else_saw() {
    let home = Home::new();
    let world = home.world().await;
    let config = home.path("gateway.toml");
    let watched = fs::read_to_string(&config).unwrap();
    let (before, rest) = watched.split_once("[[audit.witness]]").unwrap();
    let after = rest.rsplit_once("[[audit.witness]]").unwrap().1.split_once("\n[").unwrap().1;
    fs::write(&config, format!("{before}\n[{after}")).unwrap();
    run(&home, &world).await;
    let (log, yesterday) = newest(&home).await;
    copy(&home.audit(), &home.path("yesterday"));
    run(&home, &world).await;
    let (_, today) = newest(&home).await;
    copy(&home.audit(), &home.path("today"));

    copy(&home.path("yesterday"), &home.audit());
    let told = format!("the audit folder has {yesterday} records, and {today} of them were in its index");
    refused(&home, 69, &told).await;
    fs::remove_dir_all(home.audit()).unwrap();
    refused(&home, 78, &format!("the index of the audit log keeps the log {log} of this node")).await;
    assert!(fs::read_dir(home.audit()).map_or(true, |mut left| left.next().is_none()), "no other log was begun");
    copy(&home.path("today"), &home.audit());
    run(&home, &world).await;

    // Who takes the older files as they are says so.
    copy(&home.path("yesterday"), &home.audit());
    let rebuilt = home.run(&["audit", "index", "rebuild", "--config", text(&config)]).await;
    assert_eq!(rebuilt.code, Some(0), "{}", rebuilt.err);
    run(&home, &world).await;
    // Or ends the log on purpose.
    fs::remove_dir_all(home.audit()).unwrap();
    let ended = fs::read_to_string(&config).unwrap();
    fs::write(&config, ended.replace("\n[audit]\n", &format!("\n[audit]\nformer_logs = [\"{log}\"]\n"))).unwrap();
    run(&home, &world).await;
    assert_ne!(newest(&home).await.0, log);
    world.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_witness_at_least_must_answer_and_none_may_contradict() {
    let home = Home::new();
    let world = home.world().await;
    run(&home, &world).await;
    world.witness.behave(Wanted { down: true, size: None });
    run(&home, &world).await;
    fs::rename(home.path("witness"), home.path("away")).unwrap();
    let ended = refused(&home, 75, "no witness of the audit log says what it saw").await;
    assert!(ended.err.contains("witness.localhost/sandbox: it answers 503"), "{}", ended.err);
    world.witness.behave(Wanted { down: false, size: Some(1_000_000) });
    refused(&home, 69, "it saw 1000000 records").await;
    fs::rename(home.path("away"), home.path("witness")).unwrap();
    refused(&home, 69, "it saw 1000000 records").await;
    world.witness.behave(Wanted::default());
    run(&home, &world).await;
    let (log, size) = newest(&home).await;
    assert_eq!(world.witness.seen(&log).unwrap().size, size, "what it missed is made up for");
    world.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_replaced_as_the_command_says() {
    let home = Home::new();
    let world = home.world().await;
    run(&home, &world).await;
    let config = home.path("gateway.toml");
    let old = fs::read_to_string(home.audit().join("verifier-keys")).unwrap();
    let (_, size) = newest(&home).await;
    let said = home.run(&["audit", "rotate-key", "--config", text(&config)]).await;
    assert_eq!(said.code, Some(0), "{}", said.err);
    let retired = said.out.lines().find(|line| line.contains("retired_keys = [")).unwrap().trim().to_owned();
    fs::copy(home.path("sealing.key"), home.path("new.key")).unwrap();
    let before = fs::read_to_string(&config).unwrap();
    let after =
        before.replace("checkpoint_key = \"checkpoint.key\"", &format!("checkpoint_key = \"new.key\"\n{retired}"));
    fs::write(&config, &after).unwrap();
    run(&home, &world).await;
    let keys = fs::read_to_string(home.audit().join("verifier-keys")).unwrap();
    let replaced = format!("{} {size} ", old.trim_end());
    assert!(!keys.starts_with(old.trim_end()) && keys.lines().nth(1).unwrap().starts_with(&replaced), "{keys}");
    assert!(newest(&home).await.1 > size);
    fs::write(&config, &before).unwrap();
    refused(&home, 78, "the log was signed with another key").await;
    fs::write(&config, &after).unwrap();
    run(&home, &world).await;
    world.stop().await.unwrap();
}

/// 5, or as many as the environment says, up to 50.
#[expect(clippy::disallowed_methods, reason = "how long to test is said by the environment")]
fn rounds() -> usize {
    std::env::var("INZAGE_KILL_ROUNDS").map_or(5, |rounds| rounds.parse::<usize>().unwrap().min(50))
}

/// F02: killed between the last record and its checkpoint, at each step of signing in turn. Whatever is signed is there, and the
/// next start goes on.
#[tokio::test(flavor = "multi_thread")]
async fn a_kill_while_signing_leaves_no_root_over_missing_records() {
    let home = Home::new();
    let world = home.world().await;
    run(&home, &world).await;
    let temporary = home.audit().join("checkpoint.tmp");
    let steps = ["openat", "write", "fsync", "rename", "fsync"];
    let mut signed = newest(&home).await.1;
    for round in 0..rounds() {
        let gateway = home.serve().ready(&world.layout.ops_url()).await;
        let step = round % steps.len();
        let file = if step == 4 { home.audit() } else { temporary.clone() };
        let target = Target { process: &gateway, thread: "inzage-signer", file };
        let Some(injection) = Injection::begin(&home, target, &format!("{}:signal=KILL", steps[step])).await else {
            break;
        };
        gateway.signal("TERM");
        assert_eq!(gateway.ended().await.code, None, "round {round}: it was killed while it signed");
        drop(injection);
        let (_, size) = newest(&home).await;
        assert!(size >= signed, "round {round}: a checkpoint went back from {signed} to {size}");
        signed = size;
        let records = home.records().await;
        assert!(records.len() as u64 >= size, "round {round}");
        let verified = home.run(&["audit", "verify", text(&home.audit())]).await;
        assert_eq!(verified.code, Some(0), "round {round}: {}", verified.out);
    }
    run(&home, &world).await;
    assert_eq!(newest(&home).await.1, home.records().await.len() as u64);
    world.stop().await.unwrap();
}
