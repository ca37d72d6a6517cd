//! Room that one answer leaves to the next on the same thread: how large an answer is does not decide how often memory is
//! asked for. What is left is places in a text that is gone, and the table of [`Shapes`], which holds nothing of an answer.

use std::cell::RefCell;

use super::marks::Marks;
use super::outline::Records;
use super::shapes::Shapes;

/// Bytes of an answer up to which its room is left: some 200 kB for a thread that shapes.
const KEPT: usize = 128 * 1024;
/// Records likewise.
const KEPT_RECORDS: usize = 4096;

thread_local! {
    static SPARE: RefCell<(Scratch, Records)> = RefCell::default();
}

/// What the scanner works with.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    pub(super) marks: Marks,
    pub(super) suspects: Vec<u32>,
    pub(super) shapes: Shapes,
}

/// Takes what the thread has to spare, empty.
pub(super) fn take() -> (Scratch, Records) {
    SPARE.try_with(RefCell::take).unwrap_or_default()
}

/// Leaves records to the next answer.
pub(super) fn keep(mut records: Records) {
    records.nodes.clear();
    records.visits.clear();
    if records.nodes.capacity().max(records.visits.capacity()) <= KEPT_RECORDS {
        // A thread that ends has no next answer.
        let _gone = SPARE.try_with(|spare| spare.borrow_mut().1 = records);
    }
}

impl Scratch {
    /// Leaves it to the next answer.
    pub(super) fn leave(mut self) {
        self.suspects.clear();
        if self.suspects.capacity() > KEPT_RECORDS {
            self.suspects = Vec::new();
        }
        if self.marks.room() > KEPT {
            self.marks = Marks::default();
        }
        let _gone = SPARE.try_with(|spare| spare.borrow_mut().0 = self);
    }
}
