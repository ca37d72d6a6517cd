//! What may stand in no text that leaves: the BSN of the patient and the address of the HIS.

use std::borrow::Cow;
use std::ops::Range;

use memchr::{memchr_iter, memchr2_iter, memchr3_iter};

use super::look;
use super::outline::{Kind, Value};
use super::shown::{may_differ, shown};
use super::suspects::Wanted;

/// What stands in the place of nine digits.
const MASKED_BSN: &str = "*********";
/// What stands in the place of an address of the HIS inside a text.
const MASKED_ADDRESS: &str = "***";

/// Digits of a BSN without its leading zero.
const SHORTEST_BSN: usize = 8;
/// How many zeros may stand before a BSN that was padded to a wider field.
const MOST_ZEROS: usize = 8;
/// How many signs, tags and character references may stand between two digits of a BSN.
const MOST_SIGNS: usize = 4;
/// Bytes of the longest tag that is looked over.
const LONGEST_TAG: usize = 256;
/// Bytes of the longest character reference that is looked over.
const LONGEST_REFERENCE: usize = 10;
/// How often a text is gone through. Each time takes out all there is to be found; an address that a BSN made part of
/// another takes a second.
const MOST_ROUNDS: usize = 4;
/// Bytes of a text from which on it is worth to know which bytes of a name are rare.
const LONG: usize = 1024;
/// Bytes of the slashes before an authority.
const SLASHES: usize = "//".len();
/// The first two bytes of a full-width digit (U+FF10 to U+FF19).
const WIDE_DIGIT: [u8; 2] = [0xef, 0xbc];

/// Finds and replaces both.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mask<'a> {
    /// The nine digits. No Debug output reaches a log: this type stays inside the shaper.
    digits: Digits<'a>,
    his_base: &'a str,
    our_base: &'a str,
    /// Host name of the HIS, part of every address below; a quick look for it spares the exact one.
    host: &'a str,
    address: Address<'a>,
}

#[derive(Clone, Copy)]
struct Digits<'a>(&'a [u8]);

impl std::fmt::Debug for Digits<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[redacted]")
    }
}

/// The widest text that identifies the HIS and is no part of our own address.
#[derive(Debug, Clone, Copy)]
enum Address<'a> {
    Host(&'a str),
    /// Host and port with the two slashes before them: for hosts without a dot, which may be words, and for a HIS that
    /// shares its host with us.
    Authority(&'a str),
    Base(&'a str),
}

impl<'a> Address<'a> {
    fn of(his_base: &'a str, ours: &[&str]) -> Self {
        let authority = authority(his_base);
        let host = host(authority);
        let is_ours = |candidate: Self| ours.iter().any(|text| candidate.find(text.as_bytes(), 0).is_some());
        let candidates = [Self::Host(host), Self::Authority(slashed(his_base, authority))];
        let is_word = !host.contains('.');
        candidates
            .into_iter()
            .skip(usize::from(is_word))
            .find(|candidate| !is_ours(*candidate))
            .unwrap_or(Self::Base(his_base))
    }

    fn text(self) -> &'a str {
        match self {
            Self::Host(text) | Self::Authority(text) | Self::Base(text) => text,
        }
    }

    /// The first place where the address stands as a whole: letters, digits and hyphens around it would make it another.
    fn find(self, text: &[u8], from: usize) -> Option<Range<usize>> {
        let is_part = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'-');
        let starts_open = matches!(self, Self::Authority(_));
        let mut from = from;
        while let Some(start) = find_ignoring_case(text, self.text().as_bytes(), from) {
            let end = start + self.text().len();
            let before = start.checked_sub(1).and_then(|index| text.get(index));
            if (starts_open || !is_part(before)) && !is_part(text.get(end)) {
                return Some(start..end);
            }
            from = start + 1;
        }
        None
    }
}

fn authority(base: &str) -> &str {
    let rest = base.get(scheme_end(base).map_or(0, |end| end + SLASHES)..).unwrap_or(base);
    let end = rest.bytes().position(|byte| matches!(byte, b'/' | b'?' | b'#')).unwrap_or(rest.len());
    rest.get(..end).unwrap_or(rest)
}

/// The authority with the slashes before it, where the base has them.
fn slashed<'a>(base: &'a str, authority: &'a str) -> &'a str {
    let start = scheme_end(base);
    let end = start.map_or(authority.len(), |start| start + SLASHES + authority.len());
    base.get(start.unwrap_or(0)..end).unwrap_or(authority)
}

/// Where the colon of a scheme ends that stands before two slashes.
fn scheme_end(base: &str) -> Option<usize> {
    let mut ends = memchr_iter(b':', base.as_bytes()).map(|at| at + 1);
    ends.find(|end| base.get(*end..).is_some_and(|rest| rest.starts_with("//")))
}

fn host(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        Some(_) | None => authority,
    }
}

impl<'a> Mask<'a> {
    /// `ours`: texts that we write ourselves, so that an address they share with the HIS is not taken for the HIS's.
    pub(super) fn new(bsn: &'a str, his_base: &'a str, our_base: &'a str, ours: &[&str]) -> Self {
        let host = host(authority(his_base));
        Self { digits: Digits(bsn.as_bytes()), his_base, our_base, host, address: Address::of(his_base, ours) }
    }

    /// What a first look over a whole answer is to find.
    pub(super) fn wanted(&self) -> Wanted<'a> {
        Wanted::new(self.digits.0, self.host.as_bytes())
    }

    /// Whether a string needs an exact look. Quick, and never wrong in saying no: without an escape, digits and host name
    /// stand in the raw text as they are.
    pub(super) fn may_touch(&self, string: Value<'_>) -> bool {
        let text = string.quoted();
        let raw = text.as_bytes();
        // Most strings are codes, shorter than either; calling a search for them would cost more than the search.
        matches!(string.kind(), Kind::Unicode | Kind::Escaped)
            || (raw.len() >= SHORTEST_BSN && (may_differ(text) || self.find_bsn(text, 0).is_some()))
            || (raw.len() >= self.host.len() && find_ignoring_case(raw, self.host.as_bytes(), 0).is_some())
    }

    /// The text, or what markup makes of it when only there all of the BSN or of an address of the HIS is seen.
    pub(super) fn seen<'t>(&self, text: Cow<'t, str>) -> Cow<'t, str> {
        if !may_differ(&text) {
            return text;
        }
        let shown = shown(&text);
        if self.has_bsn(&shown) || self.has_address(shown.as_bytes()) { Cow::Owned(shown) } else { text }
    }

    /// Whether the BSN stands in this text.
    pub(super) fn has_bsn(&self, text: &str) -> bool {
        text.len() >= SHORTEST_BSN && self.find_bsn(text, 0).is_some()
    }

    /// Whether an address of the HIS stands in this text.
    pub(super) fn has_address(&self, text: &[u8]) -> bool {
        text.len() >= self.host.len() && self.address.find(text, 0).is_some()
    }

    /// Makes the first of these the text without both. To take out one can lay the other bare, so it is looked over until
    /// nothing is found; false when that has no end in sight.
    pub(super) fn clean(&self, text: &str, [cleaned, between]: &mut [String; 2]) -> bool {
        cleaned.clear();
        cleaned.push_str(text);
        (0..MOST_ROUNDS).any(|_| {
            self.without_address(cleaned, between);
            self.without_bsn(between, cleaned);
            !self.has_bsn(cleaned) && !self.has_address(cleaned.as_bytes())
        })
    }

    /// Makes `out` the text with asterisks for the BSN.
    fn without_bsn(&self, text: &str, out: &mut String) {
        let masked = |out: &mut String, found: &str| {
            out.push_str(MASKED_BSN);
            bare_tags(found, out);
        };
        out.clear();
        replace_all(text, out, masked, |from| self.find_bsn(text, from));
    }

    /// Makes `out` the text with our base for the HIS's when it starts with it, and asterisks for addresses further on.
    fn without_address(&self, text: &str, out: &mut String) {
        let (moved, rest) = match text.strip_prefix(self.his_base) {
            Some(rest) if rest.is_empty() || rest.starts_with(['/', '?', '#']) => (self.our_base, rest),
            Some(_) | None => ("", text),
        };
        out.clear();
        out.push_str(moved);
        let masked = |out: &mut String, _: &str| out.push_str(MASKED_ADDRESS);
        replace_all(rest, out, masked, |from| self.address.find(rest.as_bytes(), from));
    }

    /// The next place at or after `from` where the nine digits stand, gaps between them or not. No further digit touches
    /// them, but a leading zero may be left out and others may stand before.
    fn find_bsn(&self, text: &str, from: usize) -> Option<Range<usize>> {
        let [first, second, ..] = *self.digits.0 else { return None };
        let leading = if first == b'0' { second } else { first };
        let tail = text.as_bytes().get(from..)?;
        memchr3_iter(first, leading, WIDE_DIGIT[0], tail).map(|index| from + index).find_map(|start| {
            let end = if is_inside_number(text.as_bytes(), start) { None } else { self.bsn_end(text, start) };
            end.map(|end| start..end)
        })
    }

    fn bsn_end(&self, text: &str, start: usize) -> Option<usize> {
        let without_zero = || {
            let end = run_end(text, start, self.digits.0.strip_prefix(b"0")?)?;
            if is_date(text.get(start..end)?) { None } else { Some(end) }
        };
        let end = run_end(text, start, self.digits.0).or_else(without_zero)?;
        if digit(text, end).is_some() { None } else { Some(end) }
    }
}

/// Whether digits other than a few zeros touch this place from the left.
fn is_inside_number(text: &[u8], at: usize) -> bool {
    let before = text.get(at.saturating_sub(MOST_ZEROS)..at).unwrap_or_default();
    let first_other = before.iter().rev().find(|byte| **byte != b'0');
    first_other.is_some_and(u8::is_ascii_digit) || (first_other.is_none() && before.len() == MOST_ZEROS)
}

/// Eight digits with two hyphens are a date rather than a BSN that lost its zero.
fn is_date(text: &str) -> bool {
    let hyphens = text.bytes().enumerate().filter(|(_, byte)| !byte.is_ascii_digit());
    hyphens.eq([(4, b'-'), (7, b'-')])
}

/// Where the digits end that start here.
fn run_end(text: &str, start: usize, digits: &[u8]) -> Option<usize> {
    let mut at = start;
    for (index, sought) in digits.iter().enumerate() {
        at = if index == 0 { at } else { gap_end(text, at) };
        let (found, length) = digit(text, at)?;
        if found != *sought {
            return None;
        }
        at += length;
    }
    Some(at)
}

/// The digit at this place, full-width or not, as ASCII and with its length.
fn digit(text: &str, at: usize) -> Option<(u8, usize)> {
    match text.as_bytes().get(at..)? {
        [digit @ b'0'..=b'9', ..] => Some((*digit, 1)),
        [first, second, last @ 0x90..=0x99, ..] if [*first, *second] == WIDE_DIGIT => Some((last - 0x90 + b'0', 3)),
        _ => None,
    }
}

/// Where the signs, spaces, tags and character references end that start here.
fn gap_end(text: &str, start: usize) -> usize {
    let mut at = start;
    for _ in 0..MOST_SIGNS {
        let rest = text.get(at..).unwrap_or_default();
        at += match rest.chars().next() {
            Some('<') => length_to(rest, b'>', LONGEST_TAG),
            Some('&') => length_to(rest, b';', LONGEST_REFERENCE),
            // Of signs, only a colon joins numbers that are read as one: a time with its fraction.
            Some(char) if !char.is_alphanumeric() && char != ':' => char.len_utf8(),
            Some(_) | None => return at,
        };
    }
    at
}

/// Adds the tags of a text without their attributes, so that markup stays balanced.
fn bare_tags(text: &str, tags: &mut String) {
    for inner in text.split('<').skip(1).filter_map(|rest| rest.split_once('>')).map(|(inner, _)| inner) {
        let end = inner.find(|char: char| !char.is_ascii_alphanumeric() && char != '/').unwrap_or(inner.len());
        let name = inner.get(..end).unwrap_or_default();
        let is_name = name.len() < SHORTEST_BSN && name.contains(|char: char| char.is_ascii_alphabetic());
        let is_empty = is_name && inner.ends_with('/') && !name.ends_with('/');
        if is_name {
            tags.extend(["<", name, if is_empty { "/>" } else { ">" }]);
        }
    }
}

/// The length up to and with the closing byte; that of the first byte when it is not near or another one opens before,
/// so that no part of a text is looked over more than a few times.
fn length_to(text: &str, close: u8, longest: usize) -> usize {
    let open = text.as_bytes().first();
    let ends = |byte: &u8| *byte == close || Some(byte) == open;
    let rest = text.as_bytes().get(1..text.len().min(longest)).unwrap_or_default();
    rest.iter().position(ends).filter(|index| rest.get(*index) == Some(&close)).map_or(1, |index| index + 2)
}

/// The first place at or behind `from` where a text stands, in any case of its ASCII letters.
pub(super) fn find_ignoring_case(text: &[u8], sought: &[u8], from: usize) -> Option<usize> {
    if text.len() >= LONG {
        return look::find_ignoring_case(text, sought, from);
    }
    let byte = sought.first()?;
    let rest = text.get(from..)?;
    let is_there =
        |at: &usize| text.get(*at..*at + sought.len()).is_some_and(|found| found.eq_ignore_ascii_case(sought));
    memchr2_iter(byte.to_ascii_lowercase(), byte.to_ascii_uppercase(), rest).map(|at| from + at).find(is_there)
}

/// Adds a text with others in the place of what is found in it.
fn replace_all(
    text: &str,
    out: &mut String,
    replace: impl Fn(&mut String, &str),
    find: impl Fn(usize) -> Option<Range<usize>>,
) {
    let mut from = 0;
    while let Some(found) = find(from) {
        out.push_str(text.get(from..found.start).unwrap_or_default());
        replace(out, text.get(found.clone()).unwrap_or_default());
        from = found.end;
    }
    out.push_str(text.get(from..).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;

    const HIS: &str = "https://his.internal:8443/fhir";
    const OURS: &str = "https://inzage.example.nl/p/49/fhir";

    fn mask(bsn: &str) -> Mask<'_> {
        Mask::new(bsn, HIS, OURS, &[OURS])
    }

    fn made(by: impl Fn(&mut String)) -> String {
        let mut out = "what stood here before".to_owned();
        by(&mut out);
        out
    }

    #[test]
    fn a_bsn_is_found_with_separators_and_only_whole() {
        let mask = mask("999911132");
        for (text, masked) in [
            ("BSN 999911132.", "BSN *********."),
            ("9999.11.132 en 9999 11 132", "********* en *********"),
            ("9-9-9-9-1-1-1-3-2", "*********"),
            ("x999911132y999911132", "x*********y*********"),
            ("9 999911132", "9 *********"),
            ("9999\u{a0}11\u{200b}132 9999  11132 9999/11132", "********* ********* *********"),
            ("<b>9999</b><i class=\"x\">1</i>1132 9999&#160;11&nbsp;132", "<b>*********</b><i></i> *********"),
            ("９９９９１１１３２ en 99991113２", "********* en *********"),
            ("0999911132 x000999911132", "0********* x000*********"),
        ] {
            assert_eq!(made(|out| mask.without_bsn(text, out)), masked);
        }
        for text in ["9999111321", "1999911132", "10999911132", "99991113", "999911133", "9999x11132", "99:99:11.132"] {
            assert!(!mask.has_bsn(text), "{text}");
        }
    }

    #[test]
    fn a_leading_zero_may_be_missing() {
        let mask = mask("012345672");
        let text = "012345672, 12345672, 112345672";
        assert_eq!(made(|out| mask.without_bsn(text, out)), "*********, *********, 112345672");
        let mask = self::mask("020191121");
        let text = "2019-11-21 20191121 2019.11.21";
        assert_eq!(made(|out| mask.without_bsn(text, out)), "2019-11-21 ********* *********");
    }

    #[test]
    fn addresses_are_moved_at_the_start_and_masked_elsewhere() {
        let mask = mask("999911132");
        for (text, expected) in [
            ("https://his.internal:8443/fhir/Binary/1", "https://inzage.example.nl/p/49/fhir/Binary/1"),
            ("https://his.internal:8443/fhirs", "https://***:8443/fhirs"),
            ("see HIS.internal, or app.his.internal.", "see ***, or app.***."),
            ("this.internal his.internals my-his.internal", "this.internal his.internals my-his.internal"),
        ] {
            assert_eq!(made(|out| mask.without_address(text, out)), expected);
        }
    }

    /// Found by the fuzz target `text`: the digits made the host name another until they were masked.
    #[test]
    fn what_a_mask_lays_bare_is_masked_too() {
        let mask = mask("999911132");
        for (text, expected) in [
            ("his.internal999911132", "************"),
            ("999911132his.internal", "************"),
            ("9999his.internal11132", "9999his.internal11132"),
            ("9999 his.internal 11132", "9999 *** 11132"),
            ("https://his.internal:8443/fhir999911132", "https://***:8443/fhir*********"),
            ("plain", "plain"),
        ] {
            let mut rooms = [String::new(), String::new()];
            assert!(mask.clean(text, &mut rooms));
            assert_eq!(rooms[0], expected, "{text}");
        }
    }

    #[test]
    fn a_shared_host_and_a_bare_word_need_more_to_be_recognised() {
        let local =
            Mask::new("999911132", "http://127.0.0.1:8081/fhir", "http://127.0.0.1:8080", &["http://127.0.0.1:8080"]);
        assert!(local.has_address(b"http://127.0.0.1:8081/x") && !local.has_address(b"http://127.0.0.1:8080/x"));
        let word = Mask::new("999911132", "http://his/fhir", OURS, &[OURS]);
        assert!(word.has_address(b"at http://HIS/other") && !word.has_address(b"het HIS van de praktijk"));
    }
}
