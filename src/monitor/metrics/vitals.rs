//! Metrics of what the node depends on and nobody calls: certificates, room, clock; and of the process itself.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use jiff::Timestamp;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use crate::monitor::vitals::Vitals;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CertificateLabels {
    owner: &'static str,
    name: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BuildLabels {
    version: &'static str,
}

/// What the system says of the process.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ProcessFigures {
    /// Memory that is in use.
    pub resident_bytes: u64,
    /// Files and sockets that are open.
    pub open_files: u64,
    /// Processor time of all threads since the start.
    pub cpu_seconds: f64,
    /// Tasks of the runtimes that serve, which have not ended.
    pub tasks: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct EndLabel {
    end: &'static str,
}

#[derive(Default)]
pub(super) struct VitalsMetrics {
    resident: Gauge<u64, AtomicU64>,
    open_files: Gauge<u64, AtomicU64>,
    cpu: Counter<f64, AtomicU64>,
    tasks: Gauge<u64, AtomicU64>,
    traces: Family<EndLabel, Counter>,
    certificates: Family<CertificateLabels, Gauge<i64, AtomicI64>>,
    disk_free: Gauge<u64, AtomicU64>,
    disk_total: Gauge<u64, AtomicU64>,
    clock_drift: Gauge<f64, AtomicU64>,
    keys_age: Gauge<f64, AtomicU64>,
    started: Gauge<i64, AtomicI64>,
    ready: Gauge,
}

impl VitalsMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        let build = BuildLabels { version: env!("CARGO_PKG_VERSION") };
        registry.register("build", "The release that runs", Info::new(build));
        registry.register("ready", "1 when requests can be served, else 0", self.ready.clone());
        let help = "When the node was started, in Unix time";
        registry.register_with_unit("started", help, Unit::Seconds, self.started.clone());
        let help = "Memory that the process uses";
        registry.register_with_unit("process_resident", help, Unit::Bytes, self.resident.clone());
        registry.register("process_open_files", "Files and sockets that are open", self.open_files.clone());
        let help = "Processor time of all threads since the start";
        registry.register_with_unit("process_cpu", help, Unit::Seconds, self.cpu.clone());
        let help = "Tasks of the runtimes that serve, which have not ended";
        registry.register("process_tasks", help, self.tasks.clone());
        let help = "Requests whose trace was kept: sent, dropped as too many waited, or refused by the agent";
        registry.register("traces", help, self.traces.clone());
        let help = "When each certificate ends, in Unix time; owner us: we show it, them: we were shown it last";
        registry.register_with_unit("certificate_expires", help, Unit::Seconds, self.certificates.clone());
        let help = "What may still be written where the audit log lies";
        registry.register_with_unit("audit_disk_free", help, Unit::Bytes, self.disk_free.clone());
        let help = "The size of the file system where the audit log lies";
        registry.register_with_unit("audit_disk_size", help, Unit::Bytes, self.disk_total.clone());
        let help = "How far the wall clock is ahead of the time that passed since the start";
        registry.register_with_unit("clock_drift", help, Unit::Seconds, self.clock_drift.clone());
        let help = "Since the folder of the audit keys was last read with success";
        registry.register_with_unit("keys_age", help, Unit::Seconds, self.keys_age.clone());
    }

    pub(super) fn started(&self, at: Timestamp) {
        self.started.set(at.as_second());
    }

    pub(super) fn observe_traces(&self, ends: [(&'static str, u64); 3]) {
        for (end, count) in ends {
            self.traces.get_or_create(&EndLabel { end }).inner().store(count, Ordering::Relaxed);
        }
    }

    pub(super) fn observe_process(&self, figures: &ProcessFigures) {
        self.resident.set(figures.resident_bytes);
        self.open_files.set(figures.open_files);
        self.tasks.set(figures.tasks);
        self.cpu.inner().store(figures.cpu_seconds.to_bits(), Ordering::Relaxed);
    }

    pub(super) fn observe(&self, vitals: &Vitals, ready: bool) {
        self.ready.set(i64::from(ready));
        // A HIS that a reload took away has none any more.
        self.certificates.clear();
        for certificate in &vitals.certificates {
            let labels = CertificateLabels { owner: certificate.owner.as_str(), name: certificate.name.clone() };
            self.certificates.get_or_create(&labels).set(certificate.expires.as_second());
        }
        if let Ok(disk) = &vitals.disk {
            self.disk_free.set(disk.free_bytes);
            self.disk_total.set(disk.total_bytes);
        }
        self.clock_drift.set(vitals.clock.drift.as_secs_f64());
        self.keys_age.set(vitals.keys_age.as_secs_f64());
    }
}
