//! The figures of each part are in the text, with their units and labels.

use super::super::ready::ListState;
use super::*;
use crate::his::{BreakerState, Durations, Ending, HisError};
use crate::lists::PerList;

#[test]
fn what_the_audit_repository_has_is_counted_once() {
    let metrics = Metrics::default();
    for _ in 0..2 {
        metrics.observe_audit_syslog(SyslogCounts {
            behind: 8,
            records: 6,
            unreadable: 1,
            failures: 2,
            lag: Duration::from_secs(90),
            up: true,
        });
    }
    let text = metrics.to_text();
    for line in [
        "inzage_audit_syslog_behind 8",
        "inzage_audit_syslog_lag_seconds 90.0",
        "inzage_audit_syslog_up 1",
        "inzage_audit_syslog_records_total 6",
        "inzage_audit_syslog_unreadable_total 1",
        "inzage_audit_syslog_failures_total 2",
    ] {
        assert!(text.contains(&format!("\n{line}\n")), "{line} in {text}");
    }
}

#[test]
fn answers_are_counted_by_route_and_status() {
    let metrics = Metrics::default();
    metrics.answered(Route::Fhir, 200, Duration::from_millis(3));
    metrics.answered(Route::Fhir, 404, Duration::from_millis(3));
    let text = metrics.to_text();
    for line in [
        "inzage_answers_total{face=\"back\",route=\"fhir\",status=\"200\"} 1",
        "inzage_answers_total{face=\"back\",route=\"fhir\",status=\"404\"} 1",
        "inzage_answers_total{face=\"back\",route=\"oauth\",status=\"200\"} 0",
        "inzage_answer_duration_seconds_count{face=\"back\",route=\"fhir\"} 2",
    ] {
        assert!(text.contains(line), "{line} in\n{text}");
    }
}

#[test]
fn requests_to_a_his_are_counted_by_endpoint() {
    let metrics = Metrics::default();
    let endings = std::array::from_fn(|index| u64::from(index == Ending::Failed(HisError::Open).index()));
    let mut durations = Durations { sum_seconds: 30.5, ..Durations::default() };
    (durations.classes[6], durations.classes[12]) = (1, 1);
    let breaker = BreakerState::Open;
    let figures = Figures { endings, durations, repeated: 2, in_flight: 3, breaker, certificate_expires: None };
    for _ in 0..2 {
        metrics.observe_his("his-a", "fhir", &figures);
    }
    let text = metrics.to_text();
    for line in [
        "inzage_his_requests_total{his=\"his-a\",endpoint=\"fhir\",end=\"open\"} 1",
        "inzage_his_requests_total{his=\"his-a\",endpoint=\"fhir\",end=\"answered\"} 0",
        "inzage_his_request_duration_seconds_bucket{le=\"0.25\",his=\"his-a\",endpoint=\"fhir\"} 0",
        "inzage_his_request_duration_seconds_bucket{le=\"0.5\",his=\"his-a\",endpoint=\"fhir\"} 1",
        "inzage_his_request_duration_seconds_count{his=\"his-a\",endpoint=\"fhir\"} 2",
        "inzage_his_repeated_total{his=\"his-a\",endpoint=\"fhir\"} 2",
        "inzage_his_in_flight{his=\"his-a\",endpoint=\"fhir\"} 3",
        "inzage_his_breaker{his=\"his-a\",endpoint=\"fhir\"} 2",
    ] {
        assert!(text.contains(line), "{line} in\n{text}");
    }
    metrics.observe_his("his-b", "fhir", &figures);
    metrics.keep_only_his(&[("his-b", "fhir")].into());
    let text = metrics.to_text();
    assert!(text.contains("his-b") && !text.contains("his=\"his-a\""), "who was taken out is gone:\n{text}");
}

#[test]
fn units_and_labels_are_in_the_text() {
    let metrics = Metrics::default();
    metrics.observe(true);
    for _ in 0..2 {
        let timed_out = [("silent", 0), ("header", 1), ("idle", 0), ("stalled", 0), ("request", 0), ("flooding", 0)];
        let figures = FaceFigures { open: 2, accepted: 9, distrusted: 3, timed_out, ..FaceFigures::default() };
        metrics.observe_face(Face::Back, &figures);
    }
    let state = |age| ListState { age: Duration::from_secs(age), sequence: 7 };
    metrics.observe_lists(&ListsState {
        too_old: None,
        lists: Some(PerList::from_fn(|list| state(if list == ListKind::Whl { 61 } else { 1 }))),
        in_grace: 3,
        alarms: Vec::new(),
    });
    metrics.observe_alarms(&[Raised { alarm: "list_late", detail: String::new() }]);
    let failures = StoreFailures { overdue: 5, ..StoreFailures::default() };
    metrics.observe_store(&PoolFigures { in_use: 3, waits: 4, failures, ..PoolFigures::default() });
    let index = IndexProgress::new(tokio::sync::watch::channel(9).1);
    let moment = Timestamp::UNIX_EPOCH;
    index.began(0, None);
    index.added(5, Some(moment), 5, 1);
    for _ in 0..2 {
        metrics.observe_audit_index(&index, moment + Duration::from_secs(30));
    }
    let counts = Counts::default();
    counts.delivered.store(7, Ordering::Relaxed);
    for _ in 0..2 {
        metrics.observe_chain_log(&counts, 300, Duration::from_secs(5));
    }
    let text = metrics.to_text();
    for line in [
        "inzage_lists_age_seconds{list=\"whl\"} 61.0",
        "inzage_lists_sequence{list=\"zal\"} 7",
        "inzage_lists_in_grace 3",
        "inzage_alarm{alarm=\"list_late\"} 1",
        "inzage_alarm{alarm=\"endpoint_differs\"} 0",
        "inzage_audit_ready 1",
        "inzage_audit_index_behind 4",
        "inzage_audit_index_lag_seconds 30.0",
        "inzage_audit_index_records_total 5",
        "inzage_audit_index_unreadable_total 1",
        "inzage_audit_index_failures_total 0",
        "inzage_chain_log_lines_total{end=\"delivered\"} 7",
        "inzage_chain_log_lines_total{end=\"lost_at_queue\"} 0",
        "inzage_chain_log_spooled_bytes 300",
        "inzage_chain_log_oldest_seconds 5.0",
        "inzage_connections_open{face=\"back\"} 2",
        "inzage_connections_accepted_total{face=\"back\"} 9",
        "inzage_requests_turned_away_total{face=\"back\",reason=\"distrusted\"} 3",
        "inzage_connections_timed_out_total{face=\"back\",reason=\"header\"} 1",
        "inzage_store_connections{state=\"in_use\"} 3",
        "inzage_store_waits_total 4",
        "inzage_store_failures_total{reason=\"overdue\"} 5",
    ] {
        assert!(text.contains(line), "{line} in\n{text}");
    }
}
