//! Counts how disclosures and submissions end, where each is recorded: whatever way one took, its end is in the audit log.

use std::sync::Arc;

use super::metrics::Metrics;
use crate::audit::{AuditError, AuditEvent, AuditLog, Kind, PendingReceipt};

/// A log whose outcomes are counted.
pub struct CountedLog {
    log: Arc<dyn AuditLog>,
    metrics: Arc<Metrics>,
}

impl CountedLog {
    /// Counts what goes to `log`.
    #[must_use]
    pub const fn new(log: Arc<dyn AuditLog>, metrics: Arc<Metrics>) -> Self {
        Self { log, metrics }
    }
}

impl AuditLog for CountedLog {
    fn append(&self, event: &AuditEvent) -> Result<PendingReceipt, AuditError> {
        if matches!(event.kind, Kind::DisclosureOutcome | Kind::SubmissionOutcome) {
            self.metrics.ended(event.kind, event.outcome, event.reason);
        }
        self.log.append(event)
    }

    fn health(&self) -> Result<(), AuditError> {
        self.log.health()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::{MemoryLog, Outcome};

    #[test]
    fn each_end_is_counted_once_and_recorded_as_it_is() {
        let (memory, metrics) = (Arc::new(MemoryLog::default()), Arc::new(Metrics::default()));
        let log = CountedLog::new(Arc::clone(&memory) as _, Arc::clone(&metrics));
        let now = "2026-11-21T12:00:00Z".parse().unwrap();
        for (kind, outcome, reason) in [
            (Kind::DisclosureIntent, Outcome::Intended, None),
            (Kind::DisclosureOutcome, Outcome::Done, None),
            (Kind::DisclosureOutcome, Outcome::Failed, Some("his-answer-unfit")),
            (Kind::DisclosureOutcome, Outcome::Failed, Some("his-answer-unfit")),
            (Kind::SubmissionOutcome, Outcome::Done, None),
            (Kind::ResourceRefused, Outcome::Refused, Some("no-token")),
        ] {
            drop(log.append(&AuditEvent { reason, ..AuditEvent::new(now, kind, outcome) }));
        }
        assert_eq!((memory.events().len(), log.health()), (6, Ok(())));
        let text = metrics.to_text();
        let counted: Vec<_> = text.lines().filter(|line| line.starts_with("inzage_disclosures_total")).collect();
        assert!(counted.contains(&r#"inzage_disclosures_total{outcome="done",reason=""} 1"#), "{text}");
        assert!(
            counted.contains(&r#"inzage_disclosures_total{outcome="failed",reason="his-answer-unfit"} 2"#),
            "{text}"
        );
        assert_eq!(counted.len(), 2, "{text}");
        assert!(text.contains("inzage_submissions_total{outcome=\"done\",reason=\"\"} 1\n"), "{text}");
    }
}
