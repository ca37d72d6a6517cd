//! What a node says of itself: its certificates and those it meets, room for the audit log, keys, clock. Values, and the rules
//! for when somebody must know.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::alarms::Alarm;

/// When a certificate asks for attention: time to order another, and a weekend.
pub const CERTIFICATE_WARNING: SignedDuration = SignedDuration::from_hours(30 * 24);
/// Less room than this for the audit log asks for attention. A record takes some 0.3 KiB, so over 3 million are left.
pub const DISK_WARNING_BYTES: u64 = 1024 * 1024 * 1024;
/// A wall clock that moved by more than this against the monotonic one was set. A time server that slews moves both.
pub const CLOCK_STEP: SignedDuration = SignedDuration::from_secs(1);
/// For how long it is told that the clock was set.
pub const CLOCK_STEP_TOLD: Duration = Duration::from_hours(1);

/// Whose a certificate is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Owner {
    /// We show it.
    Us,
    /// Whoever we call showed it last.
    Them,
}

impl Owner {
    /// The label.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Us => "us",
            Self::Them => "them",
        }
    }
}

/// A certificate and its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// Whose it is.
    pub owner: Owner,
    /// Where it is shown: `front`, `back`, `auditors`, `admin`, the section of the configuration under which we call (`lists`,
    /// `chain_log`, `audit.witness[0]`…), or the id of an installation, a slash and its endpoint.
    pub name: String,
    /// Its last moment.
    pub expires: Timestamp,
}

impl Certificate {
    fn left(&self, now: Timestamp) -> SignedDuration {
        self.expires.duration_since(now)
    }

    /// Whole days until its end; below 0 when that is over.
    fn days_left(&self, now: Timestamp) -> i64 {
        self.left(now).as_secs().div_euclid(24 * 60 * 60)
    }

    /// A listener that shows it serves nobody any more.
    fn ends_serving(&self, now: Timestamp) -> bool {
        self.owner == Owner::Us && matches!(self.name.as_str(), "front" | "back") && self.expires < now
    }
}

/// Where the audit log lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Disk {
    /// Bytes that the node may still write.
    pub free_bytes: u64,
    /// Bytes of the file system.
    pub total_bytes: u64,
}

/// How the wall clock goes.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ClockState {
    /// How far it is from where the time that passed since the start would have it.
    pub drift: SignedDuration,
    /// It was set by this much within [`CLOCK_STEP_TOLD`].
    pub stepped: Option<SignedDuration>,
}

/// Everything, at one moment.
#[derive(Debug, Clone)]
pub struct Vitals {
    /// The moment.
    pub now: Timestamp,
    /// The certificates whose end is known.
    pub certificates: Vec<Certificate>,
    /// Where the audit log lies; an error says why that cannot be told.
    pub disk: Result<Disk, String>,
    /// Why nobody can be named in a record, if so.
    pub keys: Result<(), String>,
    /// Since the folder of the keys was last read with success.
    pub keys_age: Duration,
    /// The clock.
    pub clock: ClockState,
}

/// `ok`, or what is not.
fn said(fault: Option<String>) -> String {
    fault.unwrap_or_else(|| "ok".to_owned())
}

/// What `/readyz` says of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct VitalsReport {
    /// `ok`, or why nobody can be named in a record.
    pub keys: String,
    /// Seconds since the folder of the keys was last read with success.
    pub keys_age_seconds: u64,
    /// `ok`, or which end soon or have ended.
    pub certificates: String,
    /// Whole days until the end of each that we show.
    pub certificate_days_left: BTreeMap<String, i64>,
    /// Whole days until the end of each that we were shown.
    pub peer_certificate_days_left: BTreeMap<String, i64>,
    /// `ok`, or how little room there is.
    pub audit_disk: String,
    /// Bytes that may still be written there.
    pub audit_disk_free_bytes: Option<u64>,
    /// `ok`, or that it was set.
    pub clock: String,
    /// Seconds that the wall clock is ahead of the time that passed since the start.
    pub clock_drift_seconds: f64,
}

impl Vitals {
    /// Whether requests can be served, as far as this goes: somebody can be named in a record, and our certificates hold.
    #[must_use]
    pub fn can_serve(&self) -> bool {
        self.keys.is_ok() && !self.certificates.iter().any(|certificate| certificate.ends_serving(self.now))
    }

    /// For `/readyz`.
    #[must_use]
    pub fn report(&self) -> VitalsReport {
        VitalsReport {
            keys: said(self.keys.clone().err()),
            keys_age_seconds: self.keys_age.as_secs(),
            certificates: said(self.expiring()),
            certificate_days_left: self.days_left(Owner::Us),
            peer_certificate_days_left: self.days_left(Owner::Them),
            audit_disk: said(self.short_of_room()),
            audit_disk_free_bytes: self.disk.as_ref().ok().map(|disk| disk.free_bytes),
            clock: said(self.clock_set()),
            clock_drift_seconds: self.clock.drift.as_secs_f64(),
        }
    }

    /// The alarms that this decides, each with what is wrong, if anything is.
    #[must_use]
    pub fn alarms(&self) -> [(Alarm, Option<String>); 3] {
        [
            (Alarm::CertificateExpires, self.expiring()),
            (Alarm::AuditDiskLow, self.short_of_room()),
            (Alarm::ClockStepped, self.clock_set()),
        ]
    }

    fn days_left(&self, owner: Owner) -> BTreeMap<String, i64> {
        let own = self.certificates.iter().filter(|certificate| certificate.owner == owner);
        own.map(|certificate| (certificate.name.clone(), certificate.days_left(self.now))).collect()
    }

    fn expiring(&self) -> Option<String> {
        let soon = self.certificates.iter().filter(|certificate| certificate.left(self.now) < CERTIFICATE_WARNING);
        let told = soon.map(|Certificate { owner, name, expires }| match owner {
            Owner::Us => format!("ours at {name} ends {expires}"),
            Owner::Them => format!("that of {name} ends {expires}"),
        });
        let told = told.collect::<Vec<_>>().join(", ");
        (!told.is_empty()).then_some(told)
    }

    fn short_of_room(&self) -> Option<String> {
        match &self.disk {
            Ok(disk) if disk.free_bytes >= DISK_WARNING_BYTES => None,
            // Whole steps, so that it is not another alarm at each look.
            Ok(disk) => Some(format!("less than {} MiB left", (disk.free_bytes / (64 * 1024 * 1024) + 1) * 64)),
            Err(error) => Some(error.clone()),
        }
    }

    fn clock_set(&self) -> Option<String> {
        self.clock.stepped.map(|by| format!("the clock was set by {} s", by.as_secs()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vitals() -> Vitals {
        Vitals {
            now: "2026-11-21T12:00:00Z".parse().unwrap(),
            certificates: Vec::new(),
            disk: Ok(Disk { free_bytes: DISK_WARNING_BYTES, total_bytes: 2 * DISK_WARNING_BYTES }),
            keys: Ok(()),
            keys_age: Duration::from_secs(12),
            clock: ClockState::default(),
        }
    }

    fn certificate(owner: Owner, name: &str, expires: &str) -> Certificate {
        Certificate { owner, name: name.to_owned(), expires: expires.parse().unwrap() }
    }

    fn raised(vitals: &Vitals) -> Vec<(Alarm, String)> {
        vitals.alarms().into_iter().filter_map(|(alarm, detail)| Some((alarm, detail?))).collect()
    }

    #[test]
    fn a_certificate_is_told_of_a_month_ahead_and_ours_ends_serving() {
        let mut vitals = vitals();
        vitals.certificates = vec![
            certificate(Owner::Us, "back", "2026-12-22T12:00:00Z"),
            certificate(Owner::Them, "his-a/fhir", "2026-12-21T11:59:59Z"),
        ];
        assert_eq!(vitals.report().certificate_days_left["back"], 31);
        assert_eq!(vitals.report().peer_certificate_days_left["his-a/fhir"], 29);
        let told = "that of his-a/fhir ends 2026-12-21T11:59:59Z".to_owned();
        assert_eq!(raised(&vitals), [(Alarm::CertificateExpires, told)]);
        vitals.now = "2026-12-22T12:00:00Z".parse().unwrap();
        assert!(vitals.can_serve(), "theirs is theirs, and ours holds to the last second");
        vitals.now = "2026-12-22T12:00:01Z".parse().unwrap();
        assert_eq!((vitals.can_serve(), vitals.report().certificate_days_left["back"]), (false, -1));
    }

    #[test]
    fn room_keys_and_clock_are_told_of() {
        let mut vitals = vitals();
        assert!(raised(&vitals).is_empty());
        let report = vitals.report();
        let all = [&report.keys, &report.certificates, &report.audit_disk, &report.clock];
        assert!(all.iter().all(|said| *said == "ok"), "{report:?}");
        vitals.disk = Ok(Disk { free_bytes: DISK_WARNING_BYTES - 1, total_bytes: DISK_WARNING_BYTES });
        vitals.clock.stepped = Some(SignedDuration::from_secs(-3_600));
        vitals.keys = Err("the audit keys of 2027 are missing".to_owned());
        let alarms = raised(&vitals);
        assert_eq!(alarms[0], (Alarm::AuditDiskLow, "less than 1024 MiB left".to_owned()));
        assert_eq!(alarms[1], (Alarm::ClockStepped, "the clock was set by -3600 s".to_owned()));
        assert!(!vitals.can_serve(), "nobody can be named");
        vitals.disk = Err("no such folder".to_owned());
        assert_eq!(vitals.report().audit_disk, "no such folder");
        assert_eq!(vitals.report().audit_disk_free_bytes, None);
    }
}
