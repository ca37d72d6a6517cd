//! What changed in each list when it last came into force, for operators.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use crate::lists::{Gnl, ListKind, Lists, Ocl, PerList, Whl, Zal};
use crate::operations::view::{ChangeView, NamesView, moment};

/// Most names that are told of each kind of change; all are counted.
const NAMED_MAX: usize = 100;

/// The last change of each list since the start of the node.
#[derive(Default)]
pub(super) struct Changes(Mutex<PerList<Option<ChangeView>>>);

impl Changes {
    /// A set came into force after another. Takes one look-up for each entry of both.
    pub(super) fn note(&self, before: &Lists, after: &Lists, at: Timestamp) {
        let new = PerList::from_fn(|list| change(list, before, after, at));
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *kept = PerList::from_fn(|list| new.of(list).clone().or_else(|| kept.of(list).clone()));
    }

    /// That of one list.
    pub(super) fn of(&self, list: ListKind) -> Option<ChangeView> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).of(list).clone()
    }
}

/// `None` when nothing was there before, or the list is the same publication.
fn change(list: ListKind, before: &Lists, after: &Lists, at: Timestamp) -> Option<ChangeView> {
    let (old, new) = (before.headers().of(list).sequence, after.headers().of(list).sequence);
    if old == 0 || old == new {
        return None;
    }
    let mut change = ChangeView { before: old, at: moment(at), ..ChangeView::default() };
    match list {
        ListKind::Zal => {
            let (old, new) = (&before.zal, &after.zal);
            let names = |zal: &Zal| zal.providers().iter().map(|one| one.name().to_string()).collect();
            change.compare(&names(old), &names(new), |name| (old.provider(name), new.provider(name)));
        }
        ListKind::Ocl => {
            let (old, new) = (&before.ocl, &after.ocl);
            let names = |ocl: &Ocl| ocl.clients().iter().map(|one| one.hostname().to_string()).collect();
            change.compare(&names(old), &names(new), |name| (old.client(name), new.client(name)));
        }
        ListKind::Whl => {
            let names = |whl: &Whl| whl.hosts().map(ToString::to_string).collect::<BTreeSet<_>>();
            let (old, new) = (names(&before.whl), names(&after.whl));
            let found = |names: &BTreeSet<String>, name: &str| names.contains(name).then_some(());
            change.compare(&old, &new, |name| (found(&old, name), found(&new, name)));
        }
        ListKind::Gnl => {
            let (old, new) = (&before.gnl, &after.gnl);
            let names = |gnl: &Gnl| gnl.names().map(|(id, _)| id.to_string()).collect();
            change.compare(&names(old), &names(new), |name| (old.name(name), new.name(name)));
        }
    }
    Some(change)
}

impl ChangeView {
    /// `find` gives what stands under a name in the old and in the new list.
    fn compare<T: PartialEq>(
        &mut self,
        old: &BTreeSet<String>,
        new: &BTreeSet<String>,
        find: impl Fn(&str) -> (Option<T>, Option<T>),
    ) {
        for name in old.union(new) {
            match find(name) {
                (None, Some(_)) => add(&mut self.added, name),
                (Some(_), None) => add(&mut self.gone, name),
                (Some(before), Some(after)) if before != after => add(&mut self.changed, name),
                (Some(_), Some(_)) | (None, None) => {}
            }
        }
    }
}

fn add(names: &mut NamesView, name: &str) {
    names.count = names.count.saturating_add(1);
    if names.names.len() < NAMED_MAX {
        names.names.push(name.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(names: &NamesView) -> (usize, Vec<&str>) {
        (names.count, names.names.iter().map(String::as_str).collect())
    }

    #[test]
    fn what_came_went_and_changed_is_counted_and_named() {
        let mut change = ChangeView::default();
        let names = |names: [&str; 3]| names.map(str::to_owned).into_iter().collect::<BTreeSet<_>>();
        let (old, new) = (names(["a", "b", "c"]), names(["b", "c", "d"]));
        let find = |name: &str| {
            let found = |names: &BTreeSet<String>, facts: u8| names.contains(name).then_some(facts);
            (found(&old, 1), found(&new, if name == "c" { 2 } else { 1 }))
        };
        change.compare(&old, &new, find);
        assert_eq!(told(&change.added), (1, vec!["d"]));
        assert_eq!(told(&change.gone), (1, vec!["a"]));
        assert_eq!(told(&change.changed), (1, vec!["c"]));
    }

    #[test]
    fn of_many_names_some_are_told_and_all_counted() {
        let mut names = NamesView::default();
        (0..1_000).for_each(|number| add(&mut names, &number.to_string()));
        assert_eq!((names.count, names.names.len()), (1_000, NAMED_MAX));
    }
}
