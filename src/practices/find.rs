//! Finding a practice by what a person remembers of it: name, place, former name, AGB code; with slips of the finger. Nothing
//! is decided by it. A practice that is known but cannot be reached yet is shown as such, for its patients will ask.

use std::collections::HashSet;

use super::golive::Stages;
use super::words::{Word, plain};
use super::{Practice, PracticeRegister};
use crate::lists::{IdentifierKind, Lists, Zakl};
use crate::medmij::{ProviderName, holds_bsn};

/// Most practices that are shown for one question.
pub const FOUND_MAX: usize = 10;
/// Longest question, in characters; the longest name of a practice.
pub const QUESTION_MAX: usize = 100;
/// Most words of a question that are looked at.
const WORDS_MAX: usize = 8;
/// Words that half of all practices have; one that a name lacks does not make it another.
const COMMON: &[&str] = &[
    "de",
    "dokter",
    "dr",
    "een",
    "en",
    "het",
    "huisarts",
    "huisartsen",
    "huisartsenpraktijk",
    "huisartspraktijk",
    "in",
    "praktijk",
    "te",
    "van",
];

/// What a person asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    plain: String,
    /// Without spaces, for names that people write as one word, or as several.
    joined: Word,
    words: Vec<Word>,
}

/// Why a question is not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum QuestionError {
    /// Under two letters or digits.
    #[error("a question has at least two letters or digits")]
    TooShort,
    /// Over [`QUESTION_MAX`] characters.
    #[error("a question has at most {QUESTION_MAX} characters")]
    TooLong,
    /// It holds a citizen service number, which belongs in no question and on no page.
    #[error("a question does not hold a BSN")]
    HoldsBsn,
}

/// A practice that answers a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its name in the network.
    pub provider: ProviderName,
    /// Its name for people; its name in the network when we know no other.
    pub name: String,
    /// Where it is, when it is one of ours.
    pub place: Option<String>,
    /// Whether its patients can get their record through us now.
    pub reach: Reach,
}

/// Whether patients of a practice can get their record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// They can.
    Open,
    /// Not yet: the practice is closed, not in the list of care providers, or not one of ours.
    Known,
}

/// Finds practices. The register does not change while it is used; the lists come with each question.
#[derive(Debug, Default)]
pub struct Finder {
    practices: Vec<Entry>,
    own: HashSet<ProviderName>,
    zakl: Zakl,
}

/// A practice of ours, prepared for comparing.
#[derive(Debug)]
struct Entry {
    practice: Practice,
    name: String,
    /// Names and numbers that mean this practice when they are all of the question.
    titles: Vec<Word>,
    /// Every word of name, place, aliases and name in the network.
    words: Vec<Word>,
}

/// How well a practice answers, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Match {
    /// The question is its name.
    Name,
    /// The question is one of its numbers, other names, or its name written otherwise.
    Title,
    /// Each word of the question is near one of its words; the sum of distances.
    Words(u32),
}

impl Question {
    /// Reads what a person typed.
    ///
    /// # Errors
    /// When it is too short, too long, or holds a BSN.
    pub fn parse(text: &str) -> Result<Self, QuestionError> {
        let plain = plain(text);
        // First: a question that is refused for its length is shown again.
        if holds_bsn(&plain) {
            return Err(QuestionError::HoldsBsn);
        }
        if text.chars().count() > QUESTION_MAX {
            return Err(QuestionError::TooLong);
        }
        let joined = plain.replace(' ', "");
        if joined.chars().count() < 2 {
            return Err(QuestionError::TooShort);
        }
        let words = plain.split(' ').take(WORDS_MAX).map(Word::of).collect();
        Ok(Self { joined: Word::of(&joined), words, plain })
    }
}

impl Finder {
    /// A finder over this register, and over the list that ties numbers to provider names.
    #[must_use]
    pub fn new(register: &PracticeRegister, zakl: Zakl) -> Self {
        let mut practices: Vec<_> = register.iter().map(|practice| Entry::of(practice, &zakl)).collect();
        practices.sort_by(|one, other| one.key().cmp(&other.key()));
        Self { own: register.iter().map(|practice| practice.provider.clone()).collect(), practices, zakl }
    }

    /// The practices that answer best, at most [`FOUND_MAX`]: those of ours, then others that the lists know. It looks at
    /// every practice and every provider in the list: CPU work of milliseconds, not for an async thread.
    #[must_use]
    pub fn find(&self, question: &Question, lists: &Lists, stages: &Stages) -> Vec<Found> {
        let matching = self.practices.iter().filter_map(|entry| Some((entry.matches(question)?, entry)));
        let mut ours: Vec<_> = matching.collect();
        // Stable, so among equals the order of the register's names stays.
        ours.sort_by_key(|(rank, _)| *rank);
        let ours = ours.into_iter().map(|(_, entry)| entry.found(lists, stages));
        ours.chain(self.others(question, lists)).take(FOUND_MAX).collect()
    }

    /// Providers that are not ours: with this number, or with every word of the question in their name.
    fn others<'a>(&'a self, question: &'a Question, lists: &'a Lists) -> impl Iterator<Item = Found> + 'a {
        let numbered: Vec<&ProviderName> = numbers(&self.zakl, &question.plain).collect();
        let listed = lists.zal.providers().iter().map(crate::lists::Provider::name);
        let coupled = numbered.clone().into_iter().filter(|name| lists.zal.provider(name.as_str()).is_none());
        let answers = move |name: &&ProviderName| numbered.contains(name) || question.fits(name);
        coupled.chain(listed.filter(answers)).filter(|name| !self.own.contains(*name)).map(|name| Found {
            provider: name.clone(),
            name: name.short().to_owned(),
            place: None,
            reach: Reach::Known,
        })
    }
}

impl Question {
    /// Whether the name of a provider holds every telling word, or is the question with a slip.
    fn fits(&self, provider: &ProviderName) -> bool {
        let name = provider.short();
        let mut telling = self.words.iter().filter(|word| !COMMON.contains(&word.text())).peekable();
        if telling.peek().is_some() && telling.all(|word| word.text().len() > 2 && name.contains(word.text())) {
            return true;
        }
        let near = name.len().abs_diff(self.joined.text().len()) <= 8;
        near && self.joined.distance(&Word::of(&name.replace(['.', '-'], ""))).is_some_and(|distance| distance != 1)
    }
}

/// The providers with this AGB code or URA.
fn numbers<'a>(zakl: &'a Zakl, number: &str) -> impl Iterator<Item = &'a ProviderName> + use<'a> {
    let of = |kind| zakl.names(kind, number);
    of(IdentifierKind::Agb).chain(of(IdentifierKind::Ura)).collect::<Vec<_>>().into_iter()
}

impl Entry {
    fn of(practice: &Practice, zakl: &Zakl) -> Self {
        let coupled = zakl.provider(practice.provider.as_str());
        let by_number = |kind| matches!(kind, IdentifierKind::Agb | IdentifierKind::Ura);
        let numbers = coupled.into_iter().flat_map(crate::lists::CoupledProvider::identifiers);
        let numbers = numbers.filter(|one| by_number(one.kind())).map(|one| one.number().to_owned());
        let name = plain(&practice.name);
        let aliases: Vec<String> = practice.aliases.iter().map(|alias| plain(alias)).chain(numbers).collect();
        let (short, place) = (plain(practice.provider.short()), plain(&practice.place));
        let joined = |text: &String| Word::of(&text.replace(' ', ""));
        let titles = [&name, &short].into_iter().chain(&aliases).map(joined).collect();
        let all = [&name, &place, &short].into_iter().chain(&aliases);
        let words = all.flat_map(|text| text.split(' ')).filter(|word| !word.is_empty()).map(Word::of).collect();
        Self { practice: practice.clone(), name, titles, words }
    }

    fn key(&self) -> (&str, &ProviderName) {
        (&self.name, &self.practice.provider)
    }

    fn matches(&self, question: &Question) -> Option<Match> {
        if self.name == question.plain {
            return Some(Match::Name);
        }
        // The beginning of a title is a matter of words; here it is all of it, give or take a slip in a long one.
        let title = |title: &Word| question.joined.distance(title).is_some_and(|distance| distance != 1);
        if self.titles.iter().any(title) {
            return Some(Match::Title);
        }
        let mut sum = 0_u32;
        let mut telling = false;
        for word in &question.words {
            let nearest = self.words.iter().filter_map(|ours| word.distance(ours)).min();
            let common = COMMON.contains(&word.text());
            sum = sum.saturating_add(match nearest {
                Some(distance) => distance,
                None if common => 1,
                None => return None,
            });
            telling |= nearest.is_some();
        }
        telling.then_some(Match::Words(sum))
    }

    fn found(&self, lists: &Lists, stages: &Stages) -> Found {
        let practice = &self.practice;
        let listed = lists.zal.provider(practice.provider.as_str()).is_some();
        Found {
            provider: practice.provider.clone(),
            name: practice.name.clone(),
            place: Some(practice.place.clone()),
            reach: if listed && stages.opens(practice) { Reach::Open } else { Reach::Known },
        }
    }
}

#[cfg(test)]
mod tests;
