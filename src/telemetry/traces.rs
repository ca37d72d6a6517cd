//! Traces to a collector: OTLP over HTTP, as JSON (<https://opentelemetry.io/docs/specs/otlp/>, "JSON Protobuf Encoding"), to an
//! agent on this machine, which passes them on over TLS. Off unless the configuration names the agent.
//!
//! The form is a few fields of JSON, so it is written here: the libraries for it bring an HTTP client of their own, which takes
//! proxies from the environment and trusts the roots of the machine, and three crates that must move in step. A span holds what a
//! [`Passage`] holds, and so by type no person.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::Serialize;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::medmij::Hostname;
use crate::secret::random_id;
use crate::trace::{Passage, Step, TraceContext};

/// Requests that wait to be sent; more are dropped and counted.
const QUEUE_MAX: usize = 2_048;
/// Requests in one call.
const BATCH_MAX: usize = 256;
/// How long they gather.
const GATHER: Duration = Duration::from_secs(1);
/// How long the agent may take.
const DEADLINE: Duration = Duration::from_secs(5);

/// Where spans go, and which.
#[derive(Debug)]
pub struct Traces {
    queue: mpsc::Sender<Answered>,
    percent: u8,
    counts: Arc<TraceCounts>,
}

/// What became of the requests that were to be kept.
#[derive(Debug, Default)]
pub struct TraceCounts {
    /// Taken by the agent.
    pub sent: AtomicU64,
    /// There was no room in the queue.
    pub dropped: AtomicU64,
    /// The agent did not take them.
    pub refused: AtomicU64,
}

/// An answered request.
#[derive(Debug)]
pub struct Answered {
    /// What was observed of it.
    pub passage: Arc<Passage>,
    /// The listener.
    pub face: &'static str,
    /// The route.
    pub route: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// How long it took.
    pub took: Duration,
}

/// The other end of the queue.
#[derive(Debug)]
pub struct Sending {
    queue: mpsc::Receiver<Answered>,
    agent: SocketAddr,
    node: String,
    counts: Arc<TraceCounts>,
}

impl Traces {
    /// Of the traces that begin here `percent` in 100 are kept; of those that a caller brings, the ones that it keeps itself.
    #[must_use]
    pub fn to(agent: SocketAddr, percent: u8, node: &str) -> (Arc<Self>, Sending) {
        let (sender, receiver) = mpsc::channel(QUEUE_MAX);
        let counts = Arc::new(TraceCounts::default());
        let sending = Sending { queue: receiver, agent, node: node.to_owned(), counts: Arc::clone(&counts) };
        (Arc::new(Self { queue: sender, percent, counts }), sending)
    }

    /// What became of them so far.
    #[must_use]
    pub fn counts(&self) -> &TraceCounts {
        &self.counts
    }

    /// Whether a request is kept.
    #[must_use]
    pub fn keeps(&self, context: &TraceContext) -> bool {
        if context.parent().is_some() {
            return context.is_sampled();
        }
        let [.., a, b, c, d] = context.trace().bytes();
        // The last bytes of an id of ours are random.
        u64::from(u32::from_be_bytes([a, b, c, d])) * 100 < u64::from(self.percent) << 32
    }

    /// Hands a request over. Never waits.
    pub fn note(&self, answered: Answered) {
        if self.queue.try_send(answered).is_err() {
            self.counts.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Sending {
    /// Sends until `stop`, and then what is left, once.
    pub async fn run(mut self, stop: CancellationToken) {
        let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
        let Ok(client) = client.timeout(DEADLINE).build() else {
            tracing::error!("traces cannot be sent");
            return;
        };
        let (url, mut well) = (format!("http://{}/v1/traces", self.agent), true);
        loop {
            let goes_on = stop.run_until_cancelled(tokio::time::sleep(GATHER)).await.is_some();
            while let Some(batch) = self.batch() {
                let taken = self.send(&client, &url, &batch).await;
                let count = if taken { &self.counts.sent } else { &self.counts.refused };
                count.fetch_add(u64::try_from(batch.len()).unwrap_or(u64::MAX), Ordering::Relaxed);
                if std::mem::replace(&mut well, taken) && !taken {
                    tracing::warn!("the agent does not take traces; they are counted as refused");
                }
            }
            if !goes_on {
                return;
            }
        }
    }

    fn batch(&mut self) -> Option<Vec<Answered>> {
        let first = self.queue.try_recv().ok()?;
        let mut batch = vec![first];
        while batch.len() < BATCH_MAX
            && let Ok(next) = self.queue.try_recv()
        {
            batch.push(next);
        }
        Some(batch)
    }

    async fn send(&self, client: &reqwest::Client, url: &str, batch: &[Answered]) -> bool {
        let answer = client.post(url).json(&export(&self.node, batch)).send().await;
        answer.is_ok_and(|answer| answer.status().is_success())
    }
}

/// `ExportTraceServiceRequest`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Export {
    resource_spans: [ResourceSpans; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResourceSpans {
    resource: Resource,
    scope_spans: [ScopeSpans; 1],
}

#[derive(Serialize)]
struct Resource {
    attributes: Vec<Attribute>,
}

#[derive(Serialize)]
struct ScopeSpans {
    scope: Scope,
    spans: Vec<Span>,
}

#[derive(Serialize)]
struct Scope {
    name: &'static str,
}

/// `Span`; ids are hexadecimal, and 64-bit numbers are strings.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Span {
    trace_id: String,
    span_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_span_id: Option<String>,
    name: &'static str,
    /// 1: internal, 2: server.
    kind: u8,
    start_time_unix_nano: String,
    end_time_unix_nano: String,
    attributes: Vec<Attribute>,
    status: Status,
}

/// 0: unset, 2: error.
#[derive(Serialize)]
struct Status {
    code: u8,
}

#[derive(Serialize)]
struct Attribute {
    key: &'static str,
    value: AttributeValue,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum AttributeValue {
    StringValue(String),
    IntValue(String),
}

fn text(key: &'static str, value: impl Into<String>) -> Attribute {
    Attribute { key, value: AttributeValue::StringValue(value.into()) }
}

fn export(node: &str, batch: &[Answered]) -> Export {
    let attributes = vec![
        text("service.name", "inzage"),
        text("service.version", env!("CARGO_PKG_VERSION")),
        text("service.instance.id", node),
    ];
    let spans = batch.iter().flat_map(spans).collect();
    let scope_spans = [ScopeSpans { scope: Scope { name: "inzage" }, spans }];
    Export { resource_spans: [ResourceSpans { resource: Resource { attributes }, scope_spans }] }
}

/// The request, and each of its steps below it.
fn spans(answered: &Answered) -> Vec<Span> {
    let Answered { passage, face, route, status, took } = answered;
    let context = passage.context();
    let mut attributes = vec![
        text("inzage.face", *face),
        text("inzage.request", passage.id().to_string()),
        Attribute { key: "http.response.status_code", value: AttributeValue::IntValue(status.to_string()) },
    ];
    attributes.extend(passage.client().map(|client| text("inzage.client", Hostname::as_str(client))));
    attributes.extend(passage.reason().map(|reason| text("error.type", reason)));
    let whole = Span {
        trace_id: context.trace().to_string(),
        span_id: hex(context.span()),
        parent_span_id: context.parent().map(hex),
        name: route,
        kind: 2,
        start_time_unix_nano: nanos(passage, Duration::ZERO),
        end_time_unix_nano: nanos(passage, *took),
        attributes,
        // Of a server only its own faults are errors (OpenTelemetry, "HTTP spans").
        status: Status { code: if *status >= 500 { 2 } else { 0 } },
    };
    let steps = Step::ALL.into_iter().filter_map(|step| {
        let (entered, taken) = (passage.entered(step)?, passage.taken(step)?);
        Some(Span {
            trace_id: context.trace().to_string(),
            span_id: hex(random_id::<8>()),
            parent_span_id: Some(hex(context.span())),
            name: step.as_str(),
            kind: 1,
            start_time_unix_nano: nanos(passage, entered),
            end_time_unix_nano: nanos(passage, entered + taken),
            attributes: Vec::new(),
            status: Status { code: 0 },
        })
    });
    std::iter::once(whole).chain(steps).collect()
}

fn hex(span: [u8; 8]) -> String {
    format!("{:016x}", u64::from_be_bytes(span))
}

/// So long after the request began, in Unix time.
fn nanos(passage: &Passage, after: Duration) -> String {
    let begun = passage.at().as_nanosecond();
    begun.saturating_add(i128::try_from(after.as_nanos()).unwrap_or_default()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock as _, TestClock};

    fn answered(clock: &TestClock, traceparent: Option<&str>) -> Answered {
        let passage = Passage::begin(traceparent, clock.now(), clock.monotonic(), Step::Token);
        clock.advance(Duration::from_millis(2));
        let took = passage.end(clock.monotonic());
        Answered { passage, face: "back", route: "fhir", status: 503, took }
    }

    fn clock() -> Arc<TestClock> {
        TestClock::at("2026-11-21T12:00:00Z".parse().unwrap())
    }

    #[test]
    fn a_request_is_a_span_and_so_is_each_step() {
        let request = answered(&clock(), Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"));
        let written = serde_json::to_value(export("a", &[request])).unwrap();
        let resource = &written["resourceSpans"][0];
        assert_eq!(resource["resource"]["attributes"][2]["value"]["stringValue"], "a");
        let spans = resource["scopeSpans"][0]["spans"].as_array().unwrap();
        let [whole, token] = &spans[..] else { panic!("{spans:#?}") };
        assert_eq!(whole["traceId"], "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!((&whole["parentSpanId"], &whole["kind"]), (&"00f067aa0ba902b7".into(), &2.into()));
        assert_eq!((&whole["name"], &whole["status"]["code"]), (&"fhir".into(), &2.into()));
        assert_eq!(whole["startTimeUnixNano"], "1795262400000000000");
        assert_eq!((&token["name"], &token["parentSpanId"]), (&"token".into(), &whole["spanId"]));
        assert_eq!(token["endTimeUnixNano"], "1795262400002000000");
    }

    #[test]
    fn a_part_of_what_begins_here_is_kept_and_what_the_caller_keeps() {
        let (agent, clock) = ("127.0.0.1:4318".parse().unwrap(), clock());
        let kept = |percent, traceparent| {
            let (traces, _) = Traces::to(agent, percent, "a");
            (0..1_000).filter(|_| traces.keeps(answered(&clock, traceparent).passage.context())).count()
        };
        assert_eq!((kept(0, None), kept(100, None)), (0, 1_000));
        assert!((100..400).contains(&kept(25, None)));
        let given = |flags| format!("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-{flags}");
        assert_eq!((kept(0, Some(&given("01"))), kept(100, Some(&given("00")))), (1_000, 0));
    }

    #[test]
    fn a_full_queue_holds_nobody_up() {
        let (traces, _sending) = Traces::to("127.0.0.1:4318".parse().unwrap(), 100, "a");
        let clock = clock();
        (0..QUEUE_MAX + 3).for_each(|_| traces.note(answered(&clock, None)));
        assert_eq!(traces.counts().dropped.load(Ordering::Relaxed), 3);
    }
}
