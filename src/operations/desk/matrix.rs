//! The matrix of combinations at the desk: seen by readers.

use super::{Desk, DeskError};
use crate::operations::matrix::{CombinationView, MatrixView, Scene, Wish};
use crate::operations::operators::Reads;
use crate::practices::programme::{Day, Register};
use crate::report::matrix::board::{Board, Window, board};
use crate::routing::Snapshot;

/// Why the matrix is not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DeskMatrixError {
    /// The store does not answer, or the register cannot be read.
    #[error("the matrix cannot be read now: try again later")]
    Store,
    /// There is no such combination, or nobody tried it in the window.
    #[error("there is no such combination in these days")]
    Absent,
    /// The desk says no.
    #[error(transparent)]
    Desk(#[from] DeskError),
}

impl Desk {
    /// The combinations that somebody asks for.
    ///
    /// # Errors
    /// When store or register cannot be read.
    pub async fn matrix(&self, _: &Reads, wish: &Wish) -> Result<MatrixView, DeskMatrixError> {
        let (board, register) = self.board(wish.window).await?;
        let snapshot = self.snapshot.load();
        Ok(self.matrix_scene(&snapshot, &register).matrix(&board, wish))
    }

    /// One combination.
    ///
    /// # Errors
    /// When it is not there, or store or register cannot be read.
    pub async fn combination(&self, _: &Reads, id: &str, window: Window) -> Result<CombinationView, DeskMatrixError> {
        let (board, register) = self.board(window).await?;
        let snapshot = self.snapshot.load();
        self.matrix_scene(&snapshot, &register).one(&board, id).ok_or(DeskMatrixError::Absent)
    }

    async fn board(&self, window: Window) -> Result<(Board, std::sync::Arc<Register>), DeskMatrixError> {
        let register = self.register.read().await.map_err(|_| DeskMatrixError::Store)?;
        let board = board(&*self.matrix, window, self.clock.now()).await.map_err(|_| DeskMatrixError::Store)?;
        Ok((board, register))
    }

    fn matrix_scene<'a>(&self, snapshot: &'a Snapshot, register: &'a Register) -> Scene<'a> {
        let today = Day::of(crate::availability::dutch_today(self.clock.now())).ok();
        Scene { snapshot, register, today }
    }
}
