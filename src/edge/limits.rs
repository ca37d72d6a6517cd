//! Every limit of a listener, in one value. The defaults are the figures of Envoy's guide for edge proxies, tightened where
//! a record gateway needs less.

use std::time::Duration;

use super::authority::Authority;
use super::proxy_protocol::{Balancers, Others};

/// What one listener bears. All limits hold per connection unless said otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EdgeConfig {
    /// The public names under which this listener is known; a request for any other gets 421. Empty refuses everything.
    pub authorities: Vec<Authority>,
    /// Who says by PROXY protocol for whom it connects. Default nobody.
    pub balancers: Balancers,
    /// Open connections of the listener; one more is closed at once. Default 4096.
    pub connections_max: usize,
    /// Handshakes under way from one network (IPv4 /24, IPv6 /56); one more is closed at once. Default 512.
    pub handshakes_per_network_max: usize,
    /// From accept to the end of the TLS handshake, the header of a balancer included. Default 10 s.
    pub handshake_timeout: Duration,
    /// From the end of the handshake to the first byte. Default 10 s.
    pub first_byte_timeout: Duration,
    /// From the first byte of an HTTP/1.1 head to its last. Default 10 s.
    pub header_timeout: Duration,
    /// Between requests, with none open. Default 60 s.
    pub idle_timeout: Duration,
    /// How long a connection of HTTP/1.1 keeps the buffers of its last request. Default 500 ms.
    pub warm: Duration,
    /// How long the client may leave a piece of an answer that is ready for it untaken; up to twice this before it is seen.
    /// Default 30 s.
    pub stall_timeout: Duration,
    /// From the head of a request to the last byte of its answer. Default 300 s: 20 MiB at 0.6 Mbit/s.
    pub request_timeout: Duration,
    /// Age at which the request in hand is the last one, so that clients spread over nodes again. Default 1 hour.
    pub connection_age_max: Duration,
    /// From the drain signal: how long a connection without an open request may still begin one. Default 1 s.
    pub drain_linger: Duration,
    /// From the drain signal: how long open requests may take, before they are cut. Default 30 s.
    pub drain_grace: Duration,
    /// Request line and headers, or header list of HTTP/2, in bytes. Default 16 KiB.
    pub header_max_bytes: u32,
    /// Headers of a request. Default 100.
    pub headers_max: usize,
    /// Read buffer, and likewise write buffer, of HTTP/1.1, in bytes; at least 8 KiB is used. Default 32 KiB.
    pub buffer_max_bytes: usize,
    /// Streams open at once. Default 256: more than one HIS can hold up.
    pub h2_streams_max: u32,
    /// What a client may send on a stream before we read, in bytes. Default 64 KiB.
    pub h2_stream_window_bytes: u32,
    /// What a client may send on all streams before we read, in bytes. Default 1 MiB.
    pub h2_connection_window_bytes: u32,
    /// Between pings to an HTTP/2 client. Default 20 s.
    pub h2_ping_interval: Duration,
    /// For the answer to a ping. Default 20 s.
    pub h2_ping_timeout: Duration,
}

impl EdgeConfig {
    /// The defaults, for these public names.
    #[must_use]
    pub const fn new(authorities: Vec<Authority>) -> Self {
        Self {
            authorities,
            balancers: Balancers::new(Vec::new(), Others::Serve),
            connections_max: 4096,
            handshakes_per_network_max: 512,
            handshake_timeout: Duration::from_secs(10),
            first_byte_timeout: Duration::from_secs(10),
            header_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(60),
            warm: Duration::from_millis(500),
            stall_timeout: Duration::from_secs(30),
            request_timeout: Duration::from_secs(300),
            connection_age_max: Duration::from_secs(3600),
            drain_linger: Duration::from_secs(1),
            drain_grace: Duration::from_secs(30),
            header_max_bytes: 16 * 1024,
            headers_max: 100,
            buffer_max_bytes: 32 * 1024,
            h2_streams_max: 256,
            h2_stream_window_bytes: 64 * 1024,
            h2_connection_window_bytes: 1024 * 1024,
            h2_ping_interval: Duration::from_secs(20),
            h2_ping_timeout: Duration::from_secs(20),
        }
    }
}
