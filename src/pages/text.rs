//! What the pages say, as one type, so that a text that one language lacks does not compile. Sentences hold marks such as
//! `{practice}`, which the pages fill in.

use jiff::Timestamp;
use jiff::civil::Date;

use super::log::text::LogText;
use crate::availability::dutch_clock;
use crate::language::Language;
use crate::services::Purpose;
use crate::session::journey::{Asker, Question};

/// All texts of one language.
#[derive(Debug)]
pub struct Text {
    /// The language.
    pub language: Language,
    /// Beside the name, on top of each page.
    pub brand: &'static str,
    /// "Skip to the content".
    pub skip: &'static str,
    /// At the foot of each page.
    pub foot: &'static str,
    /// The link to the other language, in that language.
    pub other_language: &'static str,
    /// Back to the app, everywhere.
    pub back_to_app: &'static str,
    /// The months, as they stand in a day.
    pub months: [&'static str; 12],
    /// Where a person is.
    pub landing: LandingText,
    /// The login simulator.
    pub simulator: SimulatorText,
    /// Consent and confirmation.
    pub consent: ConsentText,
    /// No data for this person.
    pub unavailable: UnavailableText,
    /// The page of who is not let in yet.
    pub not_yet: UnavailableText,
    /// A person's own consents.
    pub own: OwnText,
    /// Who requested a person's data.
    pub log: LogText,
    /// Find my practice.
    pub find: FindText,
    /// Pages on which a visit ends.
    pub failure: FailureText,
}

/// "Find my practice".
#[derive(Debug)]
pub struct FindText {
    /// Title of the window and heading.
    pub title: &'static str,
    /// Over what is wrong with a question.
    pub summary: &'static str,
    /// What one asks by.
    pub label: &'static str,
    /// What to type, and what not.
    pub hint: &'static str,
    /// The button.
    pub search: &'static str,
    /// Over what was found.
    pub found: &'static str,
    /// Nothing was found.
    pub nothing: &'static str,
    /// What to do then.
    pub nothing_why: &'static str,
    /// Its patients can get their record.
    pub open: &'static str,
    /// They cannot, yet.
    pub known: &'static str,
    /// Before the name in the network.
    pub network_name: &'static str,
    /// The question is too short.
    pub too_short: &'static str,
    /// The question is too long.
    pub too_long: &'static str,
    /// The question holds a BSN.
    pub holds_bsn: &'static str,
    /// Too many people ask at once.
    pub busy: &'static str,
}

/// "You come from this app and are about to log in" (core.usrint.100).
#[derive(Debug)]
pub struct LandingText {
    /// Title of the window, for collecting and for sharing.
    pub title: PerDirection,
    /// Heading.
    pub heading: PerDirection,
    /// Who sent the person.
    pub from: PerDirection,
    /// Before the steps.
    pub steps_intro: &'static str,
    /// What is going to happen.
    pub steps: [PerDirection; 3],
    /// Where one is in the walk.
    pub steps_taken: [&'static str; 3],
    /// On.
    pub proceed: &'static str,
}

/// A sentence for collecting (*Verzamelen*) and one for sharing (*Delen*).
#[derive(Debug, Clone, Copy)]
pub struct PerDirection {
    /// Data go from the practice to the app.
    pub collect: &'static str,
    /// Data go from the app to the practice.
    pub share: &'static str,
}

/// The login simulator.
#[derive(Debug)]
pub struct SimulatorText {
    /// Title of the window.
    pub title: &'static str,
    /// That this is no real login.
    pub warning: &'static str,
    /// Heading.
    pub heading: &'static str,
    /// Over the summary of what is wrong.
    pub summary: &'static str,
    /// What was wrong with what was typed.
    pub wrong: &'static str,
    /// Label.
    pub number: &'static str,
    /// What to type.
    pub hint: &'static str,
    /// Buttons.
    pub log_in: &'static str,
    /// See above.
    pub cancel: &'static str,
    /// See above.
    pub fail: &'static str,
}

/// Consent and confirmation (core.usrint.102, TV).
#[derive(Debug)]
pub struct ConsentText {
    /// Title of the window and heading.
    pub title: PerDirection,
    /// The question.
    pub question: PerDirection,
    /// Of the explanation.
    pub summary: &'static str,
    /// The explanation.
    pub explanation: Explanation,
    /// Link to the privacy statement.
    pub privacy: &'static str,
    /// Label of the box that is offered and not ticked.
    pub indefinite: &'static str,
    /// What ticking means.
    pub indefinite_hint: &'static str,
    /// A lasting consent is in force; with `{date}`.
    pub lasting: &'static str,
    /// What this means for the answer.
    pub lasting_hint: &'static str,
    /// Buttons.
    pub allow: PerDirection,
    /// See above.
    pub refuse: PerDirection,
    /// See above.
    pub stop: &'static str,
}

/// What an answer means, in paragraphs. "Half an hour" is the longest life of a code and of a token together, 900 s each.
#[derive(Debug, Clone, Copy)]
pub struct Explanation {
    /// Data go from the practice to the app.
    pub collect: &'static [&'static str],
    /// Data go from the app to the practice.
    pub share: &'static [&'static str],
    /// Data go from the practice to a portal, for which the rules of MedMij do not count, and never for an indefinite period.
    pub portal: &'static [&'static str],
}

/// No data for this person here; said to the person only.
#[derive(Debug)]
pub struct UnavailableText {
    /// Title of the window and heading.
    pub title: &'static str,
    /// What happened.
    pub what: &'static str,
    /// Before the reasons.
    pub reasons_intro: &'static str,
    /// What may be the matter; never which.
    pub reasons: &'static [&'static str],
    /// Who can act.
    pub who: &'static str,
    /// What the app learns.
    pub discreet: &'static str,
}

/// A person's own consents, outside any app.
#[derive(Debug)]
pub struct OwnText {
    /// Title of the window and heading of the way in.
    pub title: &'static str,
    /// What one can do here.
    pub intro: &'static str,
    /// How.
    pub login: &'static str,
    /// On.
    pub proceed: &'static str,
    /// Title of the window and heading of the list.
    pub list_title: &'static str,
    /// Over the list.
    pub list_intro: &'static str,
    /// There is none.
    pub none: &'static str,
    /// Before the name of the practice.
    pub practice: &'static str,
    /// Before the day on which it was given.
    pub since: &'static str,
    /// Before the day on which it lapses when it is not used.
    pub lapses: &'static str,
    /// Button.
    pub stop: &'static str,
    /// One was stopped.
    pub stopped: &'static str,
    /// What stopping does not do.
    pub stop_hint: &'static str,
    /// Done here.
    pub leave: &'static str,
    /// The end: title, and what was done.
    pub left_title: &'static str,
    /// See above.
    pub left: &'static str,
}

/// What happened, and who can act.
#[derive(Debug, Clone, Copy)]
pub struct Explained {
    /// What happened.
    pub what: &'static str,
    /// Who can act.
    pub who: &'static str,
}

/// Pages on which a visit ends.
#[derive(Debug)]
pub struct FailureText {
    /// Title of the window and heading.
    pub title: &'static str,
    /// The client is on no list.
    pub unknown_client: Explained,
    /// The client gave no address of its own.
    pub bad_redirect: Explained,
    /// Another site sent the form.
    pub other_site: Explained,
    /// Used before, too old, or of another window.
    pub stale: Explained,
    /// The form was not complete.
    pub bad_form: Explained,
    /// The HIS does not answer.
    pub his_silent: Explained,
    /// The HIS answers with something else.
    pub his_strange: Explained,
    /// The login service does not answer.
    pub login_silent: Explained,
    /// We cannot go on.
    pub ours: Explained,
    /// We stopped everything for now.
    pub stopped: Explained,
    /// We stopped the app for now.
    pub stopped_client: Explained,
    /// We stopped the practice, or its system, for now.
    pub stopped_practice: Explained,
    /// There is no such page.
    pub no_page: Explained,
    /// Before our number of the visit.
    pub session_id: &'static str,
    /// Before the number that the client gave the authorization.
    pub trace_id: &'static str,
    /// Who runs this, with `{operator}`.
    pub operator: &'static str,
    /// Before the telephone number.
    pub phone: &'static str,
}

/// A piece of a sentence.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Piece<'a> {
    /// The text, to be escaped.
    pub(super) text: &'a str,
    /// Whether it was filled in.
    pub(super) name: bool,
}

/// What stands for the marks.
pub(super) type Names<'a> = [(&'static str, &'a str)];

/// A sentence in pieces: what stands between marks, and what is filled in for them.
pub(super) fn pieces<'a>(sentence: &'a str, names: &Names<'a>) -> Vec<Piece<'a>> {
    let mut pieces = Vec::new();
    let mut rest = sentence;
    while let Some((before, after)) = rest.split_once('{') {
        let (mark, after) = after.split_once('}').unwrap_or((after, ""));
        let value = names.iter().find(|(name, _)| *name == mark).map_or("", |(_, value)| value);
        pieces.extend([Piece { text: before, name: false }, Piece { text: value, name: true }]);
        rest = after;
    }
    pieces.push(Piece { text: rest, name: false });
    pieces
}

impl Text {
    /// In a language.
    #[must_use]
    pub const fn of(language: Language) -> &'static Self {
        match language {
            Language::Dutch => &super::dutch::TEXT,
            Language::English => &super::english::TEXT,
        }
    }

    /// A moment as a day in the Netherlands: "3 maart 2026".
    #[must_use]
    pub fn day(&self, moment: &Timestamp) -> String {
        self.date(dutch_clock(*moment).date())
    }

    /// A day: "3 maart 2026".
    #[must_use]
    pub fn date(&self, day: Date) -> String {
        let month = usize::try_from(day.month()).ok().and_then(|month| self.months.get(month.checked_sub(1)?));
        format!("{} {} {}", day.day(), month.copied().unwrap_or_default(), day.year())
    }

    /// A moment to the second in the Netherlands: "3 maart 2026, 14:05:09".
    #[must_use]
    pub fn moment(&self, moment: Timestamp) -> String {
        let clock = dutch_clock(moment);
        format!("{}, {}", self.date(clock.date()), clock.strftime("%H:%M:%S"))
    }
}

impl PerDirection {
    /// The one that applies.
    #[must_use]
    pub const fn of(&self, purpose: &Purpose) -> &'static str {
        match purpose {
            Purpose::Collect => self.collect,
            Purpose::Share => self.share,
        }
    }
}

impl Explanation {
    /// The one that applies.
    #[must_use]
    pub const fn of(&self, question: &Question) -> &'static [&'static str] {
        match (question.asker, question.purpose) {
            (Asker::Portal, _) => self.portal,
            (Asker::Pgo, Purpose::Collect) => self.collect,
            (Asker::Pgo, Purpose::Share) => self.share,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_take_the_place_of_marks() {
        let names = [("practice", "De <Linde>"), ("organisation", "Zorgmap")];
        let all = pieces("Van {practice} naar {organisation}.", &names);
        let texts: Vec<_> = all.iter().map(|piece| (piece.text, piece.name)).collect();
        let expected = [("Van ", false), ("De <Linde>", true), (" naar ", false), ("Zorgmap", true), (".", false)];
        assert_eq!(texts, expected);
        assert_eq!(pieces("Zonder.", &names).len(), 1);
    }

    #[test]
    fn a_day_is_written_as_people_do() {
        let moment = "2026-02-28T23:30:00Z".parse().unwrap();
        assert_eq!(Text::of(Language::Dutch).day(&moment), "1 maart 2026");
        assert_eq!(Text::of(Language::English).day(&moment), "1 March 2026");
    }

    #[test]
    fn both_languages_fill_in_the_same_marks() {
        let marks = |text: &str| {
            let mut all: Vec<_> =
                text.match_indices('{').map(|(at, _)| text[at..].split('}').next().unwrap().to_owned()).collect();
            all.sort();
            all
        };
        let sentences = |text: &'static Text| {
            let landing = &text.landing;
            let directed = [landing.heading, landing.from, text.consent.question];
            let mut all: Vec<_> = directed.iter().flat_map(|both| [both.collect, both.share]).collect();
            all.extend([text.consent.lasting, text.unavailable.what, text.failure.operator, text.own.stopped]);
            all
        };
        let [dutch, english] = [Language::Dutch, Language::English].map(|language| sentences(Text::of(language)));
        for (dutch, english) in dutch.iter().zip(&english) {
            assert_eq!(marks(dutch), marks(english), "{dutch} / {english}");
        }
    }
}
