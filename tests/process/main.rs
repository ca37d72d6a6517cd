//! The binary from the outside: real processes that are started, asked, signalled and killed. One file a command, and one
//! each for `kill -9` under load, for disks that fail, and for what a start makes of damage.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends with a panic when something is not as it should be"
)]

mod audit;
mod backup;
mod canary;
mod chain_log;
mod checkpoints;
mod config;
mod crowd;
mod damage;
mod database;
mod drain;
mod durability;
mod explain;
mod export;
mod faults;
mod harness;
mod his;
mod index;
mod kill;
mod leaks;
mod lists;
mod login;
mod manager;
mod nodes;
mod person;
mod postgres;
mod practices;
mod prune;
mod reload;
mod revocation;
mod rights;
mod sandbox;
mod serve;
mod server;
mod signed;
mod soak;
mod takeover;
mod tamper;
mod writer;
