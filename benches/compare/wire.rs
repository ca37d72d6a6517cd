//! What the comparison says to its load generator, and what it hears: one line of JSON each, over standard input and output.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// An order; each is answered by one [`Said`].
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Order {
    /// Opens connections and keeps them under a name.
    Open(Open),
    /// Closes those of a name.
    Close(String),
    /// Sends requests over them.
    Run(Run),
    /// Opens connections one after another, one request on each, and closes them.
    Connect(Connect),
}

/// What came of it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Said {
    /// Done; nothing more to say.
    Done,
    /// What a run was.
    Ran(Ran),
    /// It could not be done.
    Failed(String),
}

/// The protocol, chosen by ALPN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Protocol {
    Http1,
    Http2,
}

/// Where to connect.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    /// Host and port as they stand in `Host` or `:authority`; the host is the name in the certificate, too.
    pub(crate) authority: String,
    pub(crate) protocol: Protocol,
    /// Folder with `ca.pem`, and certificate and key of the client.
    pub(crate) folder: PathBuf,
    /// Base name of the client's files.
    pub(crate) client: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Open {
    pub(crate) name: String,
    pub(crate) peer: Peer,
    pub(crate) connections: usize,
}

/// What is asked: every stream of every connection asks the next path with the next token.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Asked {
    pub(crate) paths: Vec<String>,
    pub(crate) tokens: Vec<String>,
    pub(crate) accept: String,
    /// Fewest and most bytes of a body that is believed.
    pub(crate) bytes: (u64, u64),
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Run {
    pub(crate) name: String,
    pub(crate) asked: Asked,
    /// How many of the connections are used.
    pub(crate) active: usize,
    /// Requests at once on each.
    pub(crate) streams: usize,
    pub(crate) seconds: f64,
    pub(crate) pace: Pace,
}

/// When a request is sent.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) enum Pace {
    /// When the one before it is answered: as fast as the other side can.
    Closed,
    /// One on each connection.
    Once,
    /// So many a second, at moments fixed beforehand. Latency counts from that moment, also when the request had to wait for
    /// a connection: what a slow answer does to those behind it is not left out.
    Rate(f64),
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Connect {
    pub(crate) peer: Peer,
    pub(crate) asked: Asked,
    /// At once.
    pub(crate) clients: usize,
    pub(crate) connections: usize,
    /// Whether sessions are resumed where the server lets them.
    pub(crate) resume: bool,
}

/// What happened. A run with errors is not counted by whoever ordered it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Ran {
    pub(crate) requests: u64,
    pub(crate) bytes: u64,
    pub(crate) errors: u64,
    pub(crate) first_error: Option<String>,
    pub(crate) seconds: f64,
    /// Microseconds.
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) worst: f64,
    /// Connections that were resumed.
    pub(crate) resumed: u64,
}
