//! The list publisher: a stand-in for the Stelselnode. It serves the four lists to anybody with a certificate of the sandbox,
//! sends a list only to who does not have it yet, and can be made to misbehave.

use std::collections::HashMap;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use arc_swap::{ArcSwap, ArcSwapOption};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body::{Body as HttpBody, Frame};
use hyper::body::Incoming;

use crate::edge::{Body, Connection, Serve};
use crate::lists::ListKind;
use crate::secret::sha256;

/// The published lists; they can be replaced while it runs.
#[derive(Clone, Default)]
pub struct Publisher {
    lists: Arc<ArcSwap<HashMap<&'static str, Published>>>,
    trouble: Arc<ArcSwapOption<Trouble>>,
    sent: Arc<AtomicU64>,
}

#[derive(Debug)]
struct Published {
    text: Bytes,
    tag: HeaderValue,
}

/// How it misbehaves, whatever is asked.
#[derive(Debug, Clone)]
pub enum Trouble {
    /// It answers with this status and nothing else.
    Status(StatusCode),
    /// It sends everybody to another place.
    Redirect(HeaderValue),
    /// It sends a list that does not end.
    Endless,
}

impl Publisher {
    /// Publishes these texts.
    pub fn publish(&self, texts: impl IntoIterator<Item = (ListKind, String)>) {
        let published = |(kind, text): (ListKind, String)| (kind.file_name(), Published::new(text));
        self.lists.store(Arc::new(texts.into_iter().map(published).collect()));
    }

    /// Misbehaves from now on, or no longer.
    pub fn misbehave(&self, trouble: Option<Trouble>) {
        self.trouble.store(trouble.map(Arc::new));
    }

    /// How many lists were sent whole so far.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    fn answer(&self, request: &Request<Incoming>) -> Response<Body> {
        let name = request.uri().path().trim_start_matches('/');
        let lists = self.lists.load();
        let Some(found) = lists.get(name).filter(|_| request.method() == Method::GET) else {
            return status(StatusCode::NOT_FOUND);
        };
        // RFC 9110 section 13.1.2; a tag of ours is never weak and comes alone.
        let known = request.headers().get(header::IF_NONE_MATCH) == Some(&found.tag);
        if !known {
            self.sent.fetch_add(1, Ordering::Relaxed);
        }
        let mut response =
            if known { status(StatusCode::NOT_MODIFIED) } else { Response::new(Body::full(found.text.clone())) };
        name_content(response.headers_mut(), &found.tag);
        response
    }
}

impl Published {
    fn new(text: String) -> Self {
        let digest: String = sha256(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
        let tag = HeaderValue::try_from(format!("\"{digest}\"")).expect("hexadecimal digits are a header value");
        Self { text: text.into(), tag }
    }
}

impl Serve for Publisher {
    async fn serve(&self, request: Request<Incoming>, _connection: &Arc<Connection>) -> Response<Body> {
        self.trouble.load_full().map_or_else(|| self.answer(&request), |trouble| trouble.answer())
    }
}

impl Trouble {
    fn answer(&self) -> Response<Body> {
        match self {
            Self::Status(code) => status(*code),
            Self::Redirect(target) => {
                let mut response = status(StatusCode::MOVED_PERMANENTLY);
                response.headers_mut().insert(header::LOCATION, target.clone());
                response
            }
            Self::Endless => Response::new(Body::axum(axum::body::Body::new(Endless))),
        }
    }
}

/// A list that begins well and goes on in blanks.
struct Endless;

impl HttpBody for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&[b' '; 64 * 1024])))))
    }
}

fn status(code: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = code;
    response
}

fn name_content(headers: &mut HeaderMap, tag: &HeaderValue) {
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/xml; charset=utf-8"));
    headers.insert(header::ETAG, tag.clone());
}
