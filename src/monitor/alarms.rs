//! What needs an operator although the node goes on: a closed set of names, in the log when it begins and ends, in the metrics
//! and in `/readyz` while it lasts. Readiness does not follow it.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

/// What is wrong. The names are stable: alerts are built on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Alarm {
    /// A list with a lower number than the one in force was offered.
    ListRollback,
    /// A list has other content under the number in force.
    ListSameNumber,
    /// A list says it was published in the future.
    ListFromTheFuture,
    /// A list is not valid.
    ListInvalid,
    /// A list lost more entries than it may, and waits for `inzage lists accept`.
    ListHeldBack,
    /// A list was not given for longer than it should take to notice a change.
    ListLate,
    /// The copy on disk is not that of the set in force.
    ListCopyUnsaved,
    /// The ZAL sends people or PGOs to another address than ours.
    EndpointDiffers,
    /// The index of the access log is not filled, and is not without somebody's help.
    AuditIndexStopped,
    /// Records of the audit log wait for their repository for too long.
    AuditSyslogBehind,
    /// The audit log cannot be signed.
    CheckpointFails,
    /// Segments of the audit log cannot be sealed.
    SealFails,
    /// Records of the audit log are not removed after their retention.
    PruneFails,
    /// A witness of the audit log got no checkpoint for too long.
    WitnessBehind,
    /// A witness saw another audit log, or more of it.
    WitnessContradicts,
    /// The audit keys of this year or the next are missing, or cannot be read.
    AuditKeys,
    /// The newest configuration, or a file that it names, is refused; the one before stays in force.
    ConfigurationRefused,
    /// A list of revoked client certificates should have been replaced.
    RevocationsOverdue,
    /// Operators have stopped access with the emergency switch.
    AccessStopped,
    /// A certificate, ours or one that we are shown, ends within a month.
    CertificateExpires,
    /// There is little room left for the audit log.
    AuditDiskLow,
    /// The wall clock was set while the node ran.
    ClockStepped,
}

impl Alarm {
    /// All of them.
    pub const ALL: [Self; 22] = [
        Self::ListRollback,
        Self::ListSameNumber,
        Self::ListFromTheFuture,
        Self::ListInvalid,
        Self::ListHeldBack,
        Self::ListLate,
        Self::ListCopyUnsaved,
        Self::EndpointDiffers,
        Self::AuditIndexStopped,
        Self::AuditSyslogBehind,
        Self::CheckpointFails,
        Self::SealFails,
        Self::PruneFails,
        Self::WitnessBehind,
        Self::WitnessContradicts,
        Self::AuditKeys,
        Self::ConfigurationRefused,
        Self::RevocationsOverdue,
        Self::AccessStopped,
        Self::CertificateExpires,
        Self::AuditDiskLow,
        Self::ClockStepped,
    ];

    /// The name in log, metrics and `/readyz`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ListRollback => "list_rollback",
            Self::ListSameNumber => "list_same_number",
            Self::ListFromTheFuture => "list_from_the_future",
            Self::ListInvalid => "list_invalid",
            Self::ListHeldBack => "list_held_back",
            Self::ListLate => "list_late",
            Self::ListCopyUnsaved => "list_copy_unsaved",
            Self::EndpointDiffers => "endpoint_differs",
            Self::AuditIndexStopped => "audit_index_stopped",
            Self::AuditSyslogBehind => "audit_syslog_behind",
            Self::CheckpointFails => "checkpoint_fails",
            Self::SealFails => "seal_fails",
            Self::PruneFails => "prune_fails",
            Self::WitnessBehind => "witness_behind",
            Self::WitnessContradicts => "witness_contradicts",
            Self::AuditKeys => "audit_keys",
            Self::ConfigurationRefused => "configuration_refused",
            Self::RevocationsOverdue => "revocations_overdue",
            Self::AccessStopped => "access_stopped",
            Self::CertificateExpires => "certificate_expires",
            Self::AuditDiskLow => "audit_disk_low",
            Self::ClockStepped => "clock_stepped",
        }
    }
}

/// An alarm that lasts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Raised {
    /// Its name.
    pub alarm: &'static str,
    /// What exactly, without personal data.
    pub detail: String,
}

/// The alarms that last.
#[derive(Debug, Default)]
pub struct Alarms {
    lasting: Mutex<BTreeMap<Alarm, String>>,
}

impl Alarms {
    /// Something is wrong. Logged when it is new or other than before.
    pub fn raise(&self, alarm: Alarm, detail: &str) {
        let before = self.lasting().insert(alarm, detail.to_owned());
        if before.as_deref() != Some(detail) {
            tracing::error!(alarm = alarm.as_str(), detail, "alarm");
        }
    }

    /// It is in order.
    pub fn clear(&self, alarm: Alarm) {
        if self.lasting().remove(&alarm).is_some() {
            tracing::info!(alarm = alarm.as_str(), "alarm over");
        }
    }

    /// Raises or clears.
    pub fn set(&self, alarm: Alarm, detail: Option<&str>) {
        match detail {
            Some(detail) => self.raise(alarm, detail),
            None => self.clear(alarm),
        }
    }

    /// What lasts, in the order of [`Alarm`].
    #[must_use]
    pub fn raised(&self) -> Vec<Raised> {
        let raised = |(alarm, detail): (&Alarm, &String)| Raised { alarm: alarm.as_str(), detail: detail.clone() };
        self.lasting().iter().map(raised).collect()
    }

    fn lasting(&self) -> std::sync::MutexGuard<'_, BTreeMap<Alarm, String>> {
        self.lasting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alarm_lasts_until_it_is_cleared() {
        let alarms = Alarms::default();
        alarms.raise(Alarm::ListLate, "20 minutes");
        alarms.raise(Alarm::ListInvalid, "line 1");
        alarms.raise(Alarm::ListLate, "30 minutes");
        let raised: Vec<_> = alarms.raised().into_iter().map(|raised| (raised.alarm, raised.detail)).collect();
        assert_eq!(raised, [("list_invalid", "line 1".to_owned()), ("list_late", "30 minutes".to_owned())]);
        alarms.set(Alarm::ListLate, None);
        alarms.clear(Alarm::ListLate);
        assert_eq!(alarms.raised().len(), 1);
    }

    #[test]
    fn every_alarm_has_a_name_of_its_own() {
        let names: std::collections::BTreeSet<_> = Alarm::ALL.iter().map(|alarm| alarm.as_str()).collect();
        assert_eq!(names.len(), Alarm::ALL.len());
    }
}
