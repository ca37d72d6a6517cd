//! Room that one answer leaves to the next on the same thread: how large an answer is does not decide how often memory is
//! asked for. What is left is empty or wiped, apart from places in a text that is gone and the table of [`Shapes`], which
//! holds nothing of an answer.

use std::cell::RefCell;

use super::bundle::Entry;
use super::edits::Room;
use super::marks::Marks;
use super::outline::Records;
use super::shapes::Shapes;
use super::walk::Site;

/// Bytes of an answer up to which its room is left: with what belongs to it at most 1 MB for a thread that shapes.
const KEPT: usize = 128 * 1024;
/// Records of an answer likewise.
const KEPT_RECORDS: usize = 8192;
/// Entries, References and changes of an answer likewise.
const KEPT_PARTS: usize = 1024;

#[derive(Default)]
struct Spare {
    scratch: Scratch,
    records: Records,
    edits: Room,
    sites: Vec<Site<'static>>,
    entries: Vec<Option<Entry<'static>>>,
}

thread_local! {
    static SPARE: RefCell<Spare> = RefCell::default();
}

/// What the scanner works with.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    pub(super) marks: Marks,
    pub(super) suspects: Vec<u32>,
    pub(super) shapes: Shapes,
}

/// Takes what the thread has to spare for the scanner.
pub(super) fn take() -> (Scratch, Records) {
    with(|spare| (std::mem::take(&mut spare.scratch), std::mem::take(&mut spare.records)))
}

/// The same for changes.
pub(super) fn edits() -> Room {
    with(|spare| std::mem::take(&mut spare.edits))
}

/// The same for References.
pub(super) fn sites<'o>() -> Vec<Site<'o>> {
    emptied(with(|spare| std::mem::take(&mut spare.sites)))
}

/// The same for entries.
pub(super) fn entries<'o>() -> Vec<Option<Entry<'o>>> {
    emptied(with(|spare| std::mem::take(&mut spare.entries)))
}

/// Leaves records to the next answer.
pub(super) fn keep(mut records: Records) {
    records.nodes.clear();
    records.visits.clear();
    if records.nodes.capacity().max(records.visits.capacity()) <= KEPT_RECORDS {
        with(|spare| spare.records = records);
    }
}

/// The same for changes, which are empty and wiped.
pub(super) fn keep_edits(room: Room) {
    let (list, texts, rooms) = &room;
    let bytes = texts.capacity() + rooms.iter().map(String::capacity).sum::<usize>();
    if list.capacity() <= KEPT_PARTS && bytes <= KEPT {
        with(|spare| spare.edits = room);
    }
}

/// The same for References.
pub(super) fn keep_sites(sites: Vec<Site<'_>>) {
    if sites.capacity() <= KEPT_PARTS {
        let sites = emptied(sites);
        with(|spare| spare.sites = sites);
    }
}

/// The same for entries.
pub(super) fn keep_entries(entries: Vec<Option<Entry<'_>>>) {
    if entries.capacity() <= KEPT_PARTS {
        let entries = emptied(entries);
        with(|spare| spare.entries = entries);
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
        with(|spare| spare.scratch = self);
    }
}

/// A thread that ends has nothing to spare, and needs nothing.
fn with<T: Default>(work: impl FnOnce(&mut Spare) -> T) -> T {
    SPARE.try_with(|spare| work(&mut spare.borrow_mut())).unwrap_or_default()
}

/// The same room, for elements that live otherwise: the standard library collects a list in the place of another whose
/// elements have the same layout.
fn emptied<T, U>(mut list: Vec<T>) -> Vec<U> {
    list.clear();
    list.into_iter().filter_map(|_| None).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_left_to_the_next_answer_up_to_a_limit() {
        for (parts, is_left) in [(100, true), (KEPT_PARTS + 1, false)] {
            keep_sites(Vec::with_capacity(parts));
            assert_eq!(sites().capacity() >= parts, is_left);
            keep_entries(Vec::with_capacity(parts));
            assert_eq!(entries().capacity() >= parts, is_left);
            assert_eq!((sites().capacity(), entries().capacity()), (0, 0), "it was taken");
        }
        for (bytes, is_left) in [(1000, true), (KEPT + 1, false)] {
            keep_edits((Vec::new(), Vec::with_capacity(bytes), Room::default().2));
            assert_eq!(edits().1.capacity() >= bytes, is_left);
        }
    }
}
