//! The pointers that a reload swaps.

use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::app::faces::Faces;
use crate::app::his::Observed;
use crate::app::material::FaceTls;
use crate::routes::{AuditorFace, BackFace, FrontFace, OperatorFace};
use crate::tls::server::ServerTls;

/// What a listener serves: TLS for its handshakes, and the face for its requests.
pub(in crate::app) struct Cell<S> {
    pub(in crate::app) tls: Arc<ArcSwap<ServerTls>>,
    pub(in crate::app) face: Arc<ArcSwap<S>>,
}

impl<S> Cell<S> {
    fn new(tls: ServerTls, face: S) -> Self {
        Self { tls: Arc::new(ArcSwap::from_pointee(tls)), face: Arc::new(ArcSwap::from_pointee(face)) }
    }

    fn put(&self, tls: ServerTls, face: S) {
        self.tls.store(Arc::new(tls));
        self.face.store(Arc::new(face));
    }
}

impl<S> Clone for Cell<S> {
    fn clone(&self) -> Self {
        Self { tls: Arc::clone(&self.tls), face: Arc::clone(&self.face) }
    }
}

/// Those of a node.
pub(in crate::app) struct Cells {
    pub(in crate::app) front: Cell<FrontFace>,
    pub(in crate::app) back: Cell<BackFace>,
    /// When there is a desk of auditors.
    pub(in crate::app) desk: Option<Cell<AuditorFace>>,
    /// When there is a desk of operators.
    pub(in crate::app) admin: Option<Cell<OperatorFace>>,
    /// The endpoints of HIS installations, for the metrics.
    pub(in crate::app) endpoints: Arc<ArcSwap<Vec<Observed>>>,
}

impl Cells {
    pub(super) fn new(tls: FaceTls, faces: Faces, endpoints: Vec<Observed>) -> Self {
        Self {
            front: Cell::new(tls.front, faces.front),
            back: Cell::new(tls.back, faces.back),
            desk: tls.desk.zip(faces.desk).map(|(tls, face)| Cell::new(tls, face)),
            admin: tls.admin.zip(faces.admin).map(|(tls, face)| Cell::new(tls, face)),
            endpoints: Arc::new(ArcSwap::from_pointee(endpoints)),
        }
    }

    pub(super) fn put(&self, tls: FaceTls, faces: Faces, endpoints: Vec<Observed>) {
        self.front.put(tls.front, faces.front);
        self.back.put(tls.back, faces.back);
        // A desk neither comes nor goes while the node runs.
        if let (Some(cell), Some(tls), Some(face)) = (&self.desk, tls.desk, faces.desk) {
            cell.put(tls, face);
        }
        if let (Some(cell), Some(tls), Some(face)) = (&self.admin, tls.admin, faces.admin) {
            cell.put(tls, face);
        }
        self.endpoints.store(Arc::new(endpoints));
    }
}
