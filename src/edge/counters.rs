//! What happened at the sockets, as numbers that only grow (`open` apart), and where a listener is served. The monitor reads them.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use rustls::Error as Tls;
use tokio::runtime::Handle;

use super::proxy_protocol::HeaderFault;

/// Why a handshake ended without a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum HandshakeFailure {
    /// It took too long.
    TimedOut,
    /// The client went away.
    Closed,
    /// A certificate was required and none came.
    NoCertificate,
    /// The certificate was not acceptable: unknown issuer, expired, revoked, wrong use.
    BadCertificate,
    /// No version, suite, group or protocol in common.
    Incompatible,
    /// Not TLS, or broken TLS.
    Malformed,
    /// A load balancer sent no header of the PROXY protocol, or a bad one.
    BadHeader,
    /// It came past the load balancers.
    NotListed,
    /// Its network has begun too many others that are not at their end.
    Crowded,
}

impl HandshakeFailure {
    /// All of them, in the order of the counters.
    pub const ALL: [Self; 9] = [
        Self::TimedOut,
        Self::Closed,
        Self::NoCertificate,
        Self::BadCertificate,
        Self::Incompatible,
        Self::Malformed,
        Self::BadHeader,
        Self::NotListed,
        Self::Crowded,
    ];

    /// Name for a metric label.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TimedOut => "timed_out",
            Self::Closed => "closed",
            Self::NoCertificate => "no_certificate",
            Self::BadCertificate => "bad_certificate",
            Self::Incompatible => "incompatible",
            Self::Malformed => "malformed",
            Self::BadHeader => "bad_header",
            Self::NotListed => "not_listed",
            Self::Crowded => "crowded",
        }
    }

    /// Sorts the error of a handshake.
    #[must_use]
    pub fn of(error: &io::Error) -> Self {
        error.get_ref().and_then(|inner| inner.downcast_ref::<Tls>()).map_or(Self::Closed, Self::of_tls)
    }

    /// Sorts what was wrong before the handshake.
    #[must_use]
    pub const fn of_header(fault: &HeaderFault) -> Self {
        match fault {
            HeaderFault::NotListed => Self::NotListed,
            HeaderFault::Torn(_) => Self::Closed,
            HeaderFault::NoHeader | HeaderFault::TooLong | HeaderFault::Malformed | HeaderFault::NoAddress => {
                Self::BadHeader
            }
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the enum of rustls is large and not exhaustive")]
    fn of_tls(error: &Tls) -> Self {
        match error {
            Tls::NoCertificatesPresented => Self::NoCertificate,
            Tls::InvalidCertificate(_) | Tls::InvalidCertRevocationList(_) => Self::BadCertificate,
            Tls::PeerIncompatible(_) | Tls::NoApplicationProtocol => Self::Incompatible,
            Tls::AlertReceived(_) => Self::Closed,
            _ => Self::Malformed,
        }
    }
}

/// Why we ended a connection ourselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimedOut {
    /// Nothing came after the handshake.
    Silent,
    /// The head of a request did not end.
    Header,
    /// No request for too long.
    Idle,
    /// The client does not take its answer.
    Stalled,
    /// A request took too long as a whole.
    Request,
    /// It was not slow, but only kept us busy: requests given up, or frames for nothing, too many of them.
    Flooding,
}

impl TimedOut {
    /// All of them, in the order of the counters.
    pub const ALL: [Self; 6] = [Self::Silent, Self::Header, Self::Idle, Self::Stalled, Self::Request, Self::Flooding];

    /// Name for a metric label.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Silent => "silent",
            Self::Header => "header",
            Self::Idle => "idle",
            Self::Stalled => "stalled",
            Self::Request => "request",
            Self::Flooding => "flooding",
        }
    }
}

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
        /// Counters of one listener, or of several that share it.
        #[derive(Debug, Default)]
        pub struct Counters {
            handshakes_failed: [AtomicU64; HandshakeFailure::ALL.len()],
            timed_out: [AtomicU64; TimedOut::ALL.len()],
            runtimes: Mutex<Vec<Handle>>,
            $($(#[$doc])* pub(crate) $name: AtomicU64,)*
        }

        impl Counters {
            $($(#[$doc])* #[must_use] pub fn $name(&self) -> u64 { self.$name.load(Ordering::Relaxed) })*
        }
    };
}

counters! {
    /// Sockets accepted, those over the cap included.
    accepted,
    /// Sockets closed at once because of the connection cap.
    refused_over_cap,
    /// Failures of accept itself, such as no file descriptor left.
    accept_failed,
    /// Connections open now, handshakes included.
    open,
    /// How often an idle connection gave back the buffers of HTTP/1.1.
    rested,
    /// Requests whose head was read, refused ones included.
    requests,
    /// Requests refused before they reached a route.
    refused_requests,
    /// Requests refused because their client's certificate is no longer acceptable.
    distrusted_peers,
    /// Panics caught in a request, or that ended a connection.
    panics,
    /// Connections that ended with a protocol or socket error.
    broken,
}

impl Counters {
    /// Handshakes that failed in this way.
    #[must_use]
    pub fn handshakes_failed(&self, kind: HandshakeFailure) -> u64 {
        self.handshakes_failed.get(kind as usize).map_or(0, |count| count.load(Ordering::Relaxed))
    }

    /// Connections we ended in this way.
    #[must_use]
    pub fn timed_out(&self, kind: TimedOut) -> u64 {
        self.timed_out.get(kind as usize).map_or(0, |count| count.load(Ordering::Relaxed))
    }

    /// The runtimes of the loops that accept its connections.
    #[must_use]
    pub fn runtimes(&self) -> Vec<Handle> {
        self.runtimes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// From now on it is served by this runtime too.
    pub(crate) fn served_by(&self, runtime: Handle) {
        self.runtimes.lock().unwrap_or_else(PoisonError::into_inner).push(runtime);
    }

    pub(crate) fn count_handshake(&self, kind: HandshakeFailure) {
        self.handshakes_failed.get(kind as usize).map(add_one);
    }

    pub(crate) fn count_timeout(&self, kind: TimedOut) {
        self.timed_out.get(kind as usize).map(add_one);
    }
}

pub(crate) fn add_one(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_failure_has_its_own_counter() {
        let counters = Counters::default();
        for (times, kind) in (1..).zip(HandshakeFailure::ALL) {
            (0..times).for_each(|_| counters.count_handshake(kind));
        }
        let counts = HandshakeFailure::ALL.map(|kind| counters.handshakes_failed(kind));
        assert_eq!(counts, [1, 2, 3, 4, 5, 6, 7, 8, 9]);
        counters.count_timeout(TimedOut::Request);
        assert_eq!((counters.timed_out(TimedOut::Request), counters.timed_out(TimedOut::Silent)), (1, 0));
    }

    #[test]
    fn errors_of_a_handshake_are_sorted() {
        let sorted = |error: Tls| HandshakeFailure::of(&io::Error::new(io::ErrorKind::InvalidData, error));
        assert_eq!(sorted(Tls::NoCertificatesPresented), HandshakeFailure::NoCertificate);
        assert_eq!(
            sorted(Tls::InvalidCertificate(rustls::CertificateError::Expired)),
            HandshakeFailure::BadCertificate
        );
        assert_eq!(sorted(Tls::NoApplicationProtocol), HandshakeFailure::Incompatible);
        assert_eq!(sorted(Tls::DecryptError), HandshakeFailure::Malformed);
        assert_eq!(HandshakeFailure::of(&io::ErrorKind::UnexpectedEof.into()), HandshakeFailure::Closed);
    }
}
