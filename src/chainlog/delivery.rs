//! From the spool to the central log component: one batch after the other, oldest first, over mutual TLS, again and again
//! until it is taken.

use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, StatusCode, Url, header};
use serde_json::value::RawValue;
use tokio_util::sync::CancellationToken;

use super::counts::{Counts, add};
use super::line::WORDS;
use super::queue::QueuedLog;
use super::spool::{Batch, Batches};
use crate::secret::{Secret, random};

/// How long one delivery may take.
const DEADLINE: Duration = Duration::from_secs(30);
/// How long the last attempt at the end of the process may take; what is not delivered then waits for the next start.
const LAST_DEADLINE: Duration = Duration::from_secs(5);
/// Bytes of a body before its lines, and behind them.
const HEAD_BYTES: usize = 128;
/// Longest pause between two attempts.
const PAUSE_MAX: Duration = Duration::from_secs(300);

/// Where batches go.
#[derive(Debug)]
pub struct Target {
    /// A client with our certificate and the roots of the component.
    pub client: Client,
    /// Where to post.
    pub url: Url,
    /// User and password for basic authentication, when the component asks for them: `user:password`.
    pub credentials: Option<Secret<String>>,
}

/// The URL of the configuration cannot be posted to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the URL of the central log component is not an https URL with a host")]
pub struct TargetError;

impl Target {
    /// A target at `url`.
    ///
    /// # Errors
    /// When `url` is not https.
    pub fn new(client: Client, url: &str, credentials: Option<Secret<String>>) -> Result<Self, TargetError> {
        let url = Url::parse(url).ok().filter(|url| url.scheme() == "https" && url.has_host()).ok_or(TargetError)?;
        Ok(Self { client, url, credentials })
    }

    /// Posts a batch.
    async fn post(&self, id: String, body: Vec<u8>) -> Verdict {
        let request = self.client.post(self.url.clone()).header(header::CONTENT_TYPE, "application/json");
        let request = request.header("Idempotency-Key", id).body(body);
        let request = match self.credentials.as_ref().and_then(|pair| pair.reveal().split_once(':')) {
            Some((user, password)) => request.basic_auth(user, Some(password)),
            None => request,
        };
        match tokio::time::timeout(DEADLINE, request.send()).await {
            Ok(Ok(answer)) => Verdict::of(answer.status()),
            Ok(Err(_)) | Err(_) => Verdict::Later(None),
        }
    }
}

/// What the component said of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Taken,
    /// It will never be taken as it is.
    Refused(u16),
    /// Not now; the status when there was an answer.
    Later(Option<u16>),
}

impl Verdict {
    fn of(status: StatusCode) -> Self {
        match status.as_u16() {
            200..=299 => Self::Taken,
            refused @ (400 | 413 | 415 | 422) => Self::Refused(refused),
            other => Self::Later(Some(other)),
        }
    }
}

/// Delivers what is spooled.
pub struct Delivery {
    /// The spool.
    pub batches: Arc<Batches>,
    /// Where to.
    pub target: Target,
    /// First pause after a failure; it doubles with each further one.
    pub pause: Duration,
    /// Where to count.
    pub counts: Arc<Counts>,
}

impl Delivery {
    /// Delivers until `stop`.
    pub async fn run(&self, stop: CancellationToken) {
        let mut failures = 0;
        let delivering = async {
            loop {
                if self.deliver_all().await {
                    failures = 0;
                    self.batches.arrived().await;
                } else {
                    failures += 1;
                    tokio::time::sleep(pause(self.pause, failures)).await;
                }
            }
        };
        stop.run_until_cancelled(delivering).await;
        self.batches.put_back();
    }

    /// Spools what is queued and makes one last attempt to deliver it.
    pub async fn finish(&self, log: Arc<QueuedLog>) {
        // It waits for the disk. Should it not end well, the files are found at the next start.
        let _ = tokio::task::spawn_blocking(move || log.close()).await;
        if tokio::time::timeout(LAST_DEADLINE, self.deliver_all()).await != Ok(true) {
            tracing::warn!(bytes = self.batches.bytes(), "lines of the chain log wait for the next start");
        }
    }

    /// Delivers batch after batch; whether none is left.
    async fn deliver_all(&self) -> bool {
        while let Some(batch) = self.batches.take() {
            if !self.deliver(batch).await {
                self.batches.put_back();
                return false;
            }
        }
        true
    }

    /// Delivers one; whether it is out of the way.
    async fn deliver(&self, batch: Batch) -> bool {
        let id = batch.id.to_string();
        let content = self.at_the_disk(move |batches| batches.read(&batch)).await;
        let is_sound = |content: &[u8]| batch.sound && content.len() as u64 == batch.bytes;
        let Ok(Some(body)) = content.map(|content| body(&id, &content, is_sound(&content))) else {
            add(&self.counts.dropped_at_spool, batch.lines);
            tracing::error!(batch = id, lines = batch.lines, "lines of the chain log are lost: a batch cannot be read");
            return self.at_the_disk(move |batches| batches.remove(&batch)).await.is_ok();
        };
        match self.target.post(id.clone(), body).await {
            Verdict::Taken => {
                add(&self.counts.delivered, batch.lines);
                self.at_the_disk(move |batches| batches.remove(&batch)).await.is_ok()
            }
            Verdict::Refused(status) => {
                add(&self.counts.refused, 1);
                tracing::error!(batch = id, status, "the central log component refused a batch; it is set aside");
                self.at_the_disk(move |batches| batches.set_aside(&batch)).await.is_ok()
            }
            Verdict::Later(status) => {
                tracing::warn!(status, "the central log component does not take the chain log; it is tried again");
                false
            }
        }
    }

    async fn at_the_disk<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Batches) -> std::io::Result<T> + Send + 'static,
    ) -> std::io::Result<T> {
        let batches = Arc::clone(&self.batches);
        tokio::task::spawn_blocking(move || work(&batches)).await.map_err(std::io::Error::other)?
    }
}

/// `{"aanlevering": id, "logregels": [..]}`; `None` when a line is no JSON. Those of a `sound` batch are not read again: that
/// took three quarters of the time of the delivery.
fn body(id: &str, content: &[u8], sound: bool) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(content).ok()?;
    let is_json = |line: &str| serde_json::from_str::<&RawValue>(line).is_ok();
    if !sound && !text.lines().all(is_json) {
        return None;
    }
    let mut body = Vec::with_capacity(content.len() + HEAD_BYTES);
    for part in ["{\"", WORDS.batch, "\":", &serde_json::to_string(id).ok()?, ",\"", WORDS.lines, "\":["] {
        body.extend_from_slice(part.as_bytes());
    }
    let lines = body.len();
    body.extend_from_slice(text.strip_suffix('\n').unwrap_or(text).as_bytes());
    // No line break stands in a line of JSON.
    body.iter_mut().skip(lines).filter(|byte| **byte == b'\n').for_each(|byte| *byte = b',');
    body.extend_from_slice(b"]}");
    Some(body)
}

/// Doubles with each failure, up to 5 minutes; a random part of a quarter keeps many nodes apart.
fn pause(first: Duration, failures: u32) -> Duration {
    let doubled = first.saturating_mul(1_u32.checked_shl(failures.saturating_sub(1).min(20)).unwrap_or(u32::MAX));
    let pause = doubled.min(PAUSE_MAX);
    let [part] = random::<1>();
    pause - pause / 4 * u32::from(part) / 255
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_doubles_and_ends_at_five_minutes() {
        let first = Duration::from_secs(5);
        for (failures, full) in [(1, 5), (2, 10), (3, 20), (6, 160), (7, 300), (60, 300)] {
            let full = Duration::from_secs(full);
            let found = pause(first, failures);
            assert!(found <= full && found >= full * 3 / 4, "{failures}: {found:?}");
        }
    }

    #[test]
    fn a_batch_is_one_object_with_its_lines_as_they_are() {
        for sound in [true, false] {
            let text = body("an-id", b"{\"a\":1.50}\n{\"b\":2}\n", sound).unwrap();
            assert_eq!(String::from_utf8(text).unwrap(), r#"{"aanlevering":"an-id","logregels":[{"a":1.50},{"b":2}]}"#);
            let none = body("an-id", b"", sound).unwrap();
            assert_eq!(String::from_utf8(none).unwrap(), r#"{"aanlevering":"an-id","logregels":[]}"#);
        }
        assert_eq!(body("an-id", b"{\"a\":1}\n{\"b\":{}", false), None);
    }

    #[test]
    fn only_what_cannot_get_better_is_set_aside() {
        for (status, verdict) in [
            (200, Verdict::Taken),
            (202, Verdict::Taken),
            (302, Verdict::Later(Some(302))),
            (400, Verdict::Refused(400)),
            (401, Verdict::Later(Some(401))),
            (403, Verdict::Later(Some(403))),
            (413, Verdict::Refused(413)),
            (422, Verdict::Refused(422)),
            (429, Verdict::Later(Some(429))),
            (503, Verdict::Later(Some(503))),
        ] {
            assert_eq!(Verdict::of(StatusCode::from_u16(status).unwrap()), verdict, "{status}");
        }
    }

    #[test]
    fn batches_leave_over_tls_only() {
        assert_eq!(Target::new(Client::new(), "http://a.example/logs", None).err(), Some(TargetError));
        assert!(Target::new(Client::new(), "https://a.example/logs", None).is_ok());
    }
}
