//! What operators see and do: the state of the node, and the emergency switch. Who they are is in their certificate, what they
//! may do in their role, and whatever they change, or are refused, is on record.

pub mod desk;
pub mod http;
pub mod operators;
pub mod state;
pub mod switch;
pub mod upkeep;
pub mod view;

pub use desk::{Desk, DeskError};
pub use operators::{Changes, Operators, Person, Reads, Reviews, Role};
pub use state::{Endpoint, Installation, Sources};
pub use switch::{PastStop, Reason, Stop, StopStore, Switch, SwitchError};
pub use upkeep::{Duty, LevelWish, LogLevel, OnDuty, Reload, ReloadEnd, Reloading};
