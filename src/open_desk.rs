//! Where the people of practices, of the lead parties of coalitions, of the OPEN programme and of insurers see how far online access
//! is: a practice itself, a coalition its practices, the programme everything, and an insurer whether a practice may declare its fee
//! and nothing else. They log in through an OpenID provider, which says who they are and for whom they come ([`Reader`]).
//!
//! Nothing is changed here, and nothing stands here about any patient. Every page that is shown is on record before it is shown.

pub mod desk;
mod ground;
pub mod http;
pub mod leaflet;
mod login;
pub mod reader;
pub mod view;

pub use desk::{OpenDesk, OpenError, Visitor};
pub use leaflet::{Block, Leaflet, Section};
pub use reader::{Page, Reader};
pub use view::{
    CoalitionView, DeclarationsView, DeclaredView, MemberView, PracticeView, ProgrammeView, Progress, RegisteredView,
    Seen, ServiceView,
};
