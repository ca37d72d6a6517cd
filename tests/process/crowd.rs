//! Many hostile sockets at once against a node that is a process of its own, so that its memory can be looked at: the cases 71 to
//! 77 and 79 of the test plan with the numbers that stand there. Who comes meanwhile is served; that is counted, not timed.

mod doors;
#[path = "../gateway/hostile/frames.rs"]
#[expect(dead_code, reason = "the tests of the gateway use all of it")]
mod frames;

use std::fs;
use std::net::Ipv4Addr;
use std::sync::Arc;

use inzage::sandbox::world::World;
use inzage::tls::{ALPN_H2, ALPN_HTTP1};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::client::TlsStream;

use self::doors::{Door, MARKER};
use self::frames::{
    CONTINUATION, DATA, END_HEADERS, END_STREAM, H2, HEADERS, NONE, PING, PRIORITY, RST_STREAM, SETTINGS, block, frame,
    get, pseudo,
};
use crate::harness::{Home, Process};

/// Slow clients of case 76: of ten, five with slow heads, four with slow bodies, and one slow reader.
const SLOW: usize = 5_000;
/// Handshakes of case 77.
const STALLED: usize = 2_000;
/// Open connections of the front channel.
const OPEN: &str = "inzage_connections_open{face=\"front\"}";
/// How many connections are opened at the same time.
const AT_ONCE: usize = 64;
/// Most memory that one slow connection may cost, the buffers for what it does not read included, in KiB.
const SLOW_MAX_KIB: usize = 48;
/// Most memory that one stalled handshake may cost, in KiB.
const STALLED_MAX_KIB: usize = 16;
/// Most memory that the worst moment of a flood may cost, in KiB; the test plan allows eight times as much (C.4).
const FLOOD_MAX_KIB: usize = 8 * 1024;
/// Connections that flood at the same time.
const FLOODS: usize = 8;
/// The beginning of a ClientHello, and nothing after it.
const HELLO: [u8; 11] = [0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3];

/// A node and the world around it.
struct Stage {
    home: Home,
    world: World,
    node: Process,
}

impl Stage {
    async fn set(settings: &str) -> Self {
        let home = Home::new();
        let world = home.world().await;
        let path = home.path("gateway.toml");
        let configuration = fs::read_to_string(&path).unwrap();
        fs::write(&path, format!("{configuration}\n{settings}")).unwrap();
        let node = home.serve().ready(&world.layout.ops_url()).await;
        Self { home, world, node }
    }

    fn door(&self, alpn: &[u8]) -> Door {
        Door::new(&self.home, &self.world.layout.front_origin(), alpn)
    }

    /// A figure of `/proc/PID/status`, in KiB.
    fn kib(&self, name: &str) -> usize {
        let status = fs::read_to_string(format!("/proc/{}/status", self.node.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim_matches([':', '\t', ' ']).trim_end_matches(" kB").parse().unwrap()
    }

    async fn metric(&self, line: &str) -> usize {
        let metrics = crate::harness::get(&self.world.layout.ops_url(), "/metrics").await.unwrap();
        let value = metrics.lines().find_map(|own| own.strip_prefix(line)).unwrap_or_else(|| panic!("no {line}"));
        value.trim().parse().unwrap()
    }

    async fn strike(self) {
        let Self { world, node, .. } = self;
        node.signal("TERM");
        assert_eq!(node.ended().await.code, Some(0));
        world.stop().await.unwrap();
    }
}

/// Somebody who only wants to look: so many answers of 200, each on a connection of its own.
async fn visit(door: &Door, times: usize) {
    for number in 0..times {
        // From a network of their own: that of the crowd may be at its limit.
        let mut stream =
            door.come(Ipv4Addr::new(127, 0, 99, 1)).await.unwrap_or_else(|error| panic!("{number}: {error}"));
        stream.write_all(door.get(MARKER).as_bytes()).await.unwrap();
        let mut status = [0; 12];
        stream.read_exact(&mut status).await.unwrap();
        assert_eq!(&status, b"HTTP/1.1 200", "{number}");
    }
}

/// What the slow client of this number sends, of what is never finished or never read.
fn slowly(door: &Door, number: usize) -> String {
    let host = door.authority();
    match number % 10 {
        0..5 => format!("GET {MARKER} HTTP/1.1\r\nhost: "),
        5..9 => format!(
            "POST /visit/x/landing HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/x-www-form-urlencoded\r\n\
             content-length: 100\r\n\r\na=b"
        ),
        _ => door.get(MARKER).repeat(30),
    }
}

async fn come_slowly(door: Door, number: usize) -> TlsStream<TcpStream> {
    let mut stream = door.open().await;
    stream.write_all(slowly(&door, number).as_bytes()).await.unwrap();
    stream.flush().await.unwrap();
    stream
}

/// Does so many things, some of them at the same time.
async fn each<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
    count: usize,
    mut one: impl FnMut(usize) -> F,
) -> Vec<T> {
    let (mut under_way, mut done) = (JoinSet::new(), Vec::new());
    for number in 0..count {
        if under_way.len() >= AT_ONCE {
            done.push(under_way.join_next().await.unwrap().unwrap());
        }
        under_way.spawn(one(number));
    }
    done.extend(under_way.join_all().await);
    done
}

/// 5,000 slow clients hold their connections, whose cost is bounded, while others are served; then all of them are closed by us.
#[tokio::test(flavor = "multi_thread")]
async fn case_76_five_thousand_slow_clients() {
    let stage =
        Stage::set("[edge]\nheader_timeout_ms = 60000\nidle_timeout_seconds = 60\nstall_timeout_ms = 30000\n").await;
    let door = stage.door(ALPN_HTTP1);
    visit(&door, 20).await;
    let before = stage.kib("VmRSS");
    let slow = each(SLOW, |number| come_slowly(door.clone(), number)).await;
    visit(&door, 100).await;
    let (open, held) = (stage.metric(OPEN).await, stage.kib("VmRSS"));
    println!("{open} connections held {} KiB", held - before);
    assert!(open >= SLOW * 9 / 10, "only {open} were open at once");
    assert!(held - before <= SLOW * SLOW_MAX_KIB, "{} KiB for {SLOW} slow clients", held - before);
    // Those who do not read are closed without their doing anything, and the others are told.
    crate::harness::until("the end of the crowd", async || (stage.metric(OPEN).await <= 1).then_some(())).await;
    drop(slow);
    visit(&door, 20).await;
    stage.strike().await;
}

/// Of one network so many handshakes are under way as may be, and the others are closed at once; of several networks all are held,
/// at a bounded cost. Others are served in both cases, and in the end all are closed.
#[tokio::test(flavor = "multi_thread")]
async fn case_77_two_thousand_stalled_handshakes() {
    let stage = Stage::set("[edge]\nhandshake_timeout_ms = 20000\n").await;
    let door = stage.door(ALPN_HTTP1);
    visit(&door, 20).await;
    let before = stage.kib("VmRSS");
    for (networks, held) in [(1, 512), (4, STALLED)] {
        let knock = |number: usize| {
            let (door, network) = (door.clone(), u8::try_from(number % networks).unwrap());
            async move {
                let mut stream = door.knock(Ipv4Addr::new(127, 0, network + 1, 1)).await.unwrap();
                stream.write_all(&HELLO).await.unwrap();
                stream
            }
        };
        let stalled = each(STALLED, knock).await;
        visit(&door, 100).await;
        let open = stage.metric(OPEN).await;
        let cost = stage.kib("VmRSS").saturating_sub(before);
        println!("{networks} networks: {open} held, {cost} KiB");
        assert!((held..held + 200).contains(&open), "{networks} networks: {open}");
        assert!(cost <= STALLED * STALLED_MAX_KIB, "{cost} KiB");
        for mut stream in stalled {
            let mut heard = Vec::new();
            // An alert at most; a reset when our octets were not read.
            assert!(stream.read_to_end(&mut heard).await.unwrap_or(0) <= 7, "{heard:?}");
        }
        visit(&door, 20).await;
    }
    stage.strike().await;
}

/// What comes again and again.
type Piece = Arc<dyn Fn(u32) -> Vec<u8> + Send + Sync>;
/// One flood: its name, what comes first, and what comes after it.
type Flood = (&'static str, Vec<u8>, Piece);

fn floods(authority: String) -> Vec<Flood> {
    let stream = |number: u32| 2 * number + 1;
    let begun = frame(HEADERS, END_STREAM, 1, &block(&pseudo("GET", &authority, MARKER)));
    let mut post = pseudo("POST", &authority, "/inzagelog").to_vec();
    post.push(("content-type", "application/x-www-form-urlencoded"));
    let post = frame(HEADERS, END_HEADERS, 1, &block(&post));
    let large = format!("{:a<120}", "");
    let header = frame(CONTINUATION, NONE, 1, &block(&[("x-large", large.as_str()); 100]));
    let same = |kind, of: u32, payload: &[u8]| -> Piece {
        let all = frame(kind, NONE, of, payload).repeat(10);
        Arc::new(move |_| all.clone())
    };
    let reset = move |round: u32| {
        let one = |number| {
            let number = stream(round * 10 + number);
            [get(number, &authority, MARKER), frame(RST_STREAM, NONE, number, &8_u32.to_be_bytes())].concat()
        };
        (0..10).flat_map(one).collect()
    };
    vec![
        ("rapid reset", Vec::new(), Arc::new(reset)),
        ("CONTINUATION", begun.clone(), same(CONTINUATION, 1, &block(&[("x-more", "of the same")]))),
        ("huge headers", begun, Arc::new(move |_| header.clone())),
        ("empty DATA", post, same(DATA, 1, &[])),
        ("SETTINGS", Vec::new(), same(SETTINGS, 0, &[0, 4, 0, 0, 255, 255])),
        ("PING", Vec::new(), same(PING, 0, &[7; 8])),
        ("PRIORITY", Vec::new(), same(PRIORITY, 3, &[0, 0, 0, 0, 9])),
    ]
}

/// Whether a flood ends before its last frame.
async fn flooding(door: Door, first: Vec<u8>, piece: Piece) -> bool {
    let mut flood = H2::open(&door, &[]).await;
    // It may have been ended already.
    let _ = flood.send(&first).await;
    flood.ends_within(10_000, |round| piece(round)).await
}

/// Eight connections flood in the same way, and another client is served each time. None of it is remembered.
#[tokio::test(flavor = "multi_thread")]
async fn cases_71_to_74_floods_take_no_memory() {
    let stage = Stage::set("").await;
    let (door, other) = (stage.door(ALPN_H2), stage.door(ALPN_HTTP1));
    visit(&other, 20).await;
    let before = stage.kib("VmRSS");
    for (what, first, piece) in floods(door.authority()) {
        let flood = each(FLOODS, |_| flooding(door.clone(), first.clone(), Arc::clone(&piece)));
        let (ended, ()) = tokio::join!(flood, visit(&other, 20));
        assert!(ended.into_iter().all(|ended| ended), "{what}: it went on to its last frame");
        let worst = stage.kib("VmHWM") - before;
        println!("{what}: {worst} KiB at the worst moment so far");
        assert!(worst <= FLOOD_MAX_KIB, "{what}: {worst} KiB");
    }
    stage.strike().await;
}

/// Heads over the limit in HTTP/1.1 are refused before they are read to their end (case 79), 500 at once.
#[tokio::test(flavor = "multi_thread")]
async fn case_79_huge_heads_take_no_memory() {
    let stage = Stage::set("").await;
    let door = stage.door(ALPN_HTTP1);
    visit(&door, 20).await;
    let before = stage.kib("VmRSS");
    let head = format!("{}\r\nx-large: {}", door.get(MARKER).trim_end(), "a".repeat(1 << 20));
    let huge = each(500, |_| {
        let (door, head) = (door.clone(), head.clone());
        async move {
            let mut stream = door.open().await;
            // Refused before all of it is sent.
            let _ = stream.write_all(head.as_bytes()).await;
            let mut heard = Vec::new();
            let _ = stream.read_to_end(&mut heard).await;
            heard
        }
    });
    let (answers, ()) = tokio::join!(huge, visit(&door, 50));
    assert!(answers.iter().all(|answer| answer.is_empty() || answer.starts_with(b"HTTP/1.1 431")));
    let worst = stage.kib("VmHWM") - before;
    println!("500 heads of 1 MiB: {worst} KiB at the worst moment");
    assert!(worst <= FLOOD_MAX_KIB, "{worst} KiB");
    stage.strike().await;
}
