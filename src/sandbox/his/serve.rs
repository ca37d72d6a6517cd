//! The sockets of an emulated HIS: HTTP/1.1 over mutual TLS for FHIR, plain HTTP on loopback for its control.

use std::convert::Infallible;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{DefaultBodyLimit, State};
use axum::response::{IntoResponse as _, Response as AxumResponse};
use axum::routing::get;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Emulator;
use super::answer::Answer;
use super::body::AnswerBody;
use super::faults::{Fail, Faults, Garbage, RequestLog, garbage, vendor_page};
use super::gzip;

/// Connections at the same time.
const MAX_CONNECTIONS: usize = 1024;
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a connection may wait for the next request, and a request for its head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(75);
const PAUSE_AFTER_FAILED_ACCEPT: Duration = Duration::from_millis(50);
/// Size of a request body, in bytes.
const MAX_BODY: usize = 64 * 1024 * 1024;
/// Size of a control request, in bytes.
const MAX_CONTROL_BODY: usize = 4096;

/// Serves FHIR until `stop`; then connections break off. `tls` decides which client certificates are let in.
///
/// # Errors
/// When the listener cannot be used.
pub async fn serve(
    listener: std::net::TcpListener,
    tls: Arc<rustls::ServerConfig>,
    emulator: Arc<Emulator>,
    stop: CancellationToken,
) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = TcpListener::from_std(listener)?;
    let server = Server { acceptor: TlsAcceptor::from(tls), emulator, stop: stop.clone() };
    let free = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let connections = TaskTracker::new();
    while let Some(Some((stream, permit))) = stop.run_until_cancelled(accept(&listener, &free)).await {
        if server.emulator.faults.borrow().fail == Fail::Refuse {
            continue;
        }
        let server = server.clone();
        connections.spawn(async move { server.connection(stream, permit).await });
    }
    connections.close();
    connections.wait().await;
    Ok(())
}

/// The next connection, when there is room for one. `None` never comes: the semaphore is not closed.
async fn accept(listener: &TcpListener, free: &Arc<Semaphore>) -> Option<(TcpStream, OwnedSemaphorePermit)> {
    let permit = Arc::clone(free).acquire_owned().await.ok()?;
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return Some((stream, permit)),
            Err(_) => tokio::time::sleep(PAUSE_AFTER_FAILED_ACCEPT).await,
        }
    }
}

#[derive(Clone)]
struct Server {
    acceptor: TlsAcceptor,
    emulator: Arc<Emulator>,
    stop: CancellationToken,
}

impl Server {
    async fn connection(self, stream: TcpStream, _permit: OwnedSemaphorePermit) {
        stream.set_nodelay(true).ok();
        let handshake = tokio::time::timeout(HANDSHAKE_TIMEOUT, self.acceptor.accept(stream));
        let Some(Ok(Ok(stream))) = self.stop.run_until_cancelled(handshake).await else { return };
        let broken = CancellationToken::new();
        let service = service_fn(|request| respond(&self.emulator, request, &broken));
        let mut connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIMEOUT)
            .serve_connection(TokioIo::new(stream), service);
        let mut faults = self.emulator.faults.subscribe();
        tokio::select! {
            // A client that goes away, or a body that was cut, ends a connection as well as a regular end.
            _ = &mut connection => return,
            () = self.stop.cancelled() => return,
            () = broken.cancelled() => {}
            _ = faults.wait_for(|faults| faults.fail == Fail::Refuse) => {}
        }
        let stream = connection.into_parts().io.into_inner();
        // Without lingering, the close goes out as a reset.
        stream.get_ref().0.set_zero_linger().ok();
    }
}

/// Notes the request, and ends it the way the faults say.
async fn respond(
    emulator: &Emulator,
    request: Request<Incoming>,
    broken: &CancellationToken,
) -> Result<Response<AnswerBody>, Infallible> {
    let (request, body) = read(request).await;
    let turn = emulator.note(&request);
    let mut changes = emulator.faults.subscribe();
    let faults = settled(&mut changes).await;
    Ok(match faults.fail {
        Fail::None if faults.redirect => redirect(emulator.base()),
        Fail::None | Fail::Cut => response(emulator.answer(&request, body.as_ref(), &faults), &faults),
        Fail::Garbage => response(garbage(None, turn), &faults),
        Fail::GarbageOf(kind) => response(garbage(Some(kind), turn), &faults),
        Fail::Status(status) => {
            let bsn = emulator.records().patients().next().map(|patient| patient.bsn);
            response(vendor_page(status, bsn.as_ref()), &faults)
        }
        Fail::Reset | Fail::Refuse | Fail::Hang => {
            broken.cancel();
            std::future::pending().await
        }
    })
}

/// Reads a request to its end. `None` for a body that is too large, or breaks off.
async fn read(request: Request<Incoming>) -> (Parts, Option<Bytes>) {
    let (head, body) = request.into_parts();
    match Limited::new(body, MAX_BODY).collect().await {
        Ok(body) => {
            let (head, body) = search_by_post(head, body.to_bytes());
            (head, Some(body))
        }
        Err(_) => (head, None),
    }
}

/// `POST [type]/_search` means the same as a search by GET; what it asks for stands in the body (FHIR STU3 http.html, 2.21.0.9).
fn search_by_post(mut head: Parts, body: Bytes) -> (Parts, Bytes) {
    let path = head.uri.path().strip_suffix("/_search").filter(|_| head.method == Method::POST).map(str::to_owned);
    let Some(path) = path else { return (head, body) };
    let form = String::from_utf8(body.to_vec()).unwrap_or_default();
    if let Ok(uri) = format!("{path}?{form}").parse() {
        head.uri = uri;
        head.method = Method::GET;
    }
    (head, Bytes::new())
}

/// The faults that decide about a request: those after the delay, and not `hang`.
async fn settled(changes: &mut watch::Receiver<Faults>) -> Faults {
    let delay = changes.borrow().delay_ms;
    tokio::time::sleep(Duration::from_millis(delay.into())).await;
    let changed = changes.wait_for(|faults| faults.fail != Fail::Hang).await.map(|faults| *faults);
    changed.unwrap_or_default()
}

fn response(answer: Answer, faults: &Faults) -> Response<AnswerBody> {
    let body = if faults.gzip { gzip::compressed(answer.body.at_hand(), faults.huge_mb) } else { answer.body };
    let mut response = Response::new(AnswerBody::new(body, faults));
    *response.status_mut() = answer.status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, answer.media_type);
    if faults.gzip {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    if answer.status == StatusCode::METHOD_NOT_ALLOWED {
        headers.insert(header::ALLOW, HeaderValue::from_static("GET, POST"));
    }
    for (name, value) in VENDOR_HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// What systems say of themselves, and nobody outside needs to know.
const VENDOR_HEADERS: [(HeaderName, &str); 4] = [
    (header::SERVER, "Praktijkbron/7.1"),
    (header::SET_COOKIE, "PBSESSION=app03; Path=/; HttpOnly"),
    (header::CONTENT_SECURITY_POLICY, "default-src https://intern.praktijkbron.example"),
    (HeaderName::from_static("x-powered-by"), "Praktijkbron Dispatcher"),
];

/// To an address of this HIS that nobody asks for by himself; who follows is seen in the log.
fn redirect(base: &str) -> Response<AnswerBody> {
    let nothing = Answer { status: StatusCode::TEMPORARY_REDIRECT, ..garbage(Some(Garbage::Html), 0) };
    let mut response = response(nothing, &Faults::default());
    if let Ok(address) = HeaderValue::from_str(&format!("{base}/elders")) {
        response.headers_mut().insert(header::LOCATION, address);
    }
    response
}

/// Serves `/_control` until `stop`: `POST` sets the faults, `GET` answers the request log. For loopback only: it is plain HTTP.
///
/// # Errors
/// When the listener cannot be used.
pub async fn serve_control(
    listener: std::net::TcpListener,
    emulator: Arc<Emulator>,
    stop: CancellationToken,
) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = TcpListener::from_std(listener)?;
    let router = axum::Router::new()
        .route("/_control", get(show_log).post(set_faults))
        .layer(DefaultBodyLimit::max(MAX_CONTROL_BODY))
        .with_state(emulator);
    let serving = axum::serve(listener, router).with_graceful_shutdown(stop.clone().cancelled_owned());
    // Idle control connections do not hold up the end.
    let serving = pin!(serving.into_future());
    stop.run_until_cancelled(serving).await.unwrap_or(Ok(()))
}

async fn show_log(State(emulator): State<Arc<Emulator>>) -> Json<RequestLog> {
    Json(emulator.log())
}

/// Answers the faults as they stand, or 400 and why they were not taken.
async fn set_faults(State(emulator): State<Arc<Emulator>>, body: Bytes) -> AxumResponse {
    match Faults::parse(&body) {
        Ok(faults) => {
            emulator.set_faults(faults);
            Json(faults).into_response()
        }
        Err(error) => (StatusCode::BAD_REQUEST, format!("{error}\n")).into_response(),
    }
}
