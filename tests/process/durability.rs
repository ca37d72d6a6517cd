//! What is promised about disks, against disks that fail: nothing is disclosed that is not in the log, the reason is told,
//! and what was acknowledged is there afterwards.

use std::collections::HashSet;
use std::fs;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use inzage::sandbox::client::{ClientError, PgoClient, Reply, TokenAnswer};
use inzage::sandbox::person::End;
use inzage::sandbox::world::World;
use serde_json::Value;
use tokio::net::TcpStream;

use crate::faults::{Device, Injection, Limit, Target, segment};
use crate::harness::{Home, Process, clock, get, text};
use crate::person::{self, Session, code, consent};

/// A gateway beside its world, with a person's consent.
struct Scene<'a> {
    home: &'a Home,
    world: World,
    gateway: Process,
    client: PgoClient,
    session: Session,
    /// The requests that were answered with data.
    disclosed: Vec<String>,
    /// The requests that were refused because the log could not take them.
    refused: Vec<String>,
}

impl<'a> Scene<'a> {
    async fn open(home: &'a Home) -> Self {
        let world = home.world().await;
        let gateway = home.serve().ready(&world.layout.ops_url()).await;
        let (client, session) = (world.client("pgo", &clock()).unwrap(), consent(&world).await);
        Self { home, world, gateway, client, session, disclosed: Vec::new(), refused: Vec::new() }
    }

    /// Asks once, and notes the answer.
    async fn ask(&mut self) -> Reply {
        let (id, reply) = self.session.ask(&self.client).await;
        match reply.status.as_u16() {
            200 => self.disclosed.push(id),
            503 => self.refused.push(id),
            other => panic!("{other}: {:?}", reply.body),
        }
        reply
    }

    async fn assert_discloses(&mut self) {
        let reply = self.ask().await;
        assert_eq!(reply.status, 200, "{:?}", reply.body);
    }

    /// Each request is one write at least, that of its intent.
    async fn ask_until_refused(&mut self, most: usize, code: &str) {
        for _ in 0..=most {
            let reply = self.ask().await;
            if reply.status == 503 {
                return assert_refusal(&reply, code);
            }
        }
        panic!("the call was never made");
    }

    async fn assert_refuses(&mut self, code: &str) {
        let reply = self.ask().await;
        assert_refusal(&reply, code);
    }

    async fn readiness(&self) -> String {
        get(&self.world.layout.ops_url(), "/readyz").await.unwrap()
    }

    async fn assert_not_ready(&self, why: &str) {
        let answer = self.readiness().await;
        assert!(answer.starts_with("HTTP/1.1 503") && answer.contains(why), "{answer}");
    }

    fn audit_writer(&self) -> Target<'_> {
        Target { process: &self.gateway, thread: "inzage-audit", file: segment(&self.home.audit()) }
    }

    fn store_writer(&self) -> Target<'_> {
        Target { process: &self.gateway, thread: "inzage-store", file: self.home.path("gateway/inzage.sqlite-wal") }
    }

    /// Ends a gateway that cannot record its end.
    async fn end_badly(&mut self) {
        self.gateway.signal("TERM");
        let code = self.gateway.code().await;
        assert_eq!(code, Some(69), "{}", self.gateway.complaints());
        assert!(self.gateway.complaints().contains("the audit log stopped"), "{}", self.gateway.complaints());
    }

    async fn restart(&mut self) {
        self.gateway.kill();
        self.gateway = self.home.serve().ready(&self.world.layout.ops_url()).await;
    }

    /// Ends the gateway and holds the log against the answers.
    async fn close(self) {
        self.gateway.signal("TERM");
        let ended = self.gateway.ended().await;
        assert_eq!(ended.code, Some(0), "{}", ended.err);
        let verified = self.home.run(&["audit", "verify", text(&self.home.audit())]).await;
        assert_eq!(verified.code, Some(0), "{}{}", verified.out, verified.err);
        let records = self.home.records().await;
        let intents = ids(&records, "disclosure_intent");
        for id in &self.disclosed {
            assert!(intents.contains(id.as_str()), "disclosed without a record: {id}");
        }
        for id in &self.refused {
            assert!(!intents.contains(id.as_str()), "refused because it could not be recorded, but recorded: {id}");
        }
        self.world.stop().await.unwrap();
    }
}

fn ids<'r>(records: &'r [Value], kind: &str) -> HashSet<&'r str> {
    records.iter().filter(|record| record["kind"] == kind).filter_map(|record| record["request_id"].as_str()).collect()
}

/// The status of the page on which a willing person ends.
async fn walk_in(world: &World) -> u16 {
    match person::walk(world).await.1 {
        End::Page { status, .. } => status.as_u16(),
        End::Client(answer) => panic!("{answer:?}"),
    }
}

/// Says when to come back and why, and holds nothing of the record.
fn assert_refusal(reply: &Reply, code: &str) {
    let body = String::from_utf8_lossy(&reply.body);
    assert_eq!(reply.status, 503, "{body}");
    assert!(reply.headers.contains_key("retry-after"), "{:?}", reply.headers);
    let outcome: Value = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!(outcome["resourceType"], "OperationOutcome");
    assert!(body.contains(code), "{body}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_audit_device_is_waited_for() {
    let home = Home::new();
    let Some(device) = Device::mount(home.audit()) else { return };
    let mut scene = Scene::open(&home).await;
    scene.assert_discloses().await;
    let waiting = code(&scene.world).await;
    device.fill();
    // There is room left in the last page of the segment.
    let full = loop {
        let reply = scene.ask().await;
        if reply.status == 503 {
            break reply;
        }
    };
    assert_refusal(&full, "audit-full");
    scene.assert_not_ready("the audit device is full").await;
    // Nor does anybody consent or get a token that is not on record.
    assert_unavailable(waiting.exchange().await);
    assert_eq!(walk_in(&scene.world).await, 503);
    device.free();
    let freed = clock().monotonic();
    scene.gateway.becomes_ready(&scene.world.layout.ops_url()).await;
    println!("ready {:?} after there was room", clock().monotonic() - freed);
    scene.assert_discloses().await;
    scene.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_flush_or_write_stops_disclosure_until_a_restart() {
    let home = Home::new();
    let mut scene = Scene::open(&home).await;
    for fault in ["fdatasync:error=EIO", "fdatasync:error=ENOSPC", "write:error=EIO"] {
        scene.assert_discloses().await;
        let Some(injection) = Injection::begin(&home, scene.audit_writer(), fault).await else { return };
        scene.assert_refuses("audit-stopped").await;
        drop(injection);
        scene.assert_refuses("audit-stopped").await;
        scene.assert_not_ready("the audit log stopped").await;
        scene.end_badly().await;
        scene.gateway = home.serve().ready(&scene.world.layout.ops_url()).await;
        scene.assert_discloses().await;
    }
    scene.close().await;
}

/// F04: the n-th call of the writer fails once, for n = 1 to 50. Which error is the turn of n; every error at every n is what
/// `writer` tries, without the gateway around it.
#[tokio::test(flavor = "multi_thread")]
async fn one_failed_call_among_fifty_is_never_forgotten() {
    const STOP: [&str; 4] =
        ["fdatasync:error=EIO", "write:error=EIO", "fdatasync:error=ENOSPC", "fdatasync:error=EDQUOT"];
    const WAIT: [&str; 3] = ["write:error=ENOSPC", "write:error=EDQUOT", "write:error=EFBIG"];
    let home = Home::new();
    let mut scene = Scene::open(&home).await;
    for nth in 1..=50 {
        let stops = nth % 2 == 1;
        let fault = if stops { STOP[nth / 2 % STOP.len()] } else { WAIT[nth / 2 % WAIT.len()] };
        let fault = format!("{fault}:when={nth}");
        let Some(injection) = Injection::begin(&home, scene.audit_writer(), &fault).await else { return };
        let (code, why) =
            if stops { ("audit-stopped", "the audit log stopped") } else { ("audit-full", "the audit device is full") };
        scene.ask_until_refused(nth, code).await;
        scene.assert_not_ready(why).await;
        if stops {
            scene.assert_refuses(code).await;
            drop(injection);
            scene.assert_refuses(code).await;
            scene.restart().await;
        } else {
            drop(injection);
            scene.gateway.becomes_ready(&scene.world.layout.ops_url()).await;
        }
        scene.assert_discloses().await;
    }
    println!("{} disclosed, {} refused", scene.disclosed.len(), scene.refused.len());
    scene.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quota_or_a_limit_of_files_is_waited_for() {
    let home = Home::new();
    let mut scene = Scene::open(&home).await;
    for fault in ["write:error=EDQUOT", "write:error=EFBIG", "write:error=ENOSPC"] {
        scene.assert_discloses().await;
        let Some(injection) = Injection::begin(&home, scene.audit_writer(), fault).await else { return };
        scene.assert_refuses("audit-full").await;
        scene.assert_not_ready("the audit device is full").await;
        drop(injection);
        scene.gateway.becomes_ready(&scene.world.layout.ops_url()).await;
    }
    scene.assert_discloses().await;
    scene.close().await;
}

/// F05: a write over a limit of file sizes sends SIGXFSZ, which ends a process that does not expect it.
#[tokio::test(flavor = "multi_thread")]
async fn a_limit_of_file_sizes_is_waited_for() {
    let home = Home::new();
    let mut scene = Scene::open(&home).await;
    scene.assert_discloses().await;
    let length = fs::metadata(segment(&home.audit())).unwrap().len();
    let Some(limit) = Limit::set(&scene.gateway, "fsize", length + 2_000) else { return };
    scene.ask_until_refused(10, "audit-full").await;
    scene.assert_not_ready("the audit device is full").await;
    drop(limit);
    scene.gateway.becomes_ready(&scene.world.layout.ops_url()).await;
    scene.assert_discloses().await;
    scene.close().await;
}

/// F06: without descriptors nobody new is let in, nothing spins and nothing ends; who is in is served or refused.
#[tokio::test(flavor = "multi_thread")]
async fn a_limit_of_descriptors_is_survived() {
    let home = Home::new();
    let mut scene = Scene::open(&home).await;
    scene.assert_discloses().await;
    // Room for a few more than are open: the connection to the HIS is one of these.
    let few = scene.gateway.highest_descriptor() + 10;
    let Some(limit) = Limit::set(&scene.gateway, "nofile", few) else { return };
    let (_, address) = scene.session.endpoints.resources["MM-2.0-HGB-FHIR"].split_once("//").unwrap();
    let port: u16 = address.split('/').next().unwrap().rsplit_once(':').unwrap().1.parse().unwrap();
    let mut crowd = Vec::new();
    for _ in 0..100 {
        crowd.push(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.unwrap());
    }
    for _ in 0..20 {
        scene.ask().await;
    }
    let before = scene.gateway.processor_time();
    // Not to wait for anything: to see what it does in a second in which it has nothing to do.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let used = scene.gateway.processor_time() - before;
    assert!(used < Duration::from_millis(300), "{used:?} in a second without work");
    assert!(scene.gateway.runs());
    drop((crowd, limit));
    scene.gateway.becomes_ready(&scene.world.layout.ops_url()).await;
    scene.assert_discloses().await;
    scene.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_hangs_holds_no_request() {
    let home = Home::new();
    let mut scene = Scene::open(&home).await;
    let Some(injection) = Injection::begin(&home, scene.audit_writer(), "fdatasync:delay_enter=12s").await else {
        return;
    };
    scene.assert_refuses("audit-slow").await;
    let slow = scene.refused.pop().unwrap();
    drop(injection);
    scene.assert_discloses().await;
    // When the disk answered at last the intent was durable; its outcome says that nothing left.
    let records = home.records().await;
    let left: Vec<_> = records.iter().filter(|record| record["request_id"] == slow.as_str()).collect();
    let [intent, outcome] = left.as_slice() else { panic!("{left:?}") };
    assert_eq!(intent["kind"], "disclosure_intent");
    assert_eq!((&outcome["kind"], &outcome["outcome"]), (&"disclosure_outcome".into(), &"failed".into()));
    assert_eq!((&outcome["status"], &outcome["reason"]), (&503.into(), &"audit-slow".into()));
    scene.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_store_issues_nothing_and_goes_on_when_there_is_room() {
    let home = Home::new();
    let Some(device) = Device::mount(home.path("gateway")) else { return };
    let Some(_audit) = Device::mount(home.audit()) else { return };
    let mut scene = Scene::open(&home).await;
    let waiting = code(&scene.world).await;
    device.fill();
    assert_unavailable(waiting.exchange().await);
    // Who has a token goes on.
    scene.assert_discloses().await;
    scene.assert_not_ready("the store cannot write").await;
    device.free();
    scene.gateway.becomes_ready(&scene.world.layout.ops_url()).await;
    scene.session = consent(&scene.world).await;
    scene.assert_discloses().await;
    scene.close().await;
}

fn assert_unavailable(answer: Result<TokenAnswer, ClientError>) {
    let Err(ClientError::NoToken { status, error }) = answer else { panic!("{answer:?}") };
    assert_eq!((status.as_u16(), error.as_str()), (503, "temporarily_unavailable"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_cannot_flush_issues_nothing_and_goes_on_when_it_can() {
    let home = Home::new();
    let mut scene = Scene::open(&home).await;
    for fault in ["fsync,fdatasync:error=EIO", "pwrite64,write:error=EIO"] {
        let waiting = code(&scene.world).await;
        let Some(injection) = Injection::begin(&home, scene.store_writer(), fault).await else { return };
        assert_unavailable(waiting.exchange().await);
        scene.assert_not_ready("the store cannot write").await;
        drop(injection);
        scene.gateway.becomes_ready(&scene.world.layout.ops_url()).await;
        scene.session = consent(&scene.world).await;
        scene.assert_discloses().await;
    }
    scene.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_hangs_holds_no_request() {
    let home = Home::new();
    let scene = Scene::open(&home).await;
    let waiting = code(&scene.world).await;
    let Some(injection) = Injection::begin(&home, scene.store_writer(), "fsync,fdatasync:delay_enter=12s").await else {
        return;
    };
    assert_unavailable(waiting.exchange().await);
    drop(injection);
    scene.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_exchanged_at_most_once_whatever_is_killed() {
    const PRESENTATIONS: usize = 4;
    let home = Home::new();
    let mut scene = Scene::open(&home).await;
    for round in 0..8_u64 {
        let waiting = Arc::new(code(&scene.world).await);
        let presented: Vec<_> = (0..PRESENTATIONS)
            .map(|_| {
                let waiting = Arc::clone(&waiting);
                tokio::spawn(async move { waiting.exchange().await })
            })
            .collect();
        // Somewhere between before the first and after the last.
        tokio::time::sleep(Duration::from_millis(round * 3)).await;
        scene.restart().await;
        let mut issued = 0;
        for answer in presented {
            issued += usize::from(answer.await.unwrap().is_ok());
        }
        let again = waiting.exchange().await;
        assert!(issued + usize::from(again.is_ok()) <= 1, "{issued} and {again:?}");
        assert!(waiting.exchange().await.is_err());
    }
    scene.close().await;
}
