//! Everything on the socket side of a handler; knows no route.

//!
//! A client meets, in this order: the connection cap ([`listener`]), the handshake and its deadline (`session`), the deadlines
//! of its pace (`pace`), the checks on each request (`gate`, [`authority`]), and then the service. Each connection lives in a
//! task of its own; none outlives [`listener::serve`]. A listener is served by the runtime that it is on, or by [`Workers`].

pub mod authority;
pub mod body;
mod connection;
pub mod counters;
mod gate;
mod gather;
pub mod headers;
pub mod limits;
pub mod listener;
mod pace;
mod session;
mod signal;
#[cfg(test)]
#[cfg(feature = "sandbox")]
mod tests;
mod turns;
mod workers;

pub use authority::Authority;
pub use body::{Body, Ended, Gate, Leave, Source, Torn};
pub use connection::Connection;
pub use counters::Counters;
pub use gate::Serve;
pub use limits::EdgeConfig;
pub use listener::{Drained, Edge, Listener, bind, bind_beside, serve};
pub use workers::{WorkerError, Workers};
