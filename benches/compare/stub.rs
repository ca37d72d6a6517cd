//! The emulated HIS of the comparison: hyper over mutual TLS, one thread, HTTP/1.1 kept alive. It answers from memory, so that
//! its own share of the other core is small and the same for every subject.

use std::convert::Infallible;
use std::io::BufRead as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use inzage::clock::{SharedClock, SystemClock};
use inzage::tls::ALPN_HTTP1;
use inzage::tls::identity::{Identity, Roots};
use inzage::tls::revocation::Revocations;
use inzage::tls::server::back_channel;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

use crate::bodies::Bodies;
use crate::figures::now;

const FHIR: &str = "application/fhir+json;charset=utf-8";
const PDF: &str = "application/pdf";

/// Serves until standard input ends. `host` is the name in its certificate; the port it got is its first line of output. A
/// line of input is a time that each searchset takes from then on, in microseconds.
pub(crate) fn run(folder: &str, file: &str, host: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let pause = Pause::start();
    let listening = Arc::clone(&pause);
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            listening.micros.store(line.unwrap().parse().unwrap(), Ordering::Relaxed);
        }
        std::process::exit(0);
    });
    runtime.block_on(serve(folder, file, host, pause));
}

async fn serve(folder: &str, file: &str, host: &str, pause: Arc<Pause>) {
    let acceptor = acceptor(Path::new(folder), file);
    let listener = socket();
    let port = listener.local_addr().unwrap().port();
    let bodies = Arc::new(Bodies::new(&format!("https://{host}:{port}/fhir")));
    println!("{port}");
    loop {
        let Ok((tcp, _)) = listener.accept().await else { continue };
        tcp.set_nodelay(true).unwrap();
        let (acceptor, bodies, pause) = (acceptor.clone(), Arc::clone(&bodies), Arc::clone(&pause));
        tokio::spawn(async move {
            let Ok(tls) = acceptor.accept(tcp).await else { return };
            let answer = service_fn(|request| answer(request, &bodies, &pause));
            // A peer may close as it likes; a run with an error is told by the load generator.
            drop(http1::Builder::new().serve_connection(TokioIo::new(tls), answer).await);
        });
    }
}

fn socket() -> TcpListener {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    socket.listen(4096).unwrap()
}

fn acceptor(folder: &Path, file: &str) -> TlsAcceptor {
    let clock: SharedClock = Arc::new(SystemClock);
    let path = |kind: &str| folder.join(format!("{file}.{kind}"));
    let own = Identity::load(&path("pem"), &path("key"), clock.now()).unwrap();
    let roots = Roots::load(&folder.join("ca.pem")).unwrap();
    let tls = back_channel(&own, &roots, &Revocations::default(), &clock).unwrap();
    let mut config = rustls::ServerConfig::clone(tls.config());
    config.alpn_protocols = vec![ALPN_HTTP1.to_vec()];
    TlsAcceptor::from(Arc::new(config))
}

async fn answer(
    request: Request<Incoming>,
    bodies: &Bodies,
    pause: &Pause,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let below = request.uri().path().trim_start_matches("/fhir/");
    let (kind, body) = match below {
        "Patient/_search" => (FHIR, &bodies.patient),
        "Encounter" => (FHIR, &bodies.small),
        "Composition" => (FHIR, &bodies.middle),
        "Observation" => (FHIR, &bodies.large),
        "DocumentReference" => (FHIR, &bodies.documents),
        "Flag" => (FHIR, &bodies.nothing),
        "Binary/pdf-1m" => (PDF, &bodies.pdf_small),
        "Binary/pdf-20m" => (PDF, &bodies.pdf_large),
        _ => return Ok(missing()),
    };
    let builder = Response::builder().header(header::CONTENT_TYPE, kind).header(header::CACHE_CONTROL, "no-store");
    let response = builder.header(header::ETAG, "W/\"1\"").body(Full::new(body.clone())).unwrap();
    pause.pass().await;
    Ok(response)
}

fn missing() -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}

/// How long an answer takes. A thread keeps the time: the timer of the runtime knows whole milliseconds only.
struct Pause {
    micros: AtomicU64,
    waiting: mpsc::Sender<(Instant, oneshot::Sender<()>)>,
}

impl Pause {
    fn start() -> Arc<Self> {
        let (waiting, queue) = mpsc::channel::<(Instant, oneshot::Sender<()>)>();
        std::thread::spawn(move || {
            for (due, tell) in queue {
                std::thread::sleep(due.saturating_duration_since(now()));
                // Whoever asked may be gone.
                let _ = tell.send(());
            }
        });
        Arc::new(Self { micros: AtomicU64::new(0), waiting })
    }

    async fn pass(&self) {
        let micros = self.micros.load(Ordering::Relaxed);
        if micros > 0 {
            let (tell, told) = oneshot::channel();
            self.waiting.send((now() + Duration::from_micros(micros), tell)).unwrap();
            // An error says that the thread is gone, and the process with it.
            let _ = told.await;
        }
    }
}
