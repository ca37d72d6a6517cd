//! The pages of practices, coalitions, the OPEN programme and insurers in a node: under `/open` of the front channel.

use std::sync::Arc;

use axum::Router;

use super::assemble::Shared;
use crate::config::Config;
use crate::open_desk::{OpenDesk, http};
use crate::seal::{Key32, Sealer};
use crate::session::journey::Operator;
use crate::signin::shared::SharedSessions;
use crate::signin::{OrganisationProvider, SignIn};

/// Its routes, when the configuration has them.
pub(super) fn routes(
    config: &Config,
    shared: &Shared,
    provider: Option<Arc<dyn OrganisationProvider>>,
    (operator, sealing): (Operator, &Key32),
) -> Option<Router> {
    let (written, provider) = config.open.as_ref().map(|open| &open.login).zip(provider)?;
    let own = &shared.operations;
    let sessions = SharedSessions {
        over: Arc::clone(&shared.store) as _,
        sealer: Sealer::derived(sealing, "open session"),
        issuer: written.provider.issuer.as_str().to_owned(),
        lifetime: written.session,
        clock: Arc::clone(&shared.clock),
    };
    let login =
        SignIn { provider, sessions, sealer: Sealer::derived(sealing, "open login"), clock: Arc::clone(&shared.clock) };
    let desk = OpenDesk {
        login,
        register: Arc::clone(&own.register),
        snapshot: Arc::clone(&shared.snapshot),
        operator,
        front: config.front.origin.to_string(),
        audit: Arc::clone(&shared.audit) as _,
        refusals: Arc::clone(&own.open_refusals),
        clock: Arc::clone(&shared.clock),
    };
    Some(http::router(Arc::new(desk)))
}
