//! The lists over https, from their publisher.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use jiff::{SignedDuration, Timestamp};
use reqwest::header::{self, HeaderName};
use reqwest::{Client, RequestBuilder, Response, StatusCode, Url};

use super::port::{Fetched, ListSource, SourceError, SourceFuture, Validator};
use super::{ListKind, MAX_LIST_BYTES, PerList};
use crate::background;

/// How long one list may take, from connection to last byte.
const DEADLINE: Duration = Duration::from_secs(30);
/// The longest mark that is kept, in bytes.
const MAX_VALIDATOR_BYTES: usize = 256;

/// Fetches each list from a URL of its own.
#[derive(Debug, Clone)]
pub struct HttpsSource {
    client: Client,
    urls: PerList<Url>,
}

/// The configuration names something that is not an https URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the URL of the {list} is not an https URL with a host, without user information and fragment")]
pub struct HttpsSourceError {
    /// Of which list.
    pub list: ListKind,
}

impl HttpsSource {
    /// A source over a client that holds our certificate, trusts only the publisher's roots and follows no redirect.
    ///
    /// # Errors
    /// When a URL is not https, or names a user or fragment.
    pub fn new(client: Client, urls: &PerList<String>) -> Result<Self, HttpsSourceError> {
        let urls = PerList::try_from_fn(|list| parse_url(urls.of(list)).ok_or(HttpsSourceError { list }))?;
        Ok(Self { client, urls })
    }

    async fn read(&self, list: ListKind, held: Option<&Validator>) -> Result<Fetched, SourceError> {
        let request = conditional(self.client.get(self.urls.of(list).clone()), held);
        let answer = request.send().await.map_err(|error| sort(&error))?;
        // A client that was made to follow redirects anyway has left the URL; what it brings back is not taken.
        if answer.url() != self.urls.of(list) {
            return Err(SourceError::Redirected);
        }
        match answer.status() {
            StatusCode::OK => {
                let validator = validator(&answer);
                Ok(Fetched::List { bytes: read_body(answer).await?, validator })
            }
            // It answers a condition, so without one it means nothing (RFC 9110 section 15.4.5).
            StatusCode::NOT_MODIFIED if held.is_some() => Ok(Fetched::NotModified),
            status if status.is_redirection() && status != StatusCode::NOT_MODIFIED => Err(SourceError::Redirected),
            status => Err(SourceError::Status { status: status.as_u16() }),
        }
    }
}

impl ListSource for HttpsSource {
    fn fetch<'a>(&'a self, list: ListKind, held: Option<&'a Validator>) -> SourceFuture<'a> {
        let read = self.read(list, held);
        Box::pin(async move { tokio::time::timeout(DEADLINE, read).await.unwrap_or(Err(SourceError::TimedOut)) })
    }
}

/// Asks for the list only if it is another one (RFC 9110 section 13.1).
fn conditional(request: RequestBuilder, held: Option<&Validator>) -> RequestBuilder {
    match held {
        Some(Validator::EntityTag(tag)) => request.header(header::IF_NONE_MATCH, &**tag),
        Some(Validator::LastModified(moment)) => request.header(header::IF_MODIFIED_SINCE, &**moment),
        None => request,
    }
}

/// The mark of what was given: its entity tag, or else when it was modified.
fn validator(answer: &Response) -> Option<Validator> {
    match field(answer, &header::ETAG) {
        Some(tag) => Some(Validator::EntityTag(tag.into())),
        None => last_modified(answer).map(|moment| Validator::LastModified(moment.into())),
    }
}

/// A moment has a resolution of a second, so it marks a content only when the answer was made in a later one (RFC 9110
/// section 8.8.2.2).
fn last_modified(answer: &Response) -> Option<&str> {
    let modified = field(answer, &header::LAST_MODIFIED)?;
    let age = http_date(field(answer, &header::DATE)?)?.duration_since(http_date(modified)?);
    (age >= SignedDuration::from_secs(1)).then_some(modified)
}

fn field<'a>(answer: &'a Response, name: &HeaderName) -> Option<&'a str> {
    let text = answer.headers().get(name)?.to_str().ok()?;
    (text.len() <= MAX_VALIDATOR_BYTES).then_some(text)
}

fn http_date(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::parse(text).ok().map(|moment| moment.timestamp())
}

async fn read_body(mut answer: Response) -> Result<Bytes, SourceError> {
    let limit = u64::try_from(MAX_LIST_BYTES).unwrap_or(u64::MAX);
    let announced = answer.content_length().unwrap_or_default();
    if announced > limit {
        return Err(SourceError::TooLarge);
    }
    // Grown by doubling, a list would take up to twice its size, and be copied as often.
    let mut body = BytesMut::with_capacity(usize::try_from(announced).unwrap_or_default());
    while let Some(chunk) = answer.chunk().await.map_err(|error| sort(&error))? {
        if body.len().saturating_add(chunk.len()) > MAX_LIST_BYTES {
            return Err(SourceError::TooLarge);
        }
        body.extend_from_slice(&chunk);
        background::breathe();
    }
    Ok(body.freeze())
}

fn sort(error: &reqwest::Error) -> SourceError {
    if error.is_timeout() {
        SourceError::TimedOut
    } else if error.is_redirect() {
        SourceError::Redirected
    } else {
        SourceError::Unreachable
    }
}

fn parse_url(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    (url.scheme() == "https" && url.has_host() && plain).then_some(url)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    /// A publisher that gives one answer, byte for byte, to one request and then closes.
    async fn publisher(answer: impl Into<Vec<u8>>) -> HttpsSource {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}/list?api=2", listener.local_addr().unwrap())).unwrap();
        let answer = answer.into();
        tokio::spawn(async move {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut request = [0; 1024];
            let length = socket.read(&mut request).await.unwrap();
            assert!(request[..length].starts_with(b"GET /list?api=2 HTTP/1.1\r\n"));
            let request = String::from_utf8_lossy(&request[..length]).to_ascii_lowercase();
            let answer = if request.contains("if-none-match: w/\"7\"") { NOT_MODIFIED.into() } else { answer };
            // The client may have gone when it has seen enough.
            let _ = socket.write_all(&answer).await;
        });
        source_of(url)
    }

    /// Transport security is the client's; these tests are about what is done with answers, so they run without.
    fn source_of(url: Url) -> HttpsSource {
        let client = Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap();
        let urls = PerList { zal: url.clone(), ocl: url.clone(), whl: url.clone(), gnl: url };
        HttpsSource { client, urls }
    }

    const NOT_MODIFIED: &str = "HTTP/1.1 304 Not Modified\r\n\r\n";

    /// What is kept of a list that came with these header fields.
    async fn kept_with(fields: &str) -> Option<Validator> {
        let source = publisher(format!("HTTP/1.1 200 OK\r\n{fields}Content-Length: 4\r\n\r\n<a/>")).await;
        match source.fetch(ListKind::Whl, None).await {
            Ok(Fetched::List { bytes, validator }) if *bytes == *b"<a/>" => validator,
            other => panic!("{other:?} with {fields}"),
        }
    }

    #[tokio::test]
    async fn a_list_is_the_body_of_a_200() {
        assert_eq!(kept_with("").await, None);
    }

    #[tokio::test]
    async fn the_mark_of_a_list_is_its_tag_or_else_a_moment_that_is_over() {
        let date = "Date: Mon, 02 Mar 2026 09:00:00 GMT\r\n";
        let modified = |second: &str| format!("{date}Last-Modified: Mon, 02 Mar 2026 {second} GMT\r\n");
        let tag = Some(Validator::EntityTag("W/\"7\"".into()));
        assert_eq!(kept_with(&format!("ETag: W/\"7\"\r\n{}", modified("08:59:59"))).await, tag);
        let moment = Some(Validator::LastModified("Mon, 02 Mar 2026 08:59:59 GMT".into()));
        assert_eq!(kept_with(&modified("08:59:59")).await, moment);
        for unusable in [
            modified("09:00:00"),
            "Last-Modified: Mon, 02 Mar 2026 08:59:59 GMT\r\n".to_owned(),
            format!("{date}Last-Modified: yesterday\r\n"),
            format!("ETag: \"{}\"\r\n", "7".repeat(MAX_VALIDATOR_BYTES)),
        ] {
            assert_eq!(kept_with(&unusable).await, None, "{unusable}");
        }
    }

    #[tokio::test]
    async fn the_list_that_is_held_is_not_given_again() {
        let held = Validator::EntityTag("W/\"7\"".into());
        let source = publisher("HTTP/1.1 500 X\r\nContent-Length: 0\r\n\r\n").await;
        assert_eq!(source.fetch(ListKind::Whl, Some(&held)).await, Ok(Fetched::NotModified));
        let unasked = publisher(NOT_MODIFIED).await.fetch(ListKind::Whl, None).await;
        assert_eq!(unasked, Err(SourceError::Status { status: 304 }));
        let since = Validator::LastModified("Mon, 02 Mar 2026 08:59:59 GMT".into());
        let request = conditional(source.client.get("http://127.0.0.1/"), Some(&since)).build().unwrap();
        assert_eq!(request.headers()[header::IF_MODIFIED_SINCE], "Mon, 02 Mar 2026 08:59:59 GMT");
    }

    #[tokio::test]
    async fn no_redirect_is_followed() {
        for status in ["301 Moved Permanently", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"] {
            let answer = format!("HTTP/1.1 {status}\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n");
            assert_eq!(
                publisher(answer).await.fetch(ListKind::Zal, None).await,
                Err(SourceError::Redirected),
                "{status}"
            );
        }
    }

    #[tokio::test]
    async fn any_other_status_is_an_error() {
        for status in [204, 206, 304, 404, 500, 503] {
            let answer = format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n");
            let expected = Err(SourceError::Status { status });
            assert_eq!(publisher(answer).await.fetch(ListKind::Zal, None).await, expected, "{status}");
        }
    }

    #[tokio::test]
    async fn a_broken_answer_is_no_list() {
        let source = publisher("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n<a/>").await;
        assert_eq!(source.fetch(ListKind::Gnl, None).await, Err(SourceError::Unreachable));
    }

    #[tokio::test]
    async fn a_list_over_the_limit_is_cut_off_announced_or_not() {
        let announced = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", MAX_LIST_BYTES + 1);
        assert_eq!(publisher(announced).await.fetch(ListKind::Zal, None).await, Err(SourceError::TooLarge));
        let mut endless = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n".to_vec();
        endless.resize(endless.len() + MAX_LIST_BYTES + 1, b' ');
        assert_eq!(publisher(endless).await.fetch(ListKind::Zal, None).await, Err(SourceError::TooLarge));
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_publisher_is_left_after_the_deadline() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}/list", listener.local_addr().unwrap())).unwrap();
        assert_eq!(source_of(url).fetch(ListKind::Ocl, None).await, Err(SourceError::TimedOut));
    }

    #[test]
    fn only_plain_https_urls_are_taken() {
        let urls = |whl: &str| PerList {
            zal: "https://lists.example/zal?api=2".to_owned(),
            ocl: "https://lists.example/ocl".to_owned(),
            whl: whl.to_owned(),
            gnl: "https://lists.example:8443/gnl".to_owned(),
        };
        assert!(HttpsSource::new(Client::new(), &urls("https://lists.example/whl")).is_ok());
        for wrong in ["http://lists.example/whl", "file:///whl", "whl", "https://me@lists.example/", "https://a.nl/#b"]
        {
            let error = HttpsSource::new(Client::new(), &urls(wrong)).unwrap_err();
            assert_eq!(error, HttpsSourceError { list: ListKind::Whl }, "{wrong}");
        }
    }
}
