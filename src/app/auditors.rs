//! The desk of auditors in a node: a listener of its own, with mutual TLS.

use std::net::TcpListener;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::assemble::{Shared, half, identity, key};
use super::start::StartError;
use super::{Half, RunError};
use crate::audit::AuditIndex;
use crate::audit::render::Site;
use crate::auditors::ticket::Tickets;
use crate::auditors::{Approvals, Desk, Files, People, Role};
use crate::config::{AuditorRole, Auditors, Config};
use crate::edge::{Drained, Listener, serve};
use crate::routes::AuditorFace;
use crate::seal::Sealer;
use crate::tls::identity::Roots;
use crate::tls::server::back_channel;

/// The face of the desk, when the configuration has one.
pub(super) fn face(
    config: &Config,
    shared: &Shared,
    index: Arc<dyn AuditIndex>,
) -> Result<Option<Half<AuditorFace>>, StartError> {
    let Some(section) = &config.auditors else { return Ok(None) };
    let own = identity(&section.identity, &shared.clock)?;
    let tls = back_channel(&own, &Roots::load(&section.client_roots)?, Vec::new(), &shared.clock)?;
    let router = crate::auditors::http::router(Arc::new(desk(config, section, shared, index)?));
    let face = AuditorFace { router, watch: shared.watch.clone() };
    Ok(Some(half(config, &section.origin, tls, face)))
}

fn desk(config: &Config, section: &Auditors, shared: &Shared, index: Arc<dyn AuditIndex>) -> Result<Desk, StartError> {
    let role = |role: &AuditorRole| match role {
        AuditorRole::Auditor => Role::Auditor,
        AuditorRole::Practice(practices) => Role::Practice(practices.clone()),
    };
    Ok(Desk {
        people: People::new(section.people.iter().map(|(name, written)| (name.clone(), role(written)))),
        four_eyes: section.four_eyes,
        approvals: Approvals::default(),
        tickets: Tickets::new(Sealer::derived(&key(&config.keys.sealing)?, "auditor question")),
        index,
        audit: Arc::clone(&shared.audit) as _,
        keys: Arc::clone(&shared.keyring),
        site: Site {
            log: shared.audit.id().shared(),
            operator: Some(config.operator.name.as_str().into()),
            host: Some(config.back.origin.host().as_str().into()),
        },
        clock: Arc::clone(&shared.clock),
        files: Files::default(),
    })
}

/// The port of the desk, when there is one.
pub(super) fn bind(config: &Config) -> Result<Option<TcpListener>, StartError> {
    config.auditors.as_ref().map(|section| super::start::bind(section.listen)).transpose()
}

/// Serves the desk until `stop`; without one there is nothing to do.
pub(super) async fn run(face: Option<(Listener, crate::edge::Edge<AuditorFace>)>, stop: CancellationToken) -> Drained {
    match face {
        Some((socket, edge)) => serve(socket, edge, stop).await,
        None => Drained { finished: 0, cut: 0 },
    }
}

/// The socket of the desk, ready for the runtime.
pub(super) fn socket(listener: Option<TcpListener>) -> Result<Option<Listener>, RunError> {
    Ok(listener.map(Listener::from_std).transpose()?)
}
