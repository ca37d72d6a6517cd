//! `inzage serve --takeover`: a new process in the place of a running one, while clients ask without pause.

use std::fs;
use std::sync::atomic::Ordering;

use crate::harness::{Home, Process, text};
use crate::person::consent;
use crate::reload::Load;

fn successor(home: &Home) -> Process {
    Process::start(home, &["serve", "--takeover", "--config", text(&home.path("gateway.toml"))])
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_refused_while_one_process_follows_another() {
    let home = Home::new();
    let world = home.world().await;
    let ops = world.layout.ops_url();
    // Without another it is a start like any other.
    let first = successor(&home).ready(&ops).await;
    let session = consent(&world).await;
    let load = Load::default();
    let following = async {
        let mut old = first;
        for _ in 0..3 {
            let mut new = successor(&home);
            assert_eq!(old.code().await, Some(0), "{}", old.complaints());
            let before = load.answers.load(Ordering::Relaxed);
            // The old one has ended, so whoever answers is the new one.
            new.until("answers", async || (load.answers.load(Ordering::Relaxed) > before + 10).then_some(())).await;
            old = new;
        }
        load.ends.store(true, Ordering::Relaxed);
        old
    };
    let [one, two, three] = [false, false, true].map(|fresh| load.ask(&world, &session, fresh));
    let (last, (), (), ()) = tokio::join!(following, one, two, three);
    assert_eq!(load.failed.load(Ordering::Relaxed), 0);
    last.signal("TERM");
    assert_eq!(last.ended().await.code, Some(0));
    let records = home.records().await;
    for kind in ["node_started", "node_stopped"] {
        assert_eq!(records.iter().filter(|record| record["kind"] == kind).count(), 4, "{kind}");
    }
    let verified = home.run(&["audit", "verify", text(&home.audit())]).await;
    assert_eq!(verified.code, Some(0), "{}", verified.out);
    world.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_could_not_start_leaves_the_running_one_alone() {
    let home = Home::new();
    let world = home.world().await;
    let mut running = home.serve().ready(&world.layout.ops_url()).await;
    let key = fs::read(home.path("back.key")).unwrap();
    fs::copy(home.path("front.key"), home.path("back.key")).unwrap();
    let refused = successor(&home).ended().await;
    assert_eq!(refused.code, Some(78), "{}", refused.err);
    assert!(refused.err.contains("back.pem cannot be used with its key"), "{}", refused.err);
    fs::write(home.path("back.key"), key).unwrap();
    assert!(running.runs());
    running.signal("TERM");
    assert_eq!(running.code().await, Some(0));
    world.stop().await.unwrap();
}
