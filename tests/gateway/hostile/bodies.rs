//! Bodies that are too large, and bodies that are announced and never come.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::Method;
use http_body::Frame;
use inzage::tls::ALPN_HTTP1;

use super::doors::{Door, status};
use crate::harness::{Gateway, Session, send, text};

const DELINDE: &str = "huisarts.delinde@medmij";
const FORM: &str = "application/x-www-form-urlencoded";
/// The limits of the token endpoint, of a search by POST, and of the smallest bundle that may be configured.
const TOKEN_FORM: usize = 16 * 1024;
const SEARCH_FORM: usize = 64 * 1024;
const BUNDLE: usize = 64 * 1024;

/// Posts `length` octets, announced or in chunks.
async fn post(session: &Session, url: &str, kind: &str, length: usize, announced: bool) -> u16 {
    let octets = Bytes::from(vec![b'a'; length]);
    let body = if announced {
        reqwest::Body::from(octets)
    } else {
        reqwest::Body::wrap(Pieces([octets.slice(..length / 2), octets.slice(length / 2..)].into()))
    };
    let asking = session.bare(Method::POST, url).bearer_auth(&session.token.access_token);
    send(asking.header("content-type", kind).body(body)).await.status.as_u16()
}

/// Octets of which nobody says beforehand how many there are.
struct Pieces(VecDeque<Bytes>);

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Poll::Ready(self.0.pop_front().map(|octets| Ok(Frame::data(octets))))
    }
}

#[tokio::test]
async fn case_80_a_body_of_one_byte_over_the_limit() {
    let gateway = Gateway::start_with(&format!("[release]\nsubmit_limit_bytes = {BUNDLE}\n")).await;
    let session = gateway.session(DELINDE, &gateway.patient()).await;
    let sharing = gateway.session_of("53", DELINDE, &gateway.patient()).await;
    let search = format!("{}/Encounter/_search", session.base());
    for (owner, url, kind, limit) in [
        (&session, session.endpoints.token.as_str(), FORM, TOKEN_FORM),
        (&session, &search, FORM, SEARCH_FORM),
        (&sharing, sharing.base(), "application/fhir+json", BUNDLE),
    ] {
        for announced in [true, false] {
            assert_eq!(post(owner, url, kind, limit + 1, announced).await, 413, "{url} {announced}");
            assert_ne!(post(owner, url, kind, limit, announced).await, 413, "{url} {announced}");
        }
    }
    gateway.stop().await;
}

/// Who announces too much need not send it: nothing is waited for, and nothing is kept.
#[tokio::test]
async fn case_80_a_body_that_is_announced_too_large_is_not_waited_for() {
    let gateway = Gateway::start().await;
    let door = Door::back(&gateway, ALPN_HTTP1);
    for length in [64 * 1024 + 1, 1_000_000_000_000_u64] {
        let request = format!(
            "POST /oauth/token HTTP/1.1\r\nhost: {}\r\ncontent-type: {FORM}\r\ncontent-length: {length}\r\n\r\n",
            door.authority()
        );
        assert_eq!(status(&door.raw(request).await), 413, "{length}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn case_81_who_expects_to_go_on_and_does_not() {
    let gateway = Gateway::start_with("[edge]\nheader_timeout_ms = 300\n").await;
    let door = Door::back(&gateway, ALPN_HTTP1);
    let request = format!(
        "POST /oauth/token HTTP/1.1\r\nhost: {}\r\ncontent-type: {FORM}\r\ncontent-length: 100\r\n\
         expect: 100-continue\r\n\r\n",
        door.authority()
    );
    let answer = door.raw(request).await;
    let after = answer.strip_prefix("HTTP/1.1 100 Continue\r\n\r\n").unwrap_or(&answer);
    assert_eq!(status(after), 400, "the connection ended with {answer}");
    let session = gateway.session(DELINDE, &gateway.patient()).await;
    let reply = session.get("Encounter").await;
    assert_eq!(reply.status, 200, "{}", text(&reply));
    gateway.stop().await;
}
