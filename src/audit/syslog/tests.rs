//! A log on a real disk, sent over real TLS to a receiver that comes and goes.

use std::path::Path;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::audit::testing::{Scratch, bare};
use crate::audit::{AuditLog as _, FileLog, FileLogConfig, NodeName};
use crate::clock::{SharedClock, TestClock};
use crate::medmij::Hostname;
use crate::outgoing::Outgoing;
use crate::tls::client::client_config;
use crate::tls::pki::Pki;
use crate::tls::revocation::Revocations;
use crate::tls::server::back_channel;

const HOST: &str = "archief.example.nl";

/// What the receiver does with a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// Closes it before TLS.
    Down,
    /// Reads a few bytes and goes away.
    Cuts,
    /// Reads everything that comes and never ends the connection.
    Holds,
    /// Ends it as soon as it is there, in order, and reads nothing.
    Leaves,
    /// As it should.
    Up,
}

/// A receiver, and what it got.
struct Repository {
    manner: watch::Sender<Manner>,
    connections: watch::Sender<u64>,
    messages: watch::Sender<Vec<String>>,
    address: std::net::SocketAddr,
    pki: Pki,
    task: JoinHandle<()>,
}

fn clock() -> SharedClock {
    TestClock::at(crate::tls::pki::now())
}

impl Repository {
    async fn start(manner: Manner) -> Self {
        let pki = Pki::new();
        let tls = back_channel(&pki.identity(&[HOST]), &pki.roots(), &Revocations::default(), &clock()).unwrap();
        let acceptor = TlsAcceptor::from(Arc::clone(tls.config()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (manner, connections, messages) =
            (watch::Sender::new(manner), watch::Sender::new(0), watch::Sender::new(Vec::new()));
        let (how, count, got) = (manner.clone(), connections.clone(), messages.clone());
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let how = *how.borrow();
                let received = receive(&acceptor, stream, how).await;
                got.send_modify(|all: &mut Vec<String>| all.extend(received));
                count.send_modify(|count| *count += 1);
            }
        });
        Self { manner, connections, messages, address, pki, task }
    }

    /// Waits until so many more connections were dealt with.
    async fn connections(&self, more: u64) {
        let before = *self.connections.borrow();
        self.connections.subscribe().wait_for(|count| *count >= before + more).await.unwrap();
    }

    /// Waits for this many messages, and gives the indexes of their records.
    async fn indexes(&self, count: usize) -> Vec<u64> {
        self.messages.subscribe().wait_for(|all| all.len() >= count).await.unwrap();
        self.messages.borrow().iter().map(|message| index(message)).collect()
    }
}

impl Drop for Repository {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn receive(acceptor: &TlsAcceptor, stream: TcpStream, manner: Manner) -> Vec<String> {
    if manner == Manner::Down {
        return Vec::new();
    }
    let Ok(mut stream) = acceptor.accept(stream).await else { return Vec::new() };
    let mut bytes = Vec::new();
    match manner {
        Manner::Leaves => drop(stream.shutdown().await),
        Manner::Cuts => drop(stream.read_exact(&mut [0; 10]).await),
        Manner::Down | Manner::Holds | Manner::Up => {
            // Only close_notify ends it without an error.
            if stream.read_to_end(&mut bytes).await.is_err() {
                return Vec::new();
            }
            if manner == Manner::Up {
                stream.shutdown().await.unwrap();
                return frames(&bytes);
            }
            // The sender gives up and closes; until then this one stays.
            let _ = stream.get_mut().0.read(&mut [0; 1]).await;
            std::future::pending::<()>().await;
        }
    }
    Vec::new()
}

/// RFC 5425 section 4.3: MSG-LEN SP SYSLOG-MSG, and nothing else.
fn frames(mut bytes: &[u8]) -> Vec<String> {
    let mut all = Vec::new();
    while !bytes.is_empty() {
        let space = bytes.iter().position(|byte| *byte == b' ').unwrap();
        let length = std::str::from_utf8(&bytes[..space]).unwrap();
        assert!(!length.starts_with('0'), "{length}");
        let (message, rest) = bytes[space + 1..].split_at(length.parse().unwrap());
        all.push(String::from_utf8(message.to_vec()).unwrap());
        bytes = rest;
    }
    all
}

fn index(message: &str) -> u64 {
    assert!(message.starts_with("<85>1 ") && message.ends_with("</AuditMessage>"), "{message}");
    let (_, rest) = message.split_once("ParticipantObjectID=\"inzage-a-").unwrap();
    rest.split_once('"').unwrap().0.rsplit_once('/').unwrap().1.parse().unwrap()
}

fn open(dir: &Path) -> FileLog {
    let config =
        FileLogConfig { segment_bytes: 1_000, ..FileLogConfig::new(dir.into(), NodeName::parse("a").unwrap()) };
    FileLog::open(config, clock()).unwrap().0
}

async fn append(log: &FileLog, count: usize) {
    for _ in 0..count {
        log.append(&bare(crate::tls::pki::now())).unwrap().await.unwrap();
    }
}

/// A sender at work.
struct Sending {
    progress: Arc<SyslogProgress>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Sending {
    /// To a receiver that is believed under `pki`.
    fn start(scratch: &Scratch, log: &FileLog, repository: &Repository, pki: &Pki) -> Self {
        let own = repository.pki.identity(&["inzage.example.nl"]);
        let sender = SyslogSender {
            dir: scratch.path().join("audit"),
            log: log.id().clone(),
            durable: log.durable(),
            position: scratch.path().join("position"),
            site: Site { log: log.id().shared(), operator: None, host: None },
            receiver: SyslogReceiver {
                host: Hostname::parse(HOST).unwrap(),
                port: repository.address.port(),
                outgoing: Outgoing::new([(Hostname::parse(HOST).unwrap(), repository.address.ip())], &[]),
                tls: Arc::new(client_config(&pki.roots(), Some(&own), &[], &clock()).unwrap()),
                connect: Duration::from_secs(5),
                batch: Duration::from_millis(500),
                settle: Duration::from_millis(50),
            },
            every: Duration::from_millis(10),
            kinds: None,
            clock: clock(),
            alarms: Arc::default(),
            progress: Arc::new(SyslogProgress::new(log.durable())),
        };
        let (progress, stop) = (Arc::clone(&sender.progress), CancellationToken::new());
        Self { progress, task: tokio::spawn(sender.run(stop.clone())), stop }
    }

    async fn end(self) -> SyslogCounts {
        self.stop.cancel();
        self.task.await.unwrap();
        self.progress.counts(crate::tls::pki::now())
    }
}

fn log(scratch: &Scratch) -> FileLog {
    open(&scratch.path().join("audit"))
}

#[tokio::test]
async fn an_outage_and_a_restart_lose_nothing_and_send_nothing_twice() {
    let scratch = Scratch::new();
    let audit = log(&scratch);
    let repository = Repository::start(Manner::Down).await;
    append(&audit, 3).await;
    let first = Sending::start(&scratch, &audit, &repository, &repository.pki);
    repository.connections(2).await;
    append(&audit, 20).await;
    let counts = first.end().await;
    assert_eq!((counts.behind, counts.records), (23, 0));
    assert!(counts.failures >= 1, "{counts:?}");

    repository.manner.send_replace(Manner::Up);
    let second = Sending::start(&scratch, &audit, &repository, &repository.pki);
    assert_eq!(repository.indexes(23).await, (0..23).collect::<Vec<_>>());
    append(&audit, 2).await;
    assert_eq!(second.end().await, SyslogCounts { records: 25, up: true, ..SyslogCounts::default() });

    append(&audit, 1).await;
    let third = Sending::start(&scratch, &audit, &repository, &repository.pki);
    assert_eq!(third.end().await, SyslogCounts { records: 1, up: true, ..SyslogCounts::default() });
    assert_eq!(repository.indexes(26).await, (0..26).collect::<Vec<_>>());
    audit.close();
}

#[tokio::test]
async fn only_a_receiver_that_heard_us_out_moves_the_position() {
    for manner in [Manner::Cuts, Manner::Leaves] {
        let scratch = Scratch::new();
        let audit = log(&scratch);
        let repository = Repository::start(manner).await;
        append(&audit, 5).await;
        let sending = Sending::start(&scratch, &audit, &repository, &repository.pki);
        repository.connections(2).await;
        assert_eq!(sending.progress.counts(crate::tls::pki::now()).behind, 5, "{manner:?}");
        repository.manner.send_replace(Manner::Up);
        assert_eq!(repository.indexes(5).await, (0..5).collect::<Vec<_>>(), "{manner:?}");
        assert_eq!(sending.end().await.behind, 0);
        audit.close();
    }
}

#[tokio::test]
async fn a_receiver_that_holds_on_is_given_up_and_holds_up_no_record() {
    let scratch = Scratch::new();
    let audit = log(&scratch);
    let repository = Repository::start(Manner::Holds).await;
    append(&audit, 1).await;
    let sending = Sending::start(&scratch, &audit, &repository, &repository.pki);
    while sending.progress.counts(crate::tls::pki::now()).failures == 0 {
        append(&audit, 1).await;
    }
    assert_eq!(sending.progress.next(), 0);
    sending.end().await;
    audit.close();
}

#[tokio::test]
async fn a_receiver_of_another_authority_gets_nothing() {
    let scratch = Scratch::new();
    let audit = log(&scratch);
    let repository = Repository::start(Manner::Up).await;
    append(&audit, 2).await;
    let sending = Sending::start(&scratch, &audit, &repository, &Pki::new());
    repository.connections(2).await;
    assert_eq!(sending.progress.counts(crate::tls::pki::now()).behind, 2);
    assert!(repository.messages.borrow().is_empty());
    sending.end().await;
    audit.close();
}

#[tokio::test]
async fn a_position_that_is_not_of_this_log_begins_at_its_beginning() {
    let scratch = Scratch::new();
    let audit = log(&scratch);
    append(&audit, 4).await;
    let file = scratch.path().join("position");
    assert_eq!(position::read(&file, audit.id(), 4).unwrap(), 0);
    position::write(&file, audit.id(), 4).unwrap();
    assert_eq!(position::read(&file, audit.id(), 4).unwrap(), 4);
    assert_eq!(position::read(&file, audit.id(), 3).unwrap(), 0, "beyond the end");
    let id = audit.id();
    for text in ["", "4", "another 4\n", &format!("{id} 4"), &format!("{id} +4\n"), &format!("{id} 4\n4\n")] {
        std::fs::write(&file, text).unwrap();
        assert_eq!(position::read(&file, id, 4).unwrap(), 0, "{text:?}");
    }
    audit.close();
}

#[tokio::test]
async fn a_backlog_goes_over_one_connection() {
    let scratch = Scratch::quick();
    let audit = log(&scratch);
    for _ in 0..12 {
        let pending: Vec<_> = (0..500).map(|_| audit.append(&bare(crate::tls::pki::now())).unwrap()).collect();
        for receipt in pending {
            receipt.await.unwrap();
        }
    }
    let dir = scratch.path().join("audit");
    let site = Site { log: audit.id().shared(), operator: None, host: None };
    let (source, batch) = Source::open(&dir, site.clone(), None, 0).unwrap().batch(6_000).unwrap();
    assert!(batch.unwrap().next < 6_000 && source.batch(6_000).unwrap().1.is_some(), "several batches");
    let repository = Repository::start(Manner::Up).await;
    let sending = Sending::start(&scratch, &audit, &repository, &repository.pki);
    assert_eq!(repository.indexes(6_000).await, (0..6_000).collect::<Vec<_>>());
    repository.connections.subscribe().wait_for(|count| *count >= 1).await.unwrap();
    sending.end().await;
    assert_eq!(*repository.connections.borrow(), 1);

    let chosen = |kinds| Source::open(&dir, site.clone(), Some(kinds), 0).unwrap().batch(6_000).unwrap().1.unwrap();
    let (none, all) = (chosen(vec![Kind::ConsentGiven]), chosen(vec![Kind::ConsentGiven, Kind::NodeStarted]));
    assert!(none.frames.is_empty() && none.next == 6_000 && all.records > 0, "passed over, not waited for");
    audit.close();
}
