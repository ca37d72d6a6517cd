//! A pool against servers that follow a script.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::Method;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::clock::TestClock;
use crate::his::{BreakerState, Ending, HisStream};
use crate::tls::client::client_config;
use crate::tls::pki::{Pki, now};
use crate::tls::server::front_channel;

const ONE: &str = "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\none";
const TWO: &str = "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\ntwo";

/// Instead of a further answer: the connection is closed at once.
const CLOSE: &str = "";
/// A request is read and gets no answer.
const HANG: &str = "hang";

const BREAKER: BreakerRules =
    BreakerRules { failures: 5, pause: Duration::from_secs(5), longest_pause: Duration::from_secs(60) };

/// The answers on each connection, one a request.
type Script = Vec<Vec<&'static str>>;

/// What the server saw.
#[derive(Default)]
struct Seen {
    requests: AtomicUsize,
    read: Notify,
    /// A connection was closed by the other side, between requests.
    left: Notify,
}

impl Seen {
    fn count(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }
}

/// A server that gives each connection its answers, one a request; it reads one request more and closes.
async fn pool(script: Script) -> (Pool, Arc<Seen>) {
    let (pool, seen, _) = pool_at(script).await;
    (pool, seen)
}

/// The same, with its clock.
async fn pool_at(script: Script) -> (Pool, Arc<Seen>, Arc<TestClock>) {
    let (pki, test_clock) = (Pki::new(), TestClock::at(now()));
    let clock: SharedClock = Arc::clone(&test_clock) as _;
    let tls = front_channel(&pki.identity(&["his.example.nl"]), &clock).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let seen = Arc::new(Seen::default());
    tokio::spawn(serve(listener, TlsAcceptor::from(Arc::clone(tls.config())), script, Arc::clone(&seen)));
    let config = config(address);
    let client = client_config(&pki.roots(), None, &[crate::tls::ALPN_HTTP1], &clock).unwrap();
    (Pool::new(config, Arc::new(client), clock), seen, test_clock)
}

fn config(address: SocketAddr) -> PoolConfig {
    PoolConfig {
        name: "his".to_owned(),
        host: Hostname::parse("his.example.nl").unwrap(),
        port: address.port(),
        outgoing: Outgoing::new([(Hostname::parse("his.example.nl").unwrap(), address.ip())], &[]),
        max_in_flight: 1,
        max_wait: Duration::ZERO,
        connect_timeout: Duration::from_secs(30),
        idle_timeout: Duration::from_secs(4),
        whole_limit: 8,
        memory: Arc::new(Memory::new(1024 * 1024)),
        stream_limit: 64,
        stream_timeout: Duration::from_secs(30),
        stall_timeout: Duration::from_secs(30),
        breaker: BREAKER,
    }
}

async fn serve(listener: TcpListener, tls: TlsAcceptor, script: Script, seen: Arc<Seen>) {
    for answers in script {
        let tcp = listener.accept().await.unwrap().0;
        tokio::spawn(serve_one(tcp, tls.clone(), answers, Arc::clone(&seen)));
    }
}

async fn serve_one(tcp: TcpStream, tls: TlsAcceptor, answers: Vec<&'static str>, seen: Arc<Seen>) {
    let mut stream = tls.accept(tcp).await.unwrap();
    for answer in answers.iter().copied().map(Some).chain([None]) {
        if answer == Some(CLOSE) {
            break;
        }
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let Ok(byte) = stream.read_u8().await else { break };
            head.push(byte);
        }
        if head.is_empty() {
            seen.left.notify_one();
            break;
        }
        seen.requests.fetch_add(1, Ordering::Relaxed);
        seen.read.notify_one();
        let Some(answer) = answer else { break };
        if answer == HANG {
            // Until the other side goes.
            while stream.read_u8().await.is_ok() {}
            break;
        }
        stream.write_all(answer.as_bytes()).await.unwrap();
    }
}

async fn ask(pool: &Pool, method: Method) -> Result<Bytes, HisError> {
    let mut request = Request::new(Bytes::new());
    *request.method_mut() = method;
    *request.uri_mut() = "/fhir/Patient".parse().unwrap();
    let deadline = pool.clock.monotonic() + Duration::from_secs(60);
    match pool.exchange(&request, Wanted::Judged, deadline).await?.body {
        AnswerBody::Whole(body) => Ok(body),
        AnswerBody::Large(_) => Err(HisError::TooLarge),
    }
}

/// The same, on a runtime of its own.
fn ask_elsewhere(pool: &Pool) -> Result<Bytes, HisError> {
    let ask_there = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(ask(pool, Method::GET))
    };
    std::thread::scope(|scope| scope.spawn(ask_there).join().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_serves_its_own_runtime_and_others_when_it_is_not_in_use() {
    let (pool, seen, clock) = pool_at(vec![vec![ONE, ONE], vec![TWO]]).await;
    assert_eq!(ask(&pool, Method::GET).await, Ok("one".into()));
    clock.advance(Duration::from_millis(100));
    assert_eq!(ask_elsewhere(&pool), Ok("one".into()), "nobody used it");
    assert_eq!(ask_elsewhere(&pool), Ok("two".into()), "it was used just now, and is not of this runtime");
    assert_eq!(seen.count(), 3);
}

#[tokio::test]
async fn a_connection_that_nobody_takes_is_closed_after_its_time() {
    let (mut pool, seen, clock) = pool_at(vec![vec![ONE, TWO]]).await;
    pool.idle = Arc::new(Idle::new(Duration::from_millis(5), 1, Arc::clone(&clock) as _));
    assert_eq!(ask(&pool, Method::GET).await, Ok("one".into()));
    assert!(!pool.idle.is_empty());
    clock.advance(Duration::from_millis(5));
    timeout(Duration::from_secs(20), seen.left.notified()).await.unwrap();
    assert!(pool.idle.is_empty());
}

#[tokio::test]
async fn only_a_safe_request_is_sent_again() {
    let (pool, seen) = pool(vec![vec![ONE], vec![TWO]]).await;
    assert_eq!(ask(&pool, Method::GET).await, Ok("one".into()));
    assert_eq!(ask(&pool, Method::GET).await, Ok("two".into()));
    assert_eq!(seen.count(), 3);
}

#[tokio::test]
async fn a_post_that_was_sent_is_not_sent_again() {
    let (pool, seen) = pool(vec![vec![ONE], vec![TWO]]).await;
    assert_eq!(ask(&pool, Method::POST).await, Ok("one".into()));
    assert_eq!(ask(&pool, Method::POST).await, Err(HisError::Unreachable));
    assert_eq!(seen.count(), 2);
}

#[tokio::test]
async fn what_is_no_http_means_nothing() {
    let (pool, _) = pool(vec![vec!["certainly not HTTP\r\n\r\n"]]).await;
    assert_eq!(ask(&pool, Method::GET).await, Err(HisError::Nonsense));
}

#[tokio::test]
async fn a_connection_with_a_rest_of_an_answer_is_not_used_again() {
    const LARGE: &str = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nother one";
    let (pool, _) = pool(vec![vec![LARGE, ONE], vec![TWO]]).await;
    assert_eq!(ask(&pool, Method::GET).await, Err(HisError::TooLarge));
    assert_eq!(ask(&pool, Method::GET).await, Ok("two".into()));
}

#[tokio::test]
async fn a_connection_is_not_used_again_after_its_request_was_given_up() {
    // The first connection would give the answer of the request that was given up.
    let (pool, seen) = pool(vec![vec![ONE], vec![TWO]]).await;
    tokio::select! {
        biased;
        () = seen.read.notified() => {}
        answer = ask(&pool, Method::GET) => panic!("{answer:?}"),
    }
    assert!(pool.idle.is_empty());
    assert_eq!(ask(&pool, Method::GET).await, Ok("two".into()), "its turn is free again too");
}

const NINE: &str = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nother one";
const NINE_IN_CHUNKS: &str =
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nother\r\n4\r\n one\r\n0\r\n\r\n";

async fn stream(pool: &Pool, wanted: Wanted) -> Result<HisStream, HisError> {
    let deadline = pool.clock.monotonic() + Duration::from_secs(60);
    match pool.exchange(&Request::new(Bytes::new()), wanted, deadline).await?.body {
        AnswerBody::Whole(body) => panic!("{body:?} is in memory"),
        AnswerBody::Large(stream) => Ok(stream),
    }
}

async fn drain(stream: &mut HisStream) -> Result<Vec<u8>, HisError> {
    let mut all = Vec::new();
    while let Some(bytes) = stream.chunk().await {
        all.extend_from_slice(&bytes?);
    }
    Ok(all)
}

#[tokio::test]
async fn what_is_too_large_for_memory_becomes_a_stream() {
    for large in [NINE, NINE_IN_CHUNKS] {
        let (pool, seen) = pool(vec![vec![large, ONE]]).await;
        let mut large = stream(&pool, Wanted::Judged).await.unwrap();
        assert_eq!(ask(&pool, Method::GET).await, Err(HisError::Busy), "it keeps its turn while it is read");
        assert_eq!(drain(&mut large).await, Ok(b"other one".to_vec()));
        assert_eq!(ask(&pool, Method::GET).await, Ok("one".into()), "turn and connection are free");
        assert_eq!(seen.count(), 2);
    }
}

#[tokio::test]
async fn a_stream_that_is_dropped_frees_its_turn_and_closes_its_connection() {
    let (pool, _) = pool(vec![vec![NINE, ONE], vec![TWO]]).await;
    drop(stream(&pool, Wanted::Streamed).await.unwrap());
    assert!(pool.idle.is_empty());
    assert_eq!(ask(&pool, Method::GET).await, Ok("two".into()));
}

#[tokio::test]
async fn a_stream_of_known_length_is_done_with_its_last_byte() {
    let (pool, _) = pool(vec![vec![ONE, TWO]]).await;
    let mut stream = stream(&pool, Wanted::Streamed).await.unwrap();
    assert_eq!(stream.chunk().await, Some(Ok("one".into())));
    assert_eq!(
        ask(&pool, Method::GET).await,
        Ok("two".into()),
        "turn and connection are free, and nobody asked for more"
    );
    assert_eq!(stream.chunk().await, None);
}

#[tokio::test]
async fn a_stream_that_breaks_off_never_looks_complete() {
    const CUT: &str = "HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\nhalf of it";
    const CUT_CHUNK: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nother\r\n";
    for cut in [CUT, CUT_CHUNK] {
        let (pool, _) = pool(vec![vec![cut, CLOSE]]).await;
        let mut cut = stream(&pool, Wanted::Streamed).await.unwrap();
        assert_eq!(drain(&mut cut).await, Err(HisError::Unreachable));
        assert_eq!(cut.chunk().await, Some(Err(HisError::Unreachable)), "and again");
    }
}

#[tokio::test]
async fn a_stream_has_a_size_that_it_may_not_pass() {
    const LONG: &str = "HTTP/1.1 200 OK\r\ncontent-length: 65\r\n\r\n";
    const LONG_IN_CHUNKS: &str = concat!(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
        "20\r\n0123456789abcdef0123456789abcdef\r\n21\r\n0123456789abcdef0123456789abcdef!\r\n0\r\n\r\n",
    );
    let (announced, _) = pool(vec![vec![LONG]]).await;
    assert_eq!(stream(&announced, Wanted::Streamed).await.unwrap_err(), HisError::TooLarge);
    let (unannounced, _) = pool(vec![vec![LONG_IN_CHUNKS]]).await;
    let mut long = stream(&unannounced, Wanted::Streamed).await.unwrap();
    assert_eq!(drain(&mut long).await, Err(HisError::TooLarge));
}

#[tokio::test]
async fn a_stream_that_stalls_or_drips_ends_by_its_limits() {
    const BEGUN: &str = "HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\nhalf of it";
    for (total, stall) in [(50, 60_000), (60_000, 50)] {
        let (mut pool, _) = pool(vec![vec![BEGUN, ONE]]).await;
        pool.config.stream_timeout = Duration::from_millis(total);
        pool.config.stall_timeout = Duration::from_millis(stall);
        let mut begun = stream(&pool, Wanted::Streamed).await.unwrap();
        assert_eq!(drain(&mut begun).await, Err(HisError::TimedOut));
    }
}

const CUT: &str = "HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\nhalf";

#[tokio::test]
async fn a_safe_request_whose_answer_broke_off_is_repeated_once() {
    let (pool, seen) = pool(vec![vec![CUT, CLOSE], vec![TWO]]).await;
    assert_eq!(ask(&pool, Method::GET).await, Ok("two".into()));
    let (pool, seen_twice) = self::pool(vec![vec![CUT, CLOSE], vec![CUT, CLOSE], vec![TWO]]).await;
    assert_eq!(ask(&pool, Method::GET).await, Err(HisError::Unreachable));
    assert_eq!((seen.count(), seen_twice.count()), (2, 2));
    assert_eq!(pool.figures().repeated, 1);
}

#[tokio::test]
async fn a_post_whose_answer_broke_off_is_not_repeated() {
    let (pool, seen) = pool(vec![vec![CUT, CLOSE], vec![TWO]]).await;
    assert_eq!(ask(&pool, Method::POST).await, Err(HisError::Unreachable));
    assert_eq!(seen.count(), 1);
}

#[tokio::test]
async fn an_empty_budget_repeats_nothing() {
    let (pool, seen) = pool(vec![vec![CUT, CLOSE], vec![TWO]]).await;
    while pool.budget.spend() {}
    assert_eq!(ask(&pool, Method::GET).await, Err(HisError::Unreachable));
    assert_eq!(seen.count(), 1);
}

#[tokio::test]
async fn five_failures_in_a_row_leave_it_alone_and_a_probe_asks_again() {
    const BROKEN: &str = "HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n";
    let (pool, seen, clock) = pool_at(vec![vec![BROKEN; 5], vec![ONE]]).await;
    for _ in 0..5 {
        assert_eq!(ask(&pool, Method::GET).await, Ok(Bytes::new()), "a pool does not judge a status");
    }
    for _ in 0..3 {
        assert_eq!(ask(&pool, Method::GET).await, Err(HisError::Open));
    }
    assert_eq!((seen.count(), pool.figures().breaker), (5, BreakerState::Open));
    clock.advance(BREAKER.pause);
    assert_eq!(ask(&pool, Method::GET).await, Ok("one".into()));
    assert_eq!(pool.figures().breaker, BreakerState::Closed);
}

#[tokio::test]
async fn a_refusal_by_the_his_is_no_failure_of_it() {
    const REFUSED: &str = "HTTP/1.1 403 No\r\ncontent-length: 0\r\n\r\n";
    let (pool, _) = pool(vec![vec![REFUSED; 9]]).await;
    for _ in 0..9 {
        assert_eq!(ask(&pool, Method::GET).await, Ok(Bytes::new()));
    }
    assert_eq!(pool.figures().endings[Ending::ClientError.index()], 9);
}

#[tokio::test]
async fn requests_that_run_out_of_time_open_the_breaker() {
    let (pool, _) = pool(vec![vec![HANG]; 6]).await;
    for _ in 0..5 {
        let deadline = pool.clock.monotonic() + Duration::from_millis(50);
        let asked = pool.exchange(&Request::new(Bytes::new()), Wanted::Judged, deadline).await;
        assert_eq!(asked.err(), Some(Failed { error: HisError::TimedOut, sent: true }));
    }
    assert_eq!(ask(&pool, Method::GET).await, Err(HisError::Open));
}

#[tokio::test]
async fn a_stream_that_breaks_off_counts_and_one_that_is_dropped_does_not() {
    let (pool, _) = pool(vec![vec![CUT, CLOSE]; 10]).await;
    for _ in 0..5 {
        drop(stream(&pool, Wanted::Streamed).await.unwrap());
    }
    assert_eq!(pool.figures().breaker, BreakerState::Closed);
    for _ in 0..5 {
        assert_eq!(drain(&mut stream(&pool, Wanted::Streamed).await.unwrap()).await, Err(HisError::Unreachable));
    }
    assert_eq!(pool.figures().breaker, BreakerState::Open);
}

/// A pool that trusts this authority and expects this name, before a server with this identity.
async fn pool_before(pki: &Pki, name: &str, trusted: &Pki) -> (Pool, Arc<Seen>) {
    let clock: SharedClock = TestClock::at(now());
    let tls = front_channel(&pki.identity(&[name]), &clock).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let config = config(listener.local_addr().unwrap());
    let seen = Arc::new(Seen::default());
    let acceptor = TlsAcceptor::from(Arc::clone(tls.config()));
    tokio::spawn({
        let seen = Arc::clone(&seen);
        async move {
            while let Ok((stream, _)) = listener.accept().await {
                seen.requests.fetch_add(1, Ordering::Relaxed);
                // The gateway breaks it off.
                assert!(acceptor.accept(stream).await.is_err());
            }
        }
    });
    let client = client_config(&trusted.roots(), None, &[crate::tls::ALPN_HTTP1], &clock).unwrap();
    (Pool::new(config, Arc::new(client), clock), seen)
}

#[tokio::test]
async fn case_87_a_certificate_of_another_name_or_authority_is_refused_and_not_tried_otherwise() {
    let (ours, other) = (Pki::new(), Pki::new());
    for (pki, name) in [(&ours, "other.example.nl"), (&other, "his.example.nl")] {
        let (pool, seen) = pool_before(pki, name, &ours).await;
        assert_eq!(ask(&pool, Method::GET).await, Err(HisError::Refused), "{name}");
        assert_eq!(seen.count(), 1, "neither again nor in clear");
    }
    assert_eq!(crate::fault::Fault::from(HisError::Refused).status, 502);
}

#[tokio::test]
async fn f08_a_stopped_process_holds_a_request_no_longer_than_connecting_may_take() {
    // Like after SIGSTOP: the machine takes the connection, and nobody speaks.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let clock: SharedClock = TestClock::at(now());
    let client = client_config(&Pki::new().roots(), None, &[crate::tls::ALPN_HTTP1], &clock).unwrap();
    let mut config = config(listener.local_addr().unwrap());
    config.connect_timeout = Duration::from_millis(50);
    let pool = Pool::new(config, Arc::new(client), clock);
    for _ in 0..3 {
        assert_eq!(ask(&pool, Method::GET).await, Err(HisError::Unreachable));
    }
    assert_eq!(ask(&pool, Method::GET).await, Err(HisError::Open), "five connections failed");
}

/// An answer of this many bytes.
fn long(bytes: usize) -> &'static str {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {bytes}\r\n\r\n{}", "a".repeat(bytes)).leak()
}

#[tokio::test]
async fn what_does_not_fit_in_memory_is_passed_on_as_a_stream() {
    const BYTES: usize = 300_000;
    let in_chunks: &'static str =
        format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{BYTES:x}\r\n{}\r\n0\r\n\r\n", "a".repeat(BYTES))
            .leak();
    let (mut pool, _, _) = pool_at(vec![vec![long(BYTES), long(60_000), long(BYTES), in_chunks]; 4]).await;
    let memory = Arc::new(Memory::new(512 * 1024));
    (pool.config.whole_limit, pool.config.stream_limit) = (1 << 20, 1 << 20);
    pool.config.memory = Arc::clone(&memory);
    assert_eq!(ask(&pool, Method::GET).await.map(|body| body.len()), Ok(BYTES));
    assert_eq!(memory.used(), 0, "given back when it was read");
    let waits = crate::bounds::Held::already(Arc::clone(&memory), 512 * 1024);
    assert_eq!(ask(&pool, Method::GET).await.map(|body| body.len()), Ok(60_000), "what is small always fits");
    for _ in 0..2 {
        assert_eq!(ask(&pool, Method::GET).await, Err(HisError::TooLarge), "it came as a stream");
    }
    assert_eq!(memory.used(), 512 * 1024);
    drop(waits);
    assert_eq!(ask(&pool, Method::GET).await.map(|body| body.len()), Ok(BYTES));
}

/// As many wait as may be under way; one more is not kept waiting.
#[tokio::test(start_paused = true)]
async fn the_queue_for_a_turn_has_an_end() {
    let (mut pool, seen, _) = pool_at(vec![vec![HANG]; 4]).await;
    pool.config.max_wait = Duration::from_secs(20);
    let pool = Arc::new(pool);
    let asking = |pool: &Arc<Pool>| {
        let pool = Arc::clone(pool);
        tokio::spawn(async move { ask(&pool, Method::GET).await })
    };
    let first = asking(&pool);
    seen.read.notified().await;
    let second = asking(&pool);
    while pool.waiting.taken() == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(ask(&pool, Method::GET).await, Err(HisError::Busy), "at once");
    assert!(!second.is_finished());
    first.abort();
    second.abort();
    assert!(second.await.is_err() && pool.waiting.taken() == 0, "who gives up leaves the queue");
}
