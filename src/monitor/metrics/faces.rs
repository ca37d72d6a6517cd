//! Metrics of the listeners: connections, handshakes, and what was turned away before it reached a route.

use std::sync::{Mutex, PoisonError};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::chain_log::catch_up;
use super::{Face, FaceLabel};

/// What a listener counted since the start (`open` apart).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FaceFigures {
    /// Connections open now.
    pub open: u64,
    /// Connections accepted.
    pub accepted: u64,
    /// Connections closed at once, as there were too many.
    pub over_cap: u64,
    /// Connections that ended with a protocol or socket error.
    pub broken: u64,
    /// Requests whose head was read.
    pub requests: u64,
    /// Requests turned away before a route: out of form, or for another host.
    pub refused: u64,
    /// Requests whose client's certificate is no longer acceptable.
    pub distrusted: u64,
    /// Panics caught.
    pub panics: u64,
    /// Handshakes that failed, by reason.
    pub handshakes_failed: [(&'static str, u64); 9],
    /// Connections and requests that we ended for taking too long, by what took long.
    pub timed_out: [(&'static str, u64); 6],
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FaceReasonLabels {
    face: Face,
    reason: &'static str,
}

#[derive(Default)]
pub(super) struct FaceMetrics {
    open: Family<FaceLabel, Gauge>,
    accepted: Family<FaceLabel, Counter>,
    over_cap: Family<FaceLabel, Counter>,
    broken: Family<FaceLabel, Counter>,
    requests: Family<FaceLabel, Counter>,
    turned_away: Family<FaceReasonLabels, Counter>,
    panics: Family<FaceLabel, Counter>,
    handshakes_failed: Family<FaceReasonLabels, Counter>,
    timed_out: Family<FaceReasonLabels, Counter>,
    /// Two readers at once would add the same twice.
    one_at_a_time: Mutex<()>,
}

impl FaceMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register("connections_open", "Open connections by listener", self.open.clone());
        registry.register(
            "connections_accepted",
            "Connections accepted, those over the cap too",
            self.accepted.clone(),
        );
        let help = "Connections closed at once because there were too many";
        registry.register("connections_over_cap", help, self.over_cap.clone());
        let help = "Connections that ended with a protocol or socket error";
        registry.register("connections_broken", help, self.broken.clone());
        registry.register("requests", "Requests whose head was read", self.requests.clone());
        let help = "Requests turned away before a route; distrusted: the certificate is no longer acceptable";
        registry.register("requests_turned_away", help, self.turned_away.clone());
        registry.register("panics", "Panics caught; each is a fault of ours", self.panics.clone());
        registry.register("handshakes_failed", "TLS handshakes that failed, by reason", self.handshakes_failed.clone());
        let help = "Connections and requests that we ended for taking too long, by what took long";
        registry.register("connections_timed_out", help, self.timed_out.clone());
    }

    pub(super) fn observe(&self, face: Face, figures: &FaceFigures) {
        let _guard = self.one_at_a_time.lock().unwrap_or_else(PoisonError::into_inner);
        let label = FaceLabel { face };
        self.open.get_or_create(&label).set(i64::try_from(figures.open).unwrap_or(i64::MAX));
        for (family, count) in [
            (&self.accepted, figures.accepted),
            (&self.over_cap, figures.over_cap),
            (&self.broken, figures.broken),
            (&self.requests, figures.requests),
            (&self.panics, figures.panics),
        ] {
            catch_up(&family.get_or_create(&label), count);
        }
        let turned_away = [("refused", figures.refused), ("distrusted", figures.distrusted)];
        let by_reason = |family: &Family<FaceReasonLabels, Counter>, counts: &[(&'static str, u64)]| {
            for (reason, count) in counts {
                catch_up(&family.get_or_create(&FaceReasonLabels { face, reason }), *count);
            }
        };
        by_reason(&self.turned_away, &turned_away);
        by_reason(&self.handshakes_failed, &figures.handshakes_failed);
        by_reason(&self.timed_out, &figures.timed_out);
    }
}
