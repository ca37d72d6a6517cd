//! What the guideline "Online inzage in het H-EPD door patiënt" lets a patient see, per element. Whatever cannot be read
//! is not shown.

use jiff::civil::Date;

use super::mask::find_ignoring_case;
use super::names::Name;
use super::outline::{Kind, Value};
use super::{Rules, ShapeFault, ShownEpisodes};
use crate::services::Rule;

/// Part of the system of the line types of a consultation: S(ubjective), O(bjective), E(valuation), P(lan). The whole is
/// `http://fhir.nl/fhir/NamingSystem/journaalregeltypen`; other spellings of it must not let an S line pass as a result.
const LINE_TYPES: &str = "journaalregeltypen";
/// What S and O are called where their system is another one or none: as letter, as word, and as LOINC section.
const HIDDEN_NAMES: [&str; 8] = ["s", "o", "subjectief", "objectief", "subjective", "objective", "611509", "611491"];
/// What those begin with.
const HIDDEN_INITIALS: [char; 3] = ['s', 'o', '6'];
/// Part of the extension that says for how long medication is used.
const PERIOD_OF_USE: &str = "zib-medication-periodofuse";
/// Characters of a date with a day.
const LONGEST_DATE: usize = "2026-03-10".len();
/// Part of the profile of a line of a consultation.
const LINE_PROFILE: &str = "gp-journalentry";

/// Whether the patient may see this resource, apart from the parts of a Composition.
///
/// # Errors
/// `Unreadable` for a code that is no CodeableConcept.
pub(super) fn shows(resource: Value<'_>, resource_type: &str, id: &str, rules: &Rules) -> Result<bool, ShapeFault> {
    match resource_type {
        "Observation" => shows_observation(resource, rules),
        "Composition" => Ok(is_from(resource.member("date"), rules.access_start)),
        "EpisodeOfCare" if rules.hold(Rule::ClosedEpisodes) => Ok(shows_episode(resource, id, &rules.closed_episodes)),
        "MedicationRequest" | "MedicationDispense" | "MedicationStatement" if rules.hold(Rule::MedicationInUse) => {
            Ok(is_in_use(resource, rules.today))
        }
        "AllergyIntolerance" if rules.hold(Rule::MedicationIntolerances) => Ok(is_about_medication(resource)),
        _ => Ok(true),
    }
}

/// Whether a section of a Composition may be shown: E and P lines, and within those the parts coded as something else.
pub(super) fn shows_section(section: Value<'_>, is_nested: bool) -> Result<bool, ShapeFault> {
    Ok(!says_hidden(section.member("title"))
        && match line(section)? {
            Line::Open => true,
            Line::Other => is_nested,
            Line::Closed | Line::Uncoded => false,
        })
}

/// Whether a code is that of a line that is never shown. For places that no rule knows, so whatever cannot be read there
/// is no line.
pub(super) fn is_hidden_line(code: Value<'_>) -> bool {
    let mut codings = code.member("coding").into_iter().flat_map(Value::items);
    says_hidden(code.member("text")) || codings.any(|coding| line_of_coding(coding) == Some(Line::Closed))
}

/// Whether a system is that of the lines of a consultation.
pub(super) fn is_line_system(system: &str) -> bool {
    contains_ignoring_case(system, LINE_TYPES)
}

/// Whether an object with such a system is a Coding of a line that may be shown, under whatever name it stands.
pub(super) fn is_open_line(object: Value<'_>) -> bool {
    line_of_coding(object) == Some(Line::Open)
}

/// Whether a text is one of the names of S or O and nothing else but signs.
fn says_hidden(text: Option<Value<'_>>) -> bool {
    text.and_then(Value::string).is_some_and(|text| is_hidden_name(&text))
}

fn is_hidden_name(text: &str) -> bool {
    // Almost every text is told apart by its first letter.
    if text.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric() && !is_hidden_initial(first.into())) {
        return false;
    }
    let letters = text.chars().filter(|char| char.is_alphanumeric()).map(|char| char.to_ascii_lowercase());
    HIDDEN_NAMES.iter().any(|name| letters.clone().eq(name.chars()))
}

fn is_hidden_initial(first: char) -> bool {
    HIDDEN_INITIALS.contains(&first.to_ascii_lowercase())
}

/// Whether a code is that of E or P.
fn is_open_code(code: &str) -> bool {
    match code.as_bytes() {
        // Nothing to trim, and too long.
        [b'!'..=b'~', b'!'..=b'~', ..] => false,
        _ => matches!(code.trim(), "E" | "P" | "e" | "p"),
    }
}

/// What the code of an element says about lines of a consultation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    /// E or P, and nothing but that.
    Open,
    /// S, O, or a line type that is not known.
    Closed,
    /// Not a line.
    Other,
    /// There is no coding with system and code, and no text that says S or O.
    Uncoded,
}

fn line(element: Value<'_>) -> Result<Line, ShapeFault> {
    const UNREADABLE: ShapeFault = ShapeFault::Unreadable { element: "code" };
    let Some(code) = element.member("code") else { return Ok(Line::Uncoded) };
    if says_hidden(code.member("text")) {
        return Ok(Line::Closed);
    }
    let Some(codings) = code.member("coding") else {
        return if code.kind() == Kind::Object { Ok(Line::Uncoded) } else { Err(UNREADABLE) };
    };
    if codings.kind() != Kind::Array {
        return Err(UNREADABLE);
    }
    let mut found = Line::Uncoded;
    for coding in codings.items() {
        found = match (line_of_coding(coding).ok_or(UNREADABLE)?, found) {
            (Line::Closed, _) | (_, Line::Closed) => Line::Closed,
            (Line::Open, _) | (_, Line::Open) => Line::Open,
            (Line::Other, _) | (_, Line::Other) => Line::Other,
            (Line::Uncoded, Line::Uncoded) => Line::Uncoded,
        };
    }
    Ok(found)
}

/// `None` when it is no Coding.
fn line_of_coding(coding: Value<'_>) -> Option<Line> {
    if coding.kind() != Kind::Object {
        return None;
    }
    let (mut system, mut code, mut display) = (None, None, None);
    for member in coding.members() {
        if member.known() == Name::System {
            system = Some(member.value.string()?);
        } else if member.known() == Name::Code {
            code = Some(member.value.string()?);
        } else if member.known() == Name::Display {
            display = Some(member.value);
        }
    }
    let is_open = code.as_deref().is_some_and(is_open_code);
    let is_closed = code.as_deref().is_some_and(is_hidden_name) || says_hidden(display);
    // No other system has these single letters for an observation or section, so they are lines in any system.
    Some(match system {
        Some(system) if !is_open && is_line_system(&system) => Line::Closed,
        Some(_) | None if is_closed => Line::Closed,
        Some(_) | None if is_open => Line::Open,
        Some(_) if code.is_some() => Line::Other,
        Some(_) | None => Line::Uncoded,
    })
}

fn shows_observation(observation: Value<'_>, rules: &Rules) -> Result<bool, ShapeFault> {
    let mut categories = observation.member("category").into_iter().flat_map(Value::items);
    let line = if categories.any(is_hidden_line) { Line::Closed } else { line(observation)? };
    let has_line_profile = observation
        .member("meta")
        .and_then(|meta| meta.member("profile"))
        .is_some_and(|profiles| profiles.items().any(|profile| names_line_profile(profile)));
    Ok(match line {
        Line::Open => is_effective_from(observation, rules.access_start),
        Line::Closed => false,
        Line::Other | Line::Uncoded if has_line_profile => false,
        Line::Other | Line::Uncoded => {
            !rules.hold(Rule::ResultsPeriod) || is_effective_from(observation, rules.results_since)
        }
    })
}

fn names_line_profile(profile: Value<'_>) -> bool {
    profile.string().is_none_or(|profile| contains_ignoring_case(&profile, LINE_PROFILE))
}

fn contains_ignoring_case(text: &str, lowercase: &str) -> bool {
    find_ignoring_case(text.as_bytes(), lowercase.as_bytes(), 0).is_some()
}

/// Whether the moment an observation is about is on or after `first`. When it states more than one, all must be.
fn is_effective_from(observation: Value<'_>, first: Date) -> bool {
    let [moment, instant, period, timing] =
        ["effectiveDateTime", "effectiveInstant", "effectivePeriod", "effectiveTiming"]
            .map(|name| observation.member(name));
    let moments =
        [moment.map(Some), instant.map(Some), period.map(|period| period.member("start")), timing.map(|_| None)];
    let mut stated = moments.into_iter().flatten().peekable();
    stated.peek().is_some() && stated.all(|moment| is_from(moment, first))
}

/// Current episodes, and closed ones as the practice chose: under an attention flag by the guideline (2.1). One entered in
/// error never. That a later version may show those with E or P lines too is not followed: which lines those are cannot be
/// told from an episode, nor from the seven searches.
fn shows_episode(episode: Value<'_>, id: &str, closed: &ShownEpisodes) -> bool {
    match (episode.member("status").and_then(Value::plain), closed) {
        (Some("active" | "planned" | "waitlist" | "onhold"), _) => true,
        (Some("entered-in-error") | None, _) => false,
        (Some(_), ShownEpisodes::All) => true,
        (Some(_), ShownEpisodes::Only(shown)) => shown.contains(id),
    }
}

/// Current medication: no period of use that is stated ended before today. The search says so too, by a parameter that a
/// FHIR server may not know and then ignores.
fn is_in_use(medication: Value<'_>, today: Date) -> bool {
    let extensions = medication.member("extension").into_iter().flat_map(Value::items);
    let extended = extensions.filter(|extension| {
        let url = extension.member("url").and_then(Value::string);
        url.is_none_or(|url| contains_ignoring_case(&url, PERIOD_OF_USE))
    });
    let mut extended = extended.map(|extension| extension.member("valuePeriod"));
    // What a patient says to use has it as element of its own (zib-MedicationUse).
    let own = medication.member("effectivePeriod");
    extended.all(|period| period.is_some_and(|period| ends_from(period, today)))
        && own.is_none_or(|period| ends_from(period, today))
}

/// Whether a period has no end, or one on or after the day.
fn ends_from(period: Value<'_>, day: Date) -> bool {
    match period.member("end") {
        Some(end) => end.string().and_then(|text| latest_day(&text)).is_some_and(|last| last >= day),
        None => true,
    }
}

/// An intolerance for medication; of other kinds nothing is shown.
fn is_about_medication(intolerance: Value<'_>) -> bool {
    let mut categories = intolerance.member("category").into_iter().flat_map(Value::items);
    categories.any(|category| category.string().as_deref() == Some("medication"))
}

fn is_from(moment: Option<Value<'_>>, first: Date) -> bool {
    moment.and_then(Value::string).and_then(|text| earliest_day(&text)).is_some_and(|day| day >= first)
}

/// The first day that a FHIR date, dateTime or instant may mean: of a year or month its first day, so that a vague date
/// counts only when all of it does. Read as written, in the zone of the writer: a GP writes Dutch time or UTC, and the
/// UTC date is never later than the Dutch one.
pub(super) fn earliest_day(text: &str) -> Option<Date> {
    let (date, time) = match text.as_bytes().split_at_checked(LONGEST_DATE) {
        Some((date, [b'T', time @ ..])) => (date, Some(time)),
        Some(_) | None => (text.as_bytes(), None),
    };
    if time.is_some_and(|time| !starts_like_time(time)) {
        return None;
    }
    let (year, month, day) = match date {
        [year @ .., b'-', m, n, b'-', d, e] => (year, [*m, *n], [*d, *e]),
        [year @ .., b'-', m, n] => (year, [*m, *n], *b"01"),
        year => (year, *b"01", *b"01"),
    };
    let year: [u8; 4] = year.try_into().ok()?;
    let small = |digits: [u8; 2]| i8::try_from(number(&digits)?).ok();
    Date::new(number(&year)?, small(month)?, small(day)?).ok()
}

/// The last day that a FHIR date, dateTime or instant may mean: of a year or month its last day.
fn latest_day(text: &str) -> Option<Date> {
    let first = earliest_day(text)?;
    let date = text.split('T').next().unwrap_or_default();
    match date.split('-').count() {
        1 => Some(first.last_of_year()),
        2 => Some(first.last_of_month()),
        _ => Some(first),
    }
}

/// What ASCII digits say, of which there are four at most.
fn number(digits: &[u8]) -> Option<i16> {
    digits.iter().try_fold(0, |number, digit| digit.is_ascii_digit().then(|| number * 10 + i16::from(digit - b'0')))
}

fn starts_like_time(time: &[u8]) -> bool {
    matches!(time, [h, i, b':', m, n, ..] if [h, i, m, n].iter().all(|digit| digit.is_ascii_digit()))
}

#[cfg(test)]
mod tests;
