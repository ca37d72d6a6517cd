//! What operators see and do: the state of the node, the emergency switch, go-live, and the register of OPEN. Who they are is
//! in their certificate, or said by the provider of their organisation; what they may do is in their role, and whatever they
//! change, or are refused, is on record.

pub mod desk;
pub mod explain;
pub mod follow;
pub mod golive;
pub mod http;
pub mod matrix;
pub mod operators;
pub mod register;
pub mod state;
pub mod switch;
pub mod upkeep;
pub mod view;

pub use desk::{Desk, DeskError, DeskMatrixError, DeskRegisterError};
pub use golive::GoLive;
pub use operators::{Changes, Operators, Person, Reads, Reviews, Role};
pub use state::{Endpoint, Installation, Sources};
pub use switch::{PastStop, Reason, Stop, StopStore, Switch, SwitchError};
pub use upkeep::{Duty, LevelWish, LogLevel, OnDuty, Reload, ReloadEnd, Reloading};
