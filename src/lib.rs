//! Inzage: the gateway through which patients in the Netherlands see their GP record.
//!
//! A person asks their PGO (a personal health environment) for their record. The PGO sends them here; they log in and say
//! yes; the PGO gets a token and asks for parts of the record. Inzage finds the practice's information system (HIS), asks
//! it, takes out what a patient may not see, writes down who saw what, and answers.
//!
//! # The way of a request for data
//!
//! ```text
//! edge ─► routes ─► fhir::http ─► fhir::read ─┬─► routing::decide          Permit, or a refusal
//! TLS,    one       decode,                   ├─► fhir::request            what is asked, inside the catalogue, or a refusal
//! limits  page      encode                    ├─► audit: the intent ····►  receipt, once it is on disk
//!                                             ├─► his: patient, search     meanwhile
//!                                             ├─► fhir::shape              what may be shown, or nothing at all
//!                                             └─► Released                 body and receipt; then the audit's outcome
//! ```
//!
//! A person's browser goes `edge`, `routes`, `session::http`, `session::journey`; a PGO that brings a code goes `edge`,
//! `routes`, `oauth::http`, `oauth::token`.
//!
//! # Where what is, in reading order
//!
//! Words: values that are checked when they are made, and the doors to what is not pure.
//!
//! - [`medmij`]: BSN, host name, provider, service, scope, request ids.
//! - [`clock`]: time. [`secret`]: what may not be seen, and randomness. [`form`]: queries and form bodies. [`language`]: Dutch
//!   or English.
//! - [`background`]: threads that give way to those that answer requests.
//! - [`jose`]: JSON Web Keys, signed and encrypted tokens. [`trace`]: what is observed of one request.
//! - [`bounds`]: how many requests and bytes may be in hand. [`rates`]: how often somebody may ask.
//!
//! Rules: what Inzage does. They declare ports (traits) for what they need of the world.
//!
//! - [`services`]: which data services there are and exactly which requests each allows; data, not code.
//! - [`practices`]: our own register: which HIS, open or closed, since when; and [`practices::programme`], the register of OPEN.
//!   [`clients`]: the portals, and who may act for whom.
//! - [`lists`]: the four MedMij lists, read strictly, swapped whole, kept on disk.
//! - [`audit`]: the log that nobody can deny: events, hash chain, receipts, and reading it back.
//! - [`chainlog`]: the lines for Stichting MedMij, which name no person.
//! - [`his`]: the port to a HIS. [`availability`]: does the practice know the person, and are they old enough?
//! - [`oauth`]: authorization request, code, grant, token.
//! - [`routing`]: path to key, one immutable snapshot, and the decision over it.
//! - [`accesslog`]: what of the audit a person is told who asks who asked for their data.
//! - [`auditors`]: what of the audit practices and auditors may search, and why they must say so.
//! - [`fhir`]: requests, the use case of reading, and shaping the answer of a HIS.
//! - [`fault`]: the one table from an error on the resource endpoint to an answer that says who can act.
//! - [`explain`]: what would become of a request, step by step, and why.
//! - [`session`]: a person's visit, from the landing page to a code. [`pages`]: its HTML.
//! - [`signin`]: people at their work log in through the provider of their organisation.
//! - [`operations`]: what operators see of a node, and the emergency switch. [`open_desk`]: what practices, coalitions, the OPEN
//!   programme and insurers see.
//! - [`report`]: the figures of the OPEN programme, counted from the index of the audit.
//! - [`monitor`]: readiness and metrics.
//!
//! The outside world, which implements ports: [`outgoing`] (where our own calls may go), [`tls`], [`store`] (SQLite), `his::fhir`,
//! `his::smart` and `his::pool`, `lists::source`, `audit::file`, `chainlog::delivery`, `session::oidc`, `session::simulator`, [`telemetry`].
//!
//! Sockets: [`edge`] accepts, limits and closes connections and knows no route; each feature's `http.rs` decodes, calls and
//! encodes.
//!
//! Assembly: [`config`] (one TOML file, whole or refused), [`routes`] (every route on one page), [`app`] (configuration in,
//! running node out), [`cli`], and `sandbox`: the whole world on loopback, absent without the cargo feature of that name.
//!
//! # What holds, and where it is held
//!
//! - A module names only what stands before it in the table of `tests/architecture`, which lists the exceptions.
//! - What a reload changes is behind few pointers (`app::reload`); a request keeps what it began with.
//! - No module imports [`config`] but `app`, `cli` and `sandbox::world`; each defines the values it needs.
//! - No module reads the environment, save `cli`, which asks for the temporary folder. No HTTP client takes a proxy from it.
//! - Time comes through [`clock::Clock`]; only `edge` reads the timer of the runtime itself. Randomness comes through
//!   [`secret::random`].
//! - Requests for data stay on the thread that accepted their connection ([`edge::Workers`]); what may take long, and what must
//!   end when its client has gone, runs on the runtime of the control plane.
//! - No handler talks to a HIS: only `fhir::read` and `availability` call a [`his::HisAdapter`].
//! - Only [`routing::decide`] makes a [`routing::Permit`].
//! - Only the audit logs make an [`audit::AuditReceipt`], after the flush that covers the record. Those that make them without a
//!   disk or before it are for tests ([`audit::MemoryLog`]) and for measuring (`audit::UnawaitedLog`, absent without the feature
//!   `sandbox`). No data is released without a receipt: [`fhir::read::Released`] holds one.
//! - Nothing of an answer is sent before all of it is judged, and one fault in it withholds the whole.
//! - No record data is stored or cached. An adapter remembers a patient's id and date of birth in memory, for 15 minutes.
//! - A BSN is in clear in memory, in the answer of a login service (inside TLS, and encrypted again when that is configured),
//!   and in the body of a search at the HIS. It is sealed in the store, and a keyed pseudonym in the audit; the type prints
//!   as redacted.
//! - Access tokens and codes are kept as SHA-256; one presentation spends a code.
//! - Each outgoing call has a deadline, each body a bound, and each connection of ours goes to an address that [`outgoing`] has
//!   checked. A search by GET at a HIS is asked twice when its connection
//!   broke, and what is sent there to be kept never is. A HIS that keeps failing is left alone for a while.
//! - No code is `unsafe`. No input makes it panic by design: outside tests the gate refuses `unwrap`,
//!   `panic!` and indexing.

pub mod accesslog;
pub mod app;
pub mod audit;
pub mod auditors;
pub mod availability;
pub mod background;
pub mod bounds;
pub mod chainlog;
pub mod cli;
pub mod clients;
pub mod clock;
pub mod config;
pub mod edge;
pub mod explain;
pub mod fault;
pub mod fhir;
pub mod form;
pub mod his;
pub mod jose;
pub mod language;
pub mod lists;
pub mod medmij;
pub mod monitor;
pub mod oauth;
pub mod open_desk;
pub mod operations;
pub mod outgoing;
pub mod pages;
pub mod practices;
pub mod rates;
pub mod report;
pub mod routes;
pub mod routing;
#[cfg(feature = "sandbox")]
pub mod sandbox;
pub mod seal;
pub mod secret;
pub mod services;
pub mod session;
pub mod signin;
pub mod store;
pub mod telemetry;
pub mod tls;
pub mod trace;
