//! The desk of auditors in a node: a listener of its own, with mutual TLS.

use std::net::TcpListener;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::RunError;
use super::assemble::Shared;
use crate::audit::render::Site;
use crate::auditors::ticket::Tickets;
use crate::auditors::{Desk, People, Role};
use crate::config::{AuditorRole, Auditors, Config};
use crate::edge::{Drained, Edge, Listener, Serve, serve};
use crate::routes::AuditorFace;
use crate::seal::{Key32, Sealer};

/// The face of the desk, when the configuration has one.
pub(super) fn face(config: &Config, shared: &Shared, sealing: &Key32) -> Option<AuditorFace> {
    let section = config.auditors.as_ref()?;
    let router = crate::auditors::http::router(Arc::new(desk(config, section, shared, sealing)));
    Some(AuditorFace { router, watch: shared.watch.clone() })
}

fn desk(config: &Config, section: &Auditors, shared: &Shared, sealing: &Key32) -> Desk {
    let role = |role: &AuditorRole| match role {
        AuditorRole::Auditor => Role::Auditor,
        AuditorRole::Practice(practices) => Role::Practice(practices.clone()),
    };
    Desk {
        people: People::new(section.people.iter().map(|(name, written)| (name.clone(), role(written)))),
        four_eyes: section.four_eyes,
        approvals: Arc::clone(&shared.approvals),
        tickets: Tickets::new(Sealer::derived(sealing, "auditor question")),
        index: Arc::clone(&shared.index),
        audit: Arc::clone(&shared.audit) as _,
        keys: Arc::clone(&shared.keyring),
        site: Site {
            log: shared.audit.id().shared(),
            operator: Some(config.operator.name.as_str().into()),
            host: Some(config.back.origin.host().as_str().into()),
        },
        clock: Arc::clone(&shared.clock),
        files: shared.files.clone(),
    }
}

/// Serves a desk until `stop`; without one there is nothing to do.
pub(super) async fn run<S: Serve>(face: Option<(Listener, Edge<S>)>, stop: CancellationToken) -> Drained {
    match face {
        Some((socket, edge)) => serve(socket, edge, stop).await,
        None => Drained { finished: 0, cut: 0 },
    }
}

/// The socket of a desk, ready for the runtime.
pub(super) fn socket(listener: Option<TcpListener>) -> Result<Option<Listener>, RunError> {
    Ok(listener.map(Listener::from_std).transpose()?)
}
