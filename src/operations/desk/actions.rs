//! What an operator makes the node do, each on record before it happens.

use super::{Desk, DeskError};
use crate::audit::{AuditEvent, Kind, Outcome, receipt};
use crate::operations::operators::{Changes, Reads, Right};
use crate::operations::upkeep::{LevelWish, ReloadEnd};
use crate::operations::view::{DoneView, LevelView, ReloadView};

impl Desk {
    /// Makes the node step aside, so that a load balancer sends its requests elsewhere, or come back.
    ///
    /// # Errors
    /// When it cannot be recorded.
    pub async fn drain(&self, by: &Changes, aside: bool) -> Result<DoneView, DeskError> {
        let what = if aside { "the node steps aside" } else { "the node serves again" };
        let receipt = self.recorded(by, what).await?;
        Ok(DoneView { changed: self.duty.rest(aside), receipt })
    }

    /// Ends the node in order, as SIGTERM does, when it steps aside.
    ///
    /// # Errors
    /// When the node serves, or it cannot be recorded.
    pub async fn end(&self, by: &Changes) -> Result<DoneView, DeskError> {
        let end = self.duty.end()?;
        let receipt = self.recorded(by, "the node ends").await?;
        end.cancel();
        Ok(DoneView { changed: true, receipt })
    }

    /// Reads the configuration and its files again; what is not in order is refused whole.
    ///
    /// # Errors
    /// When it cannot be recorded.
    pub async fn reload(&self, by: &Changes) -> Result<ReloadView, DeskError> {
        let mut event = self.event(by.person(), Kind::Administration, Outcome::Done);
        event.detail = Some("reload".into());
        let intent = self.intend(&event).await?;
        let (changed, refused) = match self.reload.now().await {
            ReloadEnd::Done(keys) => (keys.into_iter().collect(), None),
            ReloadEnd::Refused(why) => (Vec::new(), Some(why)),
        };
        if refused.is_some() {
            (event.outcome, event.reason) = (Outcome::Refused, Some("configuration-refused"));
        }
        event.intent = Some(intent.index());
        self.note(event).await;
        Ok(ReloadView { changed, refused, receipt: intent.to_string() })
    }

    /// What the technical log tells.
    #[must_use]
    pub fn log_level(&self, _: &Reads) -> LevelView {
        self.log_level.view()
    }

    /// Makes the technical log tell more or less for a while.
    ///
    /// # Errors
    /// When the level or time is none, or it cannot be recorded.
    pub async fn change_log_level(&self, by: &Changes, level: &str, minutes: u32) -> Result<DoneView, DeskError> {
        let wish = LevelWish::parse(level, minutes).ok_or(DeskError::Level)?;
        let receipt = self.recorded(by, &format!("log level {level} for {minutes} min")).await?;
        self.log_level.change(wish);
        Ok(DoneView { changed: true, receipt })
    }

    /// Brings the technical log back to what is configured.
    ///
    /// # Errors
    /// When it cannot be recorded.
    pub async fn reset_log_level(&self, by: &Changes) -> Result<DoneView, DeskError> {
        let receipt = self.recorded(by, "log level as configured").await?;
        Ok(DoneView { changed: self.log_level.reset(), receipt })
    }

    async fn recorded(&self, by: &Changes, what: &str) -> Result<String, DeskError> {
        let event = self.event(by.person(), Kind::Administration, Outcome::Done);
        let event = AuditEvent { detail: Some(what.into()), ..event };
        Ok(receipt(self.audit.append(&event)?).await?.to_string())
    }
}
