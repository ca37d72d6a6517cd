//! The faces of a node on their sockets: front and desks on the runtime of the control plane, the back channel on threads of its own.

use std::net::TcpListener;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::reload::Cell;
use super::{Half, Listeners, RunError, auditors};
use crate::clock::SharedClock;
use crate::edge::{Counters, Edge, EdgeConfig, Listener, WorkerError, Workers, serve};
use crate::monitor::metrics::Face;
use crate::monitor::ready::Readiness;
use crate::routes::{AuditorFace, BackFace, Current, FrontFace, OperatorFace};

/// The faces of a node.
pub(super) type FaceHalves = (Half<FrontFace>, Half<BackFace>, Option<Half<AuditorFace>>, Option<Half<OperatorFace>>);

///
/// A node that steps aside sends browsers and clients elsewhere; those who look after it stay.
pub(super) fn edges(
    (front, back, auditors, admin): FaceHalves,
    clock: &SharedClock,
    grace: Duration,
    aside: &Arc<AtomicBool>,
) -> FaceEdges {
    let auditors = auditors.map(|face| face.edge(clock, grace, &Arc::default()));
    let admin = admin.map(|face| face.edge(clock, grace, &Arc::default()));
    (front.edge(clock, grace, aside), back.edge(clock, grace, aside), auditors, admin)
}

/// What each face counts.
pub(super) fn counted(
    front: &Half<FrontFace>,
    back: &Half<BackFace>,
    auditors: Option<&Half<AuditorFace>>,
    admin: Option<&Half<OperatorFace>>,
) -> Vec<(Face, Arc<Counters>)> {
    let mut counted = vec![(Face::Front, Arc::clone(&front.counters)), (Face::Back, Arc::clone(&back.counters))];
    counted.extend(auditors.map(|face| (Face::Auditors, Arc::clone(&face.counters))));
    counted.extend(admin.map(|face| (Face::Operators, Arc::clone(&face.counters))));
    counted
}

/// The faces, ready for their sockets.
pub(super) type FaceEdges = (
    Edge<Current<FrontFace>>,
    Edge<Current<BackFace>>,
    Option<Edge<Current<AuditorFace>>>,
    Option<Edge<Current<OperatorFace>>>,
);

/// The sockets of the faces.
pub(super) struct Sockets {
    front: Listener,
    back: TcpListener,
    /// How many threads serve the back channel.
    workers: NonZeroUsize,
    auditors: Option<Listener>,
    admin: Option<Listener>,
}

impl Sockets {
    /// And that of operations. Must be called inside the runtime of the control plane.
    ///
    /// # Errors
    /// When the system does not take a socket.
    pub(super) fn of(listeners: Listeners, workers: NonZeroUsize) -> Result<(Self, tokio::net::TcpListener), RunError> {
        let ops = tokio::net::TcpListener::from_std(nonblocking(listeners.ops)?)?;
        let (front, auditors) = (Listener::from_std(listeners.front)?, auditors::socket(listeners.auditors)?);
        let admin = auditors::socket(listeners.admin)?;
        Ok((Self { front, back: listeners.back, workers, auditors, admin }, ops))
    }

    /// Serves all faces until `stop`, and until they are drained. A thread that ends by itself is a stop.
    ///
    /// # Errors
    /// When the data plane could not begin, or did not end in order.
    pub(super) async fn serve(
        self,
        (front, back, auditors, admin): FaceEdges,
        stop: &CancellationToken,
        readiness: &Readiness,
    ) -> Result<(), RunError> {
        let workers = Workers::start(self.back, back, self.workers, stop).map_err(WorkerError::Unable);
        let front = serve(self.front, front, stop.clone());
        let back = async { workers?.ended().await };
        let desk = auditors::run(self.auditors.zip(auditors), stop.clone());
        let admin = auditors::run(self.admin.zip(admin), stop.clone());
        let draining = async {
            stop.cancelled().await;
            readiness.drain();
        };
        let (front, back, desk, admin, ()) = tokio::join!(front, back, desk, admin, draining);
        let back = back?;
        let finished = front.finished + back.finished + desk.finished + admin.finished;
        tracing::info!(finished, cut = front.cut + back.cut + desk.cut + admin.cut, "drained");
        Ok(())
    }
}

impl<S> Half<S> {
    pub(super) fn of(config: EdgeConfig, cell: &Cell<S>) -> Self {
        Self { config, cell: cell.clone(), counters: Arc::default() }
    }

    fn edge(self, clock: &SharedClock, grace: Duration, aside: &Arc<AtomicBool>) -> Edge<Current<S>> {
        let config = EdgeConfig { drain_grace: grace, ..self.config };
        let Cell { tls, face } = self.cell;
        let service = Current { face, aside: Arc::clone(aside) };
        Edge { config, tls, service, clock: Arc::clone(clock), counters: self.counters }
    }
}

fn nonblocking(listener: TcpListener) -> std::io::Result<TcpListener> {
    listener.set_nonblocking(true)?;
    Ok(listener)
}
