//! Everything on the socket side of a handler; knows no route.
//!
//! A client meets, in this order: the connection cap ([`listener`]), the question for whom a load balancer comes
//! ([`proxy_protocol`]), the handshakes of its network (`arrivals`), the handshake and the deadline of both (`session`), the
//! deadlines of its pace (`pace`, `frames`), the checks on each request (`gate`, [`authority`]), and then the service. Each
//! connection lives in a task of its own; none outlives [`listener::serve`]. A listener is served by the runtime that it is on,
//! or by [`Workers`].

mod arrivals;
pub mod authority;
pub mod body;
mod connection;
pub mod counters;
mod frames;
mod gate;
mod gather;
pub mod headers;
pub mod limits;
pub mod listener;
mod network;
mod pace;
pub mod proxy_protocol;
mod session;
mod signal;
#[cfg(test)]
#[cfg(feature = "sandbox")]
mod tests;
mod timely;
mod turns;
mod workers;

pub use authority::Authority;
pub use body::{Body, Ended, Gate, Leave, Source, Torn};
pub use connection::Connection;
pub use counters::Counters;
pub use gate::Serve;
pub use limits::EdgeConfig;
pub use listener::{Drained, Edge, Listener, bind, bind_beside, serve};
pub use network::Network;
pub use proxy_protocol::{Balancers, Others};
pub use timely::{Late, Timely};
pub use workers::{WorkerError, Workers};
