//! The list publisher: a stand-in for the Stelselnode. It serves the four lists to anybody with a certificate of the sandbox.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use hyper::body::Incoming;

use crate::edge::{Body, Connection, Serve};
use crate::lists::ListKind;

/// The published lists; they can be replaced while it runs.
#[derive(Clone, Default)]
pub struct Publisher {
    lists: Arc<ArcSwap<HashMap<&'static str, Bytes>>>,
}

impl Publisher {
    /// Publishes these texts.
    pub fn publish(&self, texts: impl IntoIterator<Item = (ListKind, String)>) {
        let texts = texts.into_iter().map(|(kind, text)| (kind.file_name(), Bytes::from(text)));
        self.lists.store(Arc::new(texts.collect()));
    }
}

impl Serve for Publisher {
    async fn serve(&self, request: Request<Incoming>, _connection: &Arc<Connection>) -> Response<Body> {
        let name = request.uri().path().trim_start_matches('/');
        let lists = self.lists.load();
        let found = lists.get(name).filter(|_| request.method() == Method::GET);
        let mut response = Response::new(found.map_or_else(Body::empty, |text| Body::full(text.clone())));
        if found.is_some() {
            response
                .headers_mut()
                .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/xml; charset=utf-8"));
        } else {
            *response.status_mut() = StatusCode::NOT_FOUND;
        }
        response
    }
}
