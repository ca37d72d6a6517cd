//! Hostile peers at our sockets: the attack cases 66 to 82 of the test plan, each under its number, and what keeps one client
//! from being served at the expense of others.

mod bodies;
mod doors;
mod floods;
mod frames;
mod headers;
mod overload;
mod panics;
mod requests;
mod slow;
