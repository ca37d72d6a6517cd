//! What an operator changes of go-live, each on record before it happens.

use super::{Desk, DeskError};
use crate::audit::{AuditEvent, Kind, Outcome};
use crate::medmij::{Bsn, LocalId};
use crate::oauth::store::StoreError;
use crate::operations::operators::{Changes, Person, Reads, Right};
use crate::operations::switch::{Reason, SwitchError};
use crate::operations::view::{DoneView, EntranceView, StageChangeView};
use crate::practices::golive::places::Change;
use crate::practices::golive::{Entrance, Stage};

/// What an operator wants at an entrance.
pub struct StageWish<'a> {
    /// The stage as JSON; without one it is to be as configured.
    pub stage: Option<&'a str>,
    /// The number of the change that the operator saw last; 0 for none. Another editor may have come between.
    pub seen: u32,
    /// Why.
    pub reason: &'a str,
}

impl Desk {
    /// Every entrance that has a stage of its own.
    #[must_use]
    pub fn entrances(&self, _: &Reads) -> Vec<EntranceView> {
        let snapshot = self.snapshot.load();
        self.golive.known().iter().map(|change| EntranceView::of(change, &snapshot)).collect()
    }

    /// The changes at one entrance, newest first.
    ///
    /// # Errors
    /// When the name is none, or the store does not answer.
    pub async fn stage_changes(&self, _: &Reads, entrance: &str) -> Result<Vec<StageChangeView>, DeskError> {
        let entrance = Entrance::parse(entrance).ok_or(DeskError::Entrance)?;
        Ok(self.golive.past(&entrance).await.map_err(down)?.iter().map(StageChangeView::of).collect())
    }

    /// Sets the stage of an entrance.
    ///
    /// # Errors
    /// See [`DeskError`].
    pub async fn set_stage(&self, by: &Changes, entrance: &str, wish: StageWish<'_>) -> Result<DoneView, DeskError> {
        let entrance = self.known_entrance(entrance)?;
        let stage = wish.stage.map(Stage::read).transpose().map_err(|_| DeskError::Stage)?;
        let reason = Reason::parse(wish.reason).ok_or(DeskError::Reason)?;
        self.put_stage(by.person(), entrance, (wish.seen, stage), reason.as_str()).await
    }

    /// The number of the newest change of an entrance that this node knows; 0 when there is none.
    #[must_use]
    pub fn newest(&self, entrance: &str) -> u32 {
        let known = self.golive.known();
        known.iter().find(|change| change.entrance.to_string() == entrance).map_or(0, |change| change.number)
    }

    /// Puts the stage before the last change back: one click.
    ///
    /// # Errors
    /// See [`DeskError`].
    pub async fn undo_stage(&self, by: &Changes, entrance: &str, seen: u32) -> Result<DoneView, DeskError> {
        let entrance = self.known_entrance(entrance)?;
        let past = self.golive.past(&entrance).await.map_err(down)?;
        let last = past.first().filter(|change| change.number == seen).ok_or(DeskError::SeenOther)?;
        let before = past.get(1).and_then(|change| change.stage.clone());
        let reason = format!("change {} undone", last.number);
        self.put_stage(by.person(), entrance, (seen, before), &reason).await
    }

    async fn put_stage(
        &self,
        person: &Person,
        entrance: Entrance,
        (seen, stage): (u32, Option<Stage>),
        reason: &str,
    ) -> Result<DoneView, DeskError> {
        let number = seen.checked_add(1).ok_or(DeskError::SeenOther)?;
        let now = self.clock.now();
        let id = LocalId::new(now);
        let written = stage.as_ref().map_or_else(|| "as configured".to_owned(), Stage::write);
        let mut event = self.at(person, &entrance);
        event.local_id = Some(id);
        event.detail = Some(format!("{entrance}: {written}: {reason}").into());
        let intent = self.intend(&event).await?;
        let (reason, by) = (reason.to_owned(), person.name().to_string());
        let done = self.golive.change(Change { id, entrance, number, stage, reason, by, at: now }).await;
        let (outcome, why) = match &done {
            Ok(true) => (Outcome::Done, None),
            Ok(false) => (Outcome::Refused, Some("changed-meanwhile")),
            Err(_) => (Outcome::Failed, Some("store-down")),
        };
        self.note(AuditEvent { outcome, reason: why, intent: Some(intent.index()), ..event }).await;
        if done.map_err(down)? {
            Ok(DoneView { changed: true, receipt: intent.to_string() })
        } else {
            Err(DeskError::SeenOther)
        }
    }

    /// Gives a test patient a place at an entrance, or takes it away.
    ///
    /// # Errors
    /// See [`DeskError`].
    pub async fn name_patient(
        &self,
        by: &Changes,
        entrance: &str,
        (bsn, takes_part): (&str, bool),
    ) -> Result<DoneView, DeskError> {
        let entrance = self.known_entrance(entrance)?;
        let person = Bsn::parse(bsn).map_err(|_| DeskError::Bsn)?;
        let mut event = self.at(by.person(), &entrance);
        event.subject =
            Some(self.keyring.subject(&person, event.time).map_err(|missing| DeskError::Audit(missing.into()))?);
        let what = if takes_part { "a person takes part" } else { "a person takes part no more" };
        event.detail = Some(format!("{entrance}: {what}").into());
        let intent = self.intend(&event).await?;
        let done = if takes_part {
            self.golive.seat(&entrance, &person, event.time).await
        } else {
            self.golive.unseat(&entrance, &person).await
        };
        let (outcome, why) = match done {
            Ok(true) => (Outcome::Done, None),
            Ok(false) => (Outcome::Done, Some("no-change")),
            Err(_) => (Outcome::Failed, Some("store-down")),
        };
        self.note(AuditEvent { outcome, reason: why, intent: Some(intent.index()), ..event }).await;
        let changed = done.map_err(down)?;
        if changed && !takes_part {
            self.renew(by.person(), &entrance).await?;
        }
        Ok(DoneView { changed, receipt: intent.to_string() })
    }

    /// Lets the stage begin anew, so that a consent from before counts no longer by its date, only by the person's place.
    async fn renew(&self, person: &Person, entrance: &Entrance) -> Result<(), DeskError> {
        let known = self.golive.known();
        let Some(Change { number, stage: Some(stage), .. }) = known.iter().find(|change| change.entrance == *entrance)
        else {
            return Ok(());
        };
        let renewed = (*number, Some(stage.clone()));
        self.put_stage(person, entrance.clone(), renewed, "a person takes part no more").await.map(|_| ())
    }

    /// An entrance that there is: a name with a typo would open nothing, and say that it did.
    fn known_entrance(&self, text: &str) -> Result<Entrance, DeskError> {
        let entrance = Entrance::parse(text).ok_or(DeskError::Entrance)?;
        let snapshot = self.snapshot.load();
        let is_ours = snapshot.practices.practice(entrance.provider.as_str()).is_some();
        let is_served = entrance.service.as_ref().is_none_or(|id| snapshot.services.service(id.as_str()).is_some());
        if is_ours && is_served { Ok(entrance) } else { Err(DeskError::Entrance) }
    }

    fn at(&self, person: &Person, entrance: &Entrance) -> AuditEvent {
        let mut event = self.event(person, Kind::GoLiveChanged, Outcome::Done);
        event.provider = Some(entrance.provider.clone());
        event.service.clone_from(&entrance.service);
        event
    }
}

fn down(_: StoreError) -> DeskError {
    DeskError::Switch(SwitchError::Store)
}
