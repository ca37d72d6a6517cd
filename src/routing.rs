//! From a request and a grant to a practice: the path as a key, one immutable snapshot of all that a decision reads, and the
//! decision itself.

mod addresses;
mod check;
mod decide;
pub mod explain;
mod interfaces;
mod offer;
mod path;
mod snapshot;
mod standing;
mod stops;

pub use addresses::{AUTHORIZATION_PATH, Difference, OwnAddresses, OwnOrigin, TOKEN_PATH};
pub use check::Check;
pub(crate) use decide::admit_caller;
#[cfg(test)]
pub(crate) use decide::tests as world;
pub use decide::{Admitted, Caller, Permit, Refusal, decide};
pub use interfaces::{INTERFACE_VERSION, Interfaces};
pub(crate) use offer::still_offered;
pub use path::{Route, is_plain, resource_base, route};
pub use snapshot::{
    Freshness, Registered, SharedSnapshot, Snapshot, put_lists, put_people, put_registered, put_stages, put_stops,
};
pub use standing::Standing;
pub use stops::{Halt, Stops, Target};
