//! A witness of the sandbox: it cosigns the checkpoints of the gateway's audit log (C2SP tlog-witness) and keeps what it saw in
//! the folder of the sandbox, outside of that of the gateway. It is told the key of a log by the first checkpoint that the
//! log itself vouches for, as an operator would register it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response as AxumResponse};
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::audit::checkpoint::Checkpoint;
use crate::audit::keys::LogKeys;
use crate::audit::note::{Cosigner, KeyName, Note};
use crate::audit::tree::{TreeHash, empty_root, verify_consistency};
use crate::clock::SharedClock;
use crate::edge::{Body, Connection, Serve};
use crate::secret::Secret;

/// Where checkpoints are posted.
pub const PATH: &str = "/add-checkpoint";
/// The name of the witness.
const NAME: &str = "witness.localhost/sandbox";
/// Most that is read of a question, in bytes.
const QUESTION_MAX_BYTES: usize = 64 * 1024;
/// "The client MUST NOT send more than 63 consistency proof lines."
const PROOF_MAX: usize = 63;

/// The witness.
#[derive(Clone)]
pub struct Witness(Arc<Inner>);

struct Inner {
    cosigner: Cosigner,
    /// The folder of the sandbox.
    home: PathBuf,
    clock: SharedClock,
    wanted: Mutex<Wanted>,
}

/// What the control may ask.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Wanted {
    /// Answer every question with 503.
    pub down: bool,
    /// Say to be at this size, whatever was seen.
    pub size: Option<u64>,
}

/// A question of a log.
struct Question {
    old: u64,
    proof: Vec<TreeHash>,
    note: String,
}

/// What is said to it.
type Said = Result<String, (StatusCode, String)>;

impl Witness {
    /// A witness that keeps what it saw in `home`. Its key is the same at every start there.
    ///
    /// # Errors
    /// When the folder cannot be used.
    pub fn open(home: &Path, seed: [u8; 32], clock: SharedClock) -> io::Result<Self> {
        std::fs::create_dir_all(home.join("witness-server"))?;
        let name = KeyName::parse(NAME).map_err(io::Error::other)?;
        let cosigner = Cosigner::from_seed(&Secret::new(seed), name);
        Ok(Self(Arc::new(Inner { cosigner, home: home.into(), clock, wanted: Mutex::default() })))
    }

    /// Its public key.
    #[must_use]
    pub fn key(&self) -> String {
        self.0.cosigner.public().to_string()
    }

    /// From now on it behaves so.
    pub fn behave(&self, wanted: Wanted) {
        *self.wanted() = wanted;
    }

    /// The largest checkpoint that it saw of a log.
    #[must_use]
    pub fn seen(&self, log: &str) -> Option<Checkpoint> {
        let note = std::fs::read_to_string(self.0.file(log)).ok()?;
        Checkpoint::open(&note, &[self.0.keys(log)?.present().clone()]).ok()
    }

    fn answer(&self, body: &[u8]) -> Said {
        // One at a time: what is compared is what is replaced.
        let wanted = self.wanted();
        if wanted.down {
            return Err((StatusCode::SERVICE_UNAVAILABLE, String::new()));
        }
        if let Some(size) = wanted.size {
            return Err((StatusCode::CONFLICT, format!("{size}\n")));
        }
        let question = parse(body).ok_or((StatusCode::BAD_REQUEST, String::new()))?;
        self.0.cosign(&question)
    }

    fn wanted(&self) -> MutexGuard<'_, Wanted> {
        self.0.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn cosign(&self, question: &Question) -> Said {
        let refused = |status| (status, String::new());
        let note = Note::parse(&question.note).map_err(|_| refused(StatusCode::BAD_REQUEST))?;
        let origin = question.note.lines().next().unwrap_or_default();
        let keys = self.keys(origin).ok_or(refused(StatusCode::NOT_FOUND))?;
        let trusted = std::slice::from_ref(keys.present());
        let new = Checkpoint::open(&question.note, trusted).map_err(|_| refused(StatusCode::FORBIDDEN))?;
        if question.old > new.size {
            return Err(refused(StatusCode::BAD_REQUEST));
        }
        let seen = std::fs::read_to_string(self.file(origin)).ok().and_then(|note| keys.open(&note).ok());
        let (size, root) = seen.map_or_else(|| (0, empty_root()), |(seen, _)| (seen.size, seen.root));
        if question.old != size || (size == new.size && root != new.root) {
            return Err((StatusCode::CONFLICT, format!("{size}\n")));
        }
        verify_consistency((size, &root), (new.size, &new.root), &question.proof)
            .map_err(|_| refused(StatusCode::UNPROCESSABLE_ENTITY))?;
        self.keep(origin, &question.note).map_err(|_| refused(StatusCode::INTERNAL_SERVER_ERROR))?;
        let time = u64::try_from(self.clock.now().as_second()).unwrap_or_default();
        Ok(format!("{}\n", self.cosigner.cosign(&note, time)))
    }

    fn file(&self, log: &str) -> PathBuf {
        self.home.join("witness-server").join(log)
    }

    fn keep(&self, log: &str, note: &str) -> io::Result<()> {
        let temporary = self.file(&format!("{log}.part"));
        std::fs::write(&temporary, note)?;
        std::fs::rename(temporary, self.file(log))
    }

    /// The keys of a log of this sandbox, whichever node writes it.
    fn keys(&self, log: &str) -> Option<LogKeys> {
        let folders = std::fs::read_dir(&self.home).ok()?.filter_map(Result::ok).map(|entry| entry.path());
        let read = |folder: PathBuf| {
            let text = std::fs::read_to_string(folder.join("audit/verifier-keys")).ok()?;
            LogKeys::parse(&text).ok().filter(|keys| keys.name().as_str() == log)
        };
        folders.filter_map(read).next()
    }
}

fn parse(body: &[u8]) -> Option<Question> {
    let text = std::str::from_utf8(body).ok()?;
    let (head, note) = text.split_once("\n\n")?;
    let mut lines = head.split('\n');
    let old = lines.next()?.strip_prefix("old ")?.parse().ok()?;
    let hash = |line: &str| STANDARD.decode(line).ok()?.try_into().ok();
    let proof = lines.map(hash).collect::<Option<Vec<TreeHash>>>()?;
    (proof.len() <= PROOF_MAX).then(|| Question { old, proof, note: note.to_owned() })
}

impl Serve for Witness {
    async fn serve(&self, request: Request<Incoming>, _: &Arc<Connection>) -> Response<Body> {
        let asked = request.method() == Method::POST && request.uri().path() == PATH;
        let body = Limited::new(request.into_body(), QUESTION_MAX_BYTES).collect().await;
        let said = match body {
            _ if !asked => Err((StatusCode::METHOD_NOT_ALLOWED, String::new())),
            Ok(body) => self.answer(&body.to_bytes()),
            Err(_) => Err((StatusCode::PAYLOAD_TOO_LARGE, String::new())),
        };
        let (status, text) = match said {
            Ok(text) => (StatusCode::OK, text),
            Err(said) => said,
        };
        let mut response = Response::new(Body::full(text.into()));
        *response.status_mut() = status;
        response
    }
}

/// Serves `/_control` until `stop`: `GET` shows how it behaves, `POST {"down": true}` or `{"size": 100000}` changes that, and
/// `POST {}` makes it a working witness again. For loopback only: it is plain HTTP.
///
/// # Errors
/// When the listener cannot be used.
pub async fn serve_control(
    listener: std::net::TcpListener,
    witness: Witness,
    stop: CancellationToken,
) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let router = axum::Router::new().route("/_control", get(show).post(set)).with_state(witness);
    let serving = axum::serve(listener, router).with_graceful_shutdown(stop.clone().cancelled_owned());
    // Idle control connections do not hold up the end.
    let serving = std::pin::pin!(serving.into_future());
    stop.run_until_cancelled(serving).await.unwrap_or(Ok(()))
}

async fn show(State(witness): State<Witness>) -> Json<Wanted> {
    Json(*witness.wanted())
}

async fn set(State(witness): State<Witness>, body: Bytes) -> AxumResponse {
    match serde_json::from_slice::<Wanted>(&body) {
        Ok(wanted) => {
            witness.behave(wanted);
            Json(wanted).into_response()
        }
        Err(error) => (StatusCode::BAD_REQUEST, format!("{error}\n")).into_response(),
    }
}
