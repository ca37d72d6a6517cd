//! The register of the OPEN programme at the desk: seen by readers, changed by operators, on record before it happens.

use std::sync::Arc;

use super::{Desk, DeskError};
use crate::audit::{AuditEvent, Kind, Outcome};
use crate::operations::operators::{Changes, Reads, Reviews, Right};
use crate::operations::register::{ChangedView, EntryView, RegisterView, Scene, VersionView, changed, code, version};
use crate::operations::state::Part;
use crate::practices::programme::file::{self, Fault, Form};
use crate::practices::programme::{Change, EntryKind, Judged, Key, Register, RegisterError};

/// Why the register is not shown or changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeskRegisterError {
    /// The register says no.
    #[error(transparent)]
    Register(#[from] RegisterError),
    /// The file is not in order.
    #[error("the file is not in order")]
    File(Vec<Fault>),
    /// What was sent is no entry; it says where and why.
    #[error("this is no entry: {0}")]
    Entry(String),
    /// The desk says no.
    #[error(transparent)]
    Desk(#[from] DeskError),
}

impl Desk {
    /// The entries of a kind.
    ///
    /// # Errors
    /// When the register cannot be read.
    pub async fn register(&self, _: &Reads, kind: EntryKind, part: &Part) -> Result<RegisterView, DeskRegisterError> {
        let register = self.register.read().await?;
        let snapshot = self.snapshot.load();
        Ok(self.scene(&register, &snapshot)?.list(kind, part))
    }

    /// One entry.
    ///
    /// # Errors
    /// When it is not there, or the register cannot be read.
    pub async fn register_entry(&self, _: &Reads, key: &Key) -> Result<EntryView, DeskRegisterError> {
        let register = self.register.read().await?;
        let snapshot = self.snapshot.load();
        let found = self.scene(&register, &snapshot)?.entry(key);
        found.ok_or_else(|| RegisterError::Absent(key.clone()).into())
    }

    /// The versions of an entry and who made them, newest first.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn register_versions(&self, _: &Reviews, key: &Key) -> Result<Vec<VersionView>, DeskRegisterError> {
        Ok(self.register.versions(key).await?.into_iter().map(version).collect())
    }

    /// The register as a file.
    ///
    /// # Errors
    /// When the register cannot be read.
    pub async fn register_file(&self, _: &Reads, form: Form) -> Result<String, DeskRegisterError> {
        Ok(file::write(form, &*self.register.read().await?))
    }

    /// Changes an entry.
    ///
    /// # Errors
    /// See [`DeskRegisterError`].
    pub async fn change_register(&self, by: &Changes, change: Change) -> Result<ChangedView, DeskRegisterError> {
        let what = format!("register: {} from version {}", change.key, change.made_from);
        let (judged, receipt) = self.make(by, &what, std::slice::from_ref(&change)).await?;
        Ok(changed([(None, &change.key)].into_iter(), &judged, Some(receipt)))
    }

    /// Takes over a file, whole or not at all; or only says what it would do.
    ///
    /// # Errors
    /// See [`DeskRegisterError`].
    pub async fn import_register(
        &self,
        by: &Changes,
        form: Form,
        bytes: &[u8],
        dry_run: bool,
    ) -> Result<ChangedView, DeskRegisterError> {
        let lines = file::read(form, bytes).map_err(DeskRegisterError::File)?;
        let changes = file::changes(&*self.register.read().await?, &lines);
        let (judged, receipt) = if dry_run {
            (self.register.try_out(&changes).await?, None)
        } else {
            let what = format!("register: import of {} entries", changes.len());
            let (judged, receipt) = self.make(by, &what, &changes).await?;
            (judged, Some(receipt))
        };
        let places = lines.iter().map(|line| Some(line.line)).zip(changes.iter().map(|change| &change.key));
        Ok(changed(places, &judged, receipt))
    }

    async fn make(&self, by: &Changes, what: &str, changes: &[Change]) -> Result<(Judged, String), DeskRegisterError> {
        let (person, now) = (by.person(), self.clock.now());
        let mut event = self.event(person, Kind::Administration, Outcome::Done);
        event.detail = Some(what.into());
        if let [Change { key: Key::Practice(provider), .. }] = changes {
            event.provider = Some(provider.clone());
        }
        let intent = self.intend(&event).await?;
        let made = self.register.change(changes, person.name().as_str(), now).await;
        let (outcome, reason) = match &made {
            Ok(_) => (Outcome::Done, None),
            Err(error @ (RegisterError::Store | RegisterError::Unreadable(_))) => (Outcome::Failed, Some(code(error))),
            Err(error) => (Outcome::Refused, Some(code(error))),
        };
        let detail =
            made.as_ref().map_or_else(|_| what.to_owned(), |judged| format!("{what}, revision {}", judged.revision));
        let intended = Some(intent.index());
        self.note(AuditEvent { outcome, reason, intent: intended, detail: Some(detail.into()), ..event }).await;
        Ok((made?, intent.to_string()))
    }

    fn scene<'a>(
        &self,
        register: &'a Arc<Register>,
        snapshot: &'a crate::routing::Snapshot,
    ) -> Result<Scene<'a>, DeskRegisterError> {
        let scene = Scene::of(register, snapshot, self.clock.now());
        scene.ok_or_else(|| RegisterError::Unreadable("the clock is not between 2000 and 2100".to_owned()).into())
    }
}
