//! Reading in the access log of others: what an auditor may search, and a practice of its own records. Who they are is in
//! their certificate, why they look is asked first, and that they looked is on record before anything is shown. A search for
//! one person can be made to wait until somebody else agrees (four eyes).

pub mod approvals;
pub mod desk;
pub mod http;
pub mod people;
pub mod question;
pub mod ticket;

pub use approvals::{ApprovalError, Approvals, Request, RequestState};
pub use desk::{Answer, Desk, DeskError, Files, Results};
pub use people::{People, Reader, Role};
pub use question::{About, Ground, Person, Question, Wrong};
pub use ticket::{Agreed, Leave};
