//! The chain log over `kill -9`: whatever stood in the spool is delivered by the process that comes after.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use crate::harness::{Home, until};
use crate::person::consent;

/// The steps of a walk and its token request.
const STEPS: usize = 8;

/// Every whole line in the spool.
fn spooled(folder: &Path) -> Vec<Value> {
    let files = std::fs::read_dir(folder).into_iter().flatten().map(|file| file.unwrap().path());
    // A file may be renamed meanwhile; then it is read at the next look.
    let texts = files.filter_map(|path| std::fs::read_to_string(path).ok()).collect::<String>();
    texts.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

fn of<'a>(lines: impl IntoIterator<Item = &'a Value>, correlation_id: &str) -> BTreeSet<String> {
    let ours = lines.into_iter().filter(|line| line["event"]["trace_id"] == correlation_id);
    ours.map(|line| line["event"]["type"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_in_the_spool_at_a_kill_is_delivered_after_it() {
    let home = Home::new();
    let world = home.world().await;
    world.chain_log.answer_with(Some(503));
    let mut gateway = home.serve().ready(&world.layout.ops_url()).await;
    let session = consent(&world).await;
    let folder = home.path("gateway/chainlog");
    let written = until("lines in the spool", async || {
        let written = of(&spooled(&folder), &session.correlation_id);
        (written.len() == STEPS).then_some(written)
    })
    .await;
    gateway.kill();
    assert!(world.chain_log.received().lines.is_empty());
    world.chain_log.answer_with(None);
    let gateway = home.serve().ready(&world.layout.ops_url()).await;
    let delivered =
        |received: &inzage::sandbox::chainlog::Received| of(&received.lines, &session.correlation_id) == written;
    let received = world.chain_log.until(delivered).await;
    let ours = received.lines.iter().filter(|line| line["event"]["trace_id"] == session.correlation_id.as_str());
    assert_eq!(ours.count(), STEPS, "each once");
    assert_eq!(received.refused, 0);
    gateway.signal("TERM");
    assert_eq!(gateway.ended().await.code, Some(0));
    assert!(spooled(&folder).is_empty());
    world.stop().await.unwrap();
}
