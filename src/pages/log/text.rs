//! What the page "Who requested my data?" says, as one type.

use crate::accesslog::Why;

/// The page, its printed form and its file.
#[derive(Debug)]
pub struct LogText {
    /// Title of the window and heading.
    pub title: &'static str,
    /// Where a person begins: what one can see here.
    pub start: &'static str,
    /// What stands here.
    pub intro: &'static str,
    /// What does not.
    pub not_here: &'static str,
    /// That looking here is recorded.
    pub recorded: &'static str,
    /// There is no emergency access.
    pub no_emergency: &'static str,
    /// Later things may be missing; with `{moment}`.
    pub complete_until: &'static str,
    /// Nobody knows what may be missing.
    pub incomplete: &'static str,
    /// More happened than one page or file takes; with `{moment}`.
    pub cut: &'static str,
    /// The period.
    pub period: PeriodText,
    /// Over the ways to keep it.
    pub keep: &'static str,
    /// To a page that prints by itself.
    pub keep_print: &'static str,
    /// To a table.
    pub keep_table: &'static str,
    /// To a FHIR Bundle.
    pub keep_fhir: &'static str,
    /// Records of a later release, with `{count}`.
    pub unreadable: &'static str,
    /// Nothing happened.
    pub nothing: &'static str,
    /// To what happened before.
    pub older: &'static str,
    /// Back to the newest.
    pub newest: &'static str,
    /// Over whom to ask.
    pub questions: &'static str,
    /// Whom to ask, with `{operator}`.
    pub ask: &'static str,
    /// Before the telephone number.
    pub phone: &'static str,
    /// To the privacy statement.
    pub privacy: &'static str,
    /// To the person's lasting consents.
    pub consents: &'static str,
    /// From the consents to this page.
    pub from_consents: &'static str,
    /// From the end to this page.
    pub from_end: &'static str,
    /// Done here.
    pub leave: &'static str,
    /// Days of the week, from Monday.
    pub weekdays: [&'static str; 7],
    /// What stands before each fact.
    pub labels: Labels,
    /// What was done.
    pub acts: Acts,
    /// Who did it.
    pub whos: Whos,
    /// How it ended.
    pub endings: Endings,
    /// Why it was allowed.
    pub bases: Bases,
    /// What each type of resource is to people, and at the end what stands for any other.
    pub resources: &'static [(&'static str, &'static str)],
    /// Any other type.
    pub other_resource: &'static str,
    /// Why not.
    pub why: fn(Why) -> &'static str,
}

/// The form for the period.
#[derive(Debug)]
pub struct PeriodText {
    /// Over it.
    pub heading: &'static str,
    /// Label of the first day.
    pub first: &'static str,
    /// Label of the last day.
    pub last: &'static str,
    /// How far back one can go, with `{day}`.
    pub hint: &'static str,
    /// The button.
    pub show: &'static str,
    /// What is shown, with `{first}` and `{last}`.
    pub shown: &'static str,
    /// Over what is wrong.
    pub summary: &'static str,
    /// A day could not be read.
    pub no_day: &'static str,
    /// The days stand the wrong way round.
    pub backwards: &'static str,
}

/// What stands before each fact; the heads of the table as well.
#[derive(Debug)]
pub struct Labels {
    /// The day.
    pub day: &'static str,
    /// The time.
    pub time: &'static str,
    /// What happened.
    pub act: &'static str,
    /// Who did it.
    pub who: &'static str,
    /// The practice.
    pub practice: &'static str,
    /// The data.
    pub what: &'static str,
    /// How it ended.
    pub ending: &'static str,
    /// Why it was allowed.
    pub basis: &'static str,
    /// Emergency access (NEN 7513:2018 chapter 9).
    pub emergency: &'static str,
    /// That it was none.
    pub no: &'static str,
    /// The number of the record.
    pub number: &'static str,
    /// So many times, with `{count}`.
    pub times: &'static str,
    /// What opens the rest.
    pub more: &'static str,
    /// The same, with the single ones.
    pub each: &'static str,
}

/// What was done: sentences with `{who}` and `{practice}`.
#[derive(Debug)]
pub struct Acts {
    /// Data was asked for.
    pub collect: &'static str,
    /// Data was sent.
    pub share: &'static str,
    /// The person looked here.
    pub read_own: &'static str,
    /// Somebody else did.
    pub read: &'static str,
    /// The person kept a copy.
    pub export_own: &'static str,
    /// Somebody else did.
    pub export: &'static str,
    /// The person logged in.
    pub log_in: &'static str,
    /// The person said yes.
    pub consent: &'static str,
    /// The person said no.
    pub refuse: &'static str,
    /// A consent ended.
    pub end_consent: &'static str,
    /// A key was given out.
    pub get_key: &'static str,
    /// No key was given out.
    pub get_no_key: &'static str,
    /// An operator did something.
    pub administer: &'static str,
    /// Something else.
    pub other: &'static str,
}

/// Who did it.
#[derive(Debug)]
pub struct Whos {
    /// The person, at the start of a sentence.
    pub person: &'static str,
    /// After the name of an app.
    pub app: &'static str,
    /// After the name of a portal.
    pub portal: &'static str,
    /// After the address of a client that is no longer admitted.
    pub gone: &'static str,
    /// Somebody of the practice.
    pub practice: &'static str,
    /// Somebody who runs this.
    pub operator: &'static str,
    /// Nobody in particular.
    pub gateway: &'static str,
    /// A practice that is not named, in a sentence.
    pub a_practice: &'static str,
}

/// How it ended.
#[derive(Debug)]
pub struct Endings {
    /// Data was given.
    pub given: &'static str,
    /// So much of it, with `{count}`.
    pub parts: &'static str,
    /// One part.
    pub part: &'static str,
    /// It was stored.
    pub stored: &'static str,
    /// It was done.
    pub done: &'static str,
    /// Nothing was there.
    pub nothing: &'static str,
    /// We said no, with `{why}`.
    pub refused: &'static str,
    /// It failed, with `{why}`.
    pub failed: &'static str,
    /// Broken off before anything.
    pub broken_off: &'static str,
    /// Broken off on the way.
    pub part_given: &'static str,
    /// Data may have been given.
    pub perhaps_given: &'static str,
    /// Something else may have been done.
    pub perhaps: &'static str,
}

/// Why it was allowed.
#[derive(Debug)]
pub struct Bases {
    /// A consent, with `{day}`.
    pub consent: &'static str,
    /// A consent of an unknown day.
    pub consent_once: &'static str,
    /// To where it can be stopped.
    pub stop: &'static str,
    /// A website of the practice.
    pub portal: &'static str,
    /// The person themself.
    pub own: &'static str,
    /// A task.
    pub task: &'static str,
    /// Nothing allowed it.
    pub nothing: &'static str,
}
