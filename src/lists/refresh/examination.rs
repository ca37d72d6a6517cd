//! The part of a refresh that takes CPU and disk, away from the async threads: is what was fetched new, valid, ahead and whole?

use std::sync::Arc;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};

use super::{Held, RefreshError, Rules};
use crate::lists::copy::{Acceptance, CopyError, CopyFolder, Stamp};
use crate::lists::digest::Digest;
use crate::lists::guard::loss;
use crate::lists::{Fetched, ListHeader, ListKind, Lists, Loss, PerList, SourceError, Validator};

/// How far the publisher's clock may run ahead of ours, in seconds.
const CLOCK_TOLERANCE: SignedDuration = SignedDuration::from_secs(300);

/// What was fetched, and beside what it is laid.
pub(super) struct Examination {
    pub(super) fetched: PerList<Result<Fetched, SourceError>>,
    pub(super) held: Option<Held>,
    pub(super) rules: Rules,
    pub(super) now: Timestamp,
    pub(super) copy: CopyFolder,
}

/// What came out.
pub(super) enum Examined {
    /// A new set, to be put into force.
    New { held: Held, accepted: Vec<Acceptance>, copy: Result<(), CopyError> },
    /// The set in force, given again.
    Same { held: Held, copy: Result<(), CopyError> },
    /// No set. The lists of the one in force that were given again are confirmed.
    Refused { held: Option<Held>, error: RefreshError },
}

/// A list that was given.
struct Given {
    /// Whether it is the one that is held.
    again: bool,
    /// The file, unless the publisher only said that it is the same.
    bytes: Option<Bytes>,
    sha256: Digest,
    validator: Option<Validator>,
}

impl Examination {
    pub(super) fn run(mut self) -> Examined {
        let given = PerList::from_fn(|list| self.sort(list));
        self.confirm(&given);
        match self.judge(given) {
            Ok(Judged { given, lists, accepted }) => self.take(&given, lists, accepted),
            Err(error) => {
                self.save_confirmed();
                Examined::Refused { held: self.held, error }
            }
        }
    }

    /// Whether a list is the one that is held: the publisher says so, or its content does.
    fn sort(&self, list: ListKind) -> Result<Given, SourceError> {
        let held = self.held.as_ref().map(|held| (held.stamps.of(list).sha256, held.validators.of(list).clone()));
        match (self.fetched.of(list).clone()?, held) {
            (Fetched::NotModified, Some((sha256, validator))) => {
                Ok(Given { again: true, bytes: None, sha256, validator })
            }
            // Nothing is held, so nothing was asked in this way.
            (Fetched::NotModified, None) => Err(SourceError::Status { status: 304 }),
            (Fetched::List { bytes, validator }, held) => {
                let sha256 = Digest::of(&bytes);
                let again = held.is_some_and(|(held, _)| held == sha256);
                Ok(Given { again, bytes: Some(bytes), sha256, validator })
            }
        }
    }

    /// A list that was given again is as young as if it were new, whatever becomes of the others: each has an age of its own.
    fn confirm(&mut self, given: &PerList<Result<Given, SourceError>>) {
        let Some(held) = &mut self.held else { return };
        let again = |list| given.of(list).as_ref().ok().filter(|given| given.again);
        held.stamps = PerList::from_fn(|list| {
            let stamp = *held.stamps.of(list);
            if again(list).is_some() { Stamp { fetched_at: self.now, ..stamp } } else { stamp }
        });
        held.validators = PerList::from_fn(|list| match again(list) {
            Some(given) => given.validator.clone(),
            None => held.validators.of(list).clone(),
        });
    }

    fn save_confirmed(&mut self) {
        if let Some(held) = self.held.as_mut().filter(|held| held.saved) {
            held.saved = self.copy.save(&PerList::default(), &held.stamps, &held.lists.grace).is_ok();
        }
    }

    /// Whether what was given may be in force, all of it.
    fn judge(&self, given: PerList<Result<Given, SourceError>>) -> Result<Judged, RefreshError> {
        let PerList { zal, ocl, whl, gnl } = given;
        let of = |list| move |error| RefreshError::Fetch { list, error };
        let given = PerList {
            zal: zal.map_err(of(ListKind::Zal))?,
            ocl: ocl.map_err(of(ListKind::Ocl))?,
            whl: whl.map_err(of(ListKind::Whl))?,
            gnl: gnl.map_err(of(ListKind::Gnl))?,
        };
        let mut lists = self.held.as_ref().map_or_else(Lists::default, |held| Lists::clone(&held.lists));
        for list in ListKind::ALL {
            if let Given { again: false, bytes: Some(bytes), sha256, .. } = given.of(list) {
                let read = lists.replace(list, bytes, self.rules.reading);
                read.map_err(|error| RefreshError::Invalid { list, error })?;
                self.check_order(list, *lists.headers().of(list), *sha256)?;
            }
        }
        if let Some(held) = self.held.as_ref().filter(|_| !given.zal.again) {
            lists.grace = held.lists.grace.after(&held.lists.zal, &lists.zal, self.now, self.rules.grace).into();
        }
        let accepted = self.guard(&lists, &given)?;
        Ok(Judged { given, lists, accepted })
    }

    /// `Volgnummer` is raised at each publication, so it never falls, and one number means one content.
    fn check_order(&self, list: ListKind, offered: ListHeader, sha256: Digest) -> Result<(), RefreshError> {
        if offered.timestamp.duration_since(self.now) > CLOCK_TOLERANCE {
            return Err(RefreshError::FromTheFuture { list, timestamp: offered.timestamp });
        }
        let Some(held) = self.held.as_ref().map(|held| held.stamps.of(list)) else { return Ok(()) };
        if offered.sequence < held.sequence {
            return Err(RefreshError::RollBack { list, held: held.sequence, offered: offered.sequence });
        }
        if offered.sequence == held.sequence && sha256 != held.sha256 {
            return Err(RefreshError::SameSequenceOtherContent { list, sequence: offered.sequence });
        }
        Ok(())
    }

    /// What was lost must be little, or accepted. With nothing to compare with nothing is lost.
    fn guard(&self, lists: &Lists, given: &PerList<Given>) -> Result<Vec<Acceptance>, RefreshError> {
        let Some(held) = &self.held else { return Ok(Vec::new()) };
        let lost = |list| loss(list, &held.lists, lists, *self.rules.loss_percent.of(list), given.of(list).sha256);
        let losses: Vec<Loss> = ListKind::ALL.into_iter().filter_map(lost).collect();
        if let Some(accepted) = self.copy.accepted(&losses) {
            return Ok(accepted);
        }
        if let Err(error) = self.copy.hold_back(&losses) {
            tracing::error!(error = %error, "what is held back cannot be noted, so it cannot be accepted");
        }
        Err(RefreshError::HeldBack { losses })
    }

    /// The set that is in force from now on, and its copy.
    fn take(self, given: &PerList<Given>, lists: Lists, accepted: Vec<Acceptance>) -> Examined {
        let (held, headers) = (self.held, lists.headers());
        let same = held.is_some() && ListKind::ALL.into_iter().all(|list| given.of(list).again);
        let was_saved = held.as_ref().is_some_and(|held| held.saved);
        let lists = held.filter(|_| same).map_or_else(|| Arc::new(lists), |held| held.lists);
        let stamps = PerList::from_fn(|list| Stamp {
            sequence: headers.of(list).sequence,
            sha256: given.of(list).sha256,
            fetched_at: self.now,
        });
        let files = PerList::from_fn(|list| {
            let there = was_saved && given.of(list).again;
            given.of(list).bytes.clone().filter(|_| !there)
        });
        let copy = self.copy.save(&files, &stamps, &lists.grace).and_then(|()| self.copy.settle());
        let validators = PerList::from_fn(|list| given.of(list).validator.clone());
        let held = Held { lists, stamps, validators, saved: copy.is_ok() };
        if same { Examined::Same { held, copy } } else { Examined::New { held, accepted, copy } }
    }
}

/// What may be in force.
struct Judged {
    given: PerList<Given>,
    lists: Lists,
    accepted: Vec<Acceptance>,
}
