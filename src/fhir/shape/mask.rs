//! What may stand in no text that leaves: the BSN of the patient and the address of the HIS.

use std::ops::Range;

use memchr::{memchr2, memchr2_iter};

use super::outline::{Kind, Value};

/// What stands in the place of nine digits.
const MASKED_BSN: &str = "*********";
/// What stands in the place of an address of the HIS inside a text.
const MASKED_ADDRESS: &str = "***";

/// Digits of a BSN without its leading zero.
const SHORTEST_BSN: usize = 8;

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
    let rest = base.split_once("://").map_or(base, |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or(rest)
}

/// The authority with the slashes before it, where the base has them.
fn slashed<'a>(base: &'a str, authority: &'a str) -> &'a str {
    let end = base.find("://").map_or(authority.len(), |scheme| scheme + 3 + authority.len());
    base.get(base.find("://").map_or(0, |scheme| scheme + 1)..end).unwrap_or(authority)
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

    /// Whether a string needs an exact look. Quick, and never wrong in saying no: without a `\u` escape, digits and host
    /// name stand in the raw text as they are.
    pub(super) fn may_touch(&self, string: Value<'_>) -> bool {
        let raw = string.quoted().as_bytes();
        // Most strings are codes, shorter than either; calling a search for them would cost more than the search.
        string.kind() == Kind::Unicode
            || (raw.len() >= SHORTEST_BSN && self.find_bsn(raw, 0).is_some())
            || (raw.len() >= self.host.len() && find_ignoring_case(raw, self.host.as_bytes(), 0).is_some())
    }

    /// Whether the BSN stands in this text.
    pub(super) fn has_bsn(&self, text: &str) -> bool {
        text.len() >= SHORTEST_BSN && self.find_bsn(text.as_bytes(), 0).is_some()
    }

    /// Whether an address of the HIS stands in this text.
    pub(super) fn has_address(&self, text: &[u8]) -> bool {
        text.len() >= self.host.len() && self.address.find(text, 0).is_some()
    }

    /// The text with asterisks for the BSN.
    pub(super) fn without_bsn(&self, text: &str) -> String {
        replace_all(text, MASKED_BSN, |from| self.find_bsn(text.as_bytes(), from))
    }

    /// The text with our base for the HIS's when it starts with it, and asterisks for addresses further on.
    pub(super) fn without_address(&self, text: &str) -> String {
        let (moved, rest) = match text.strip_prefix(self.his_base) {
            Some(rest) if rest.is_empty() || rest.starts_with(['/', '?', '#']) => (self.our_base, rest),
            Some(_) | None => ("", text),
        };
        let masked = replace_all(rest, MASKED_ADDRESS, |from| self.address.find(rest.as_bytes(), from));
        format!("{moved}{masked}")
    }

    /// The next place at or after `from` where the nine digits stand: single dots, spaces or hyphens may stand between
    /// them, and no further digit touches them. A leading zero may be left out.
    fn find_bsn(&self, text: &[u8], from: usize) -> Option<Range<usize>> {
        let [first, second, ..] = *self.digits.0 else { return None };
        let leading = if first == b'0' { second } else { first };
        let tail = text.get(from..)?;
        memchr2_iter(first, leading, tail).map(|index| from + index).find_map(|start| {
            let touched = start.checked_sub(1).and_then(|index| text.get(index)).is_some_and(u8::is_ascii_digit);
            let end = if touched { None } else { self.bsn_end(text, start) };
            end.map(|end| start..end)
        })
    }

    fn bsn_end(&self, text: &[u8], start: usize) -> Option<usize> {
        let short = self.digits.0.strip_prefix(b"0");
        let end = run_end(text, start, self.digits.0).or_else(|| run_end(text, start, short?))?;
        if text.get(end).is_some_and(u8::is_ascii_digit) { None } else { Some(end) }
    }
}

/// Where the digits end that start here, with at most one separator between two of them.
fn run_end(text: &[u8], start: usize, digits: &[u8]) -> Option<usize> {
    let mut at = start;
    for (index, digit) in digits.iter().enumerate() {
        let separated = index > 0 && matches!(text.get(at), Some(b'.' | b' ' | b'-'));
        at += usize::from(separated);
        if text.get(at) != Some(digit) {
            return None;
        }
        at += 1;
    }
    Some(at)
}

pub(super) fn find_ignoring_case(text: &[u8], sought: &[u8], from: usize) -> Option<usize> {
    let first = *sought.first()?;
    let mut from = from;
    loop {
        from += memchr2(first.to_ascii_lowercase(), first.to_ascii_uppercase(), text.get(from..)?)?;
        if text.get(from..from + sought.len())?.eq_ignore_ascii_case(sought) {
            return Some(from);
        }
        from += 1;
    }
}

fn replace_all(text: &str, replacement: &str, find: impl Fn(usize) -> Option<Range<usize>>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    while let Some(found) = find(from) {
        out.push_str(text.get(from..found.start).unwrap_or_default());
        out.push_str(replacement);
        from = found.end;
    }
    out.push_str(text.get(from..).unwrap_or_default());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const HIS: &str = "https://his.internal:8443/fhir";
    const OURS: &str = "https://inzage.example.nl/p/49/fhir";

    fn mask(bsn: &str) -> Mask<'_> {
        Mask::new(bsn, HIS, OURS, &[OURS])
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
        ] {
            assert_eq!(mask.without_bsn(text), masked);
        }
        for text in ["9999111321", "1999911132", "9999  11132", "99991113", "999911133", "9999/11132"] {
            assert!(!mask.has_bsn(text), "{text}");
        }
    }

    #[test]
    fn a_leading_zero_may_be_missing() {
        let mask = mask("012345672");
        assert_eq!(mask.without_bsn("012345672, 12345672, 112345672"), "*********, *********, 112345672");
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
            assert_eq!(mask.without_address(text), expected);
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
