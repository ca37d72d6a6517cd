//! The log of what an emulated HIS was asked.

use std::collections::BTreeMap;

use http::request::Parts;
use serde::Serialize;

/// What came in: how many requests, and the last of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RequestLog {
    /// Requests so far, refused ones included; connections that sent none do not count.
    pub count: u64,
    /// The last one.
    pub last: Option<LoggedRequest>,
}

/// One request as it came in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LoggedRequest {
    /// The method.
    pub method: String,
    /// The path, as sent.
    pub path: String,
    /// The query, as sent; empty when there is none.
    pub query: String,
    /// Header names in lower case; values of repeated ones are joined by a comma.
    pub headers: BTreeMap<String, String>,
}

impl RequestLog {
    /// Counts a request and keeps it as the last.
    pub(in crate::sandbox::his) fn note(&mut self, request: &Parts) {
        let mut headers: BTreeMap<String, String> = BTreeMap::new();
        for (name, value) in &request.headers {
            let value = String::from_utf8_lossy(value.as_bytes());
            headers
                .entry(name.as_str().to_owned())
                .and_modify(|all| *all = format!("{all}, {value}"))
                .or_insert_with(|| value.into_owned());
        }
        self.count = self.count.saturating_add(1);
        self.last = Some(LoggedRequest {
            method: request.method.to_string(),
            path: request.uri.path().to_owned(),
            query: request.uri.query().unwrap_or_default().to_owned(),
            headers,
        });
    }
}
