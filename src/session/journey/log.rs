//! A person looks at who asked for their data, after the same login as for their consents. Looking changes nothing of the
//! visit, and is on record before the page or file is made.

use std::collections::HashSet;

use jiff::Timestamp;

use super::whence;
use super::{Ended, Journey, JourneyError, Presented, Spot, Step};
use crate::accesslog::{BadPeriod, Day, Entry, Extent, Looked, Period, Question, Reach};
use crate::audit::{AuditEvent, Authorization, Kind, Outcome};
use crate::language::Language;
use crate::medmij::{Bsn, LocalId};
use crate::secret::hash_handle;
use crate::session::visit::{BrowserKeys, Visit};

/// What the address asks for.
#[derive(Debug, Clone, Copy, Default)]
pub struct LogWish<'a> {
    /// The first day.
    pub first: Option<&'a str>,
    /// The last day.
    pub last: Option<&'a str>,
    /// Only what was before this moment: the end of the page before.
    pub before: Option<&'a str>,
}

/// The page, or what is wrong with what was asked.
#[derive(Debug)]
pub struct LogPage {
    /// The visit.
    pub visit: LocalId,
    /// Its keys.
    pub keys: BrowserKeys,
    /// In which language.
    pub language: Language,
    /// Which days can be asked for.
    pub reach: Reach,
    /// The days as they stand in the form.
    pub asked: (String, String),
    /// What was found.
    pub shown: Result<ShownLog, BadPeriod>,
}

/// What was found, and is on record to have been shown.
#[derive(Debug)]
pub struct ShownLog {
    /// Which days.
    pub period: Period,
    /// Only what was before this moment in them.
    pub before: Option<Timestamp>,
    /// The records, and the receipt.
    pub looked: Looked,
    /// What happened, by day.
    pub days: Vec<Day>,
    /// The same one by one, newest first.
    pub entries: Vec<Entry>,
}

/// A person who logged in, at their visit.
struct Known {
    spot: Spot,
    bsn: Bsn,
}

impl Journey {
    /// The page of a person who logged in.
    ///
    /// # Errors
    /// See [`Ended`]. Nothing is shown that is not on record.
    pub async fn look_into_log(&self, presented: Presented<'_>, wish: LogWish<'_>) -> Result<LogPage, Ended> {
        match self.try_look_into_log(presented, wish).await {
            Ok(page) => Ok(page),
            Err(error) => Err(self.ended(error, presented.visit, None).await),
        }
    }

    async fn try_look_into_log(&self, presented: Presented<'_>, wish: LogWish<'_>) -> Step<LogPage> {
        let Known { spot, bsn } = self.known(presented).await?;
        let reach = self.log.reach();
        let typed = |text: Option<&str>| text.unwrap_or_default().chars().take(10).collect::<String>();
        let (asked, shown) = match Period::read(wish.first, wish.last, reach) {
            Ok(period) => {
                let before = wish.before.and_then(|text| text.parse().ok()).filter(|before| *before < period.ends());
                let shown = self.show_log(spot, &bsn, Kind::LogRead, (period, before, Extent::PAGE)).await?;
                ((period.first().to_string(), period.last().to_string()), Ok(shown))
            }
            Err(bad) => ((typed(wish.first), typed(wish.last)), Err(bad)),
        };
        let Spot { visit, language } = spot;
        Ok(LogPage { visit, keys: BrowserKeys::of(presented.cookie), language, reach, asked, shown })
    }

    /// All of some days, for a file, and the language of the visit.
    ///
    /// # Errors
    /// See [`Ended`]. Nothing leaves that is not on record.
    pub async fn copy_log(&self, presented: Presented<'_>, wish: LogWish<'_>) -> Result<(ShownLog, Language), Ended> {
        match self.try_copy_log(presented, wish).await {
            Ok(copy) => Ok(copy),
            Err(error) => Err(self.ended(error, presented.visit, None).await),
        }
    }

    async fn try_copy_log(&self, presented: Presented<'_>, wish: LogWish<'_>) -> Step<(ShownLog, Language)> {
        let Known { spot, bsn } = self.known(presented).await?;
        let period = Period::read(wish.first, wish.last, self.log.reach()).map_err(|_| JourneyError::BadForm)?;
        let shown = self.show_log(spot, &bsn, Kind::LogExported, (period, None, Extent::FILE)).await?;
        Ok((shown, spot.language))
    }

    async fn known(&self, presented: Presented<'_>) -> Step<Known> {
        let found = self.visits.look(presented.visit, hash_handle(presented.cookie), self.clock.now()).await;
        let open = found.map_err(|_| JourneyError::Ours)?.ok_or(JourneyError::StalePage)?;
        let spot = Spot { visit: open.id, language: presented.language.unwrap_or(open.language) };
        match open.visit {
            Visit::Managing(managing) => Ok(Known { spot, bsn: managing.person.bsn }),
            Visit::Landed(_) | Visit::AtLogin(_) | Visit::Asked(_) | Visit::Unavailable(_) | Visit::OwnAtLogin(_) => {
                Err(JourneyError::StalePage)
            }
        }
    }

    async fn show_log(
        &self,
        spot: Spot,
        bsn: &Bsn,
        kind: Kind,
        (period, before, extent): (Period, Option<Timestamp>, Extent),
    ) -> Step<ShownLog> {
        let in_force = self.grants.lasting_of(bsn, self.clock.now()).await.map_err(|_| JourneyError::Ours)?;
        let in_force: HashSet<_> = in_force.iter().map(|lasting| lasting.grant.id).collect();
        let ends = before.unwrap_or_else(|| period.ends());
        let question = Question { person: bsn, provider: None, begins: period.begins(), ends, extent };
        let event = self.log_event(spot, bsn, kind, period)?;
        let looked = self.log.look(question, event).await.map_err(|_| JourneyError::Ours)?;
        let snapshot = self.snapshot.load();
        let (days, entries) = (looked.days(&snapshot, &in_force), looked.entries(&snapshot, &in_force));
        Ok(ShownLog { period, before, looked, days, entries })
    }

    fn log_event(&self, spot: Spot, bsn: &Bsn, kind: Kind, period: Period) -> Step<AuditEvent> {
        let mut event = AuditEvent::new(self.clock.now(), kind, Outcome::Done);
        event.local_id = Some(spot.visit);
        event.authorization = Some(Authorization::OwnLogin);
        event.subject = Some(self.subject(bsn, event.time)?);
        event.detail = Some(format!("{} {}", period.first(), period.last()).into());
        Ok(whence::placed(event))
    }
}
