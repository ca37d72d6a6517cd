//! Where a text may hold what the mask is after: a first look over all its bytes, so that strings without a suspect byte
//! need no look of their own. Quick, and never wrong in saying no; whether a suspect is guilty is judged by the mask.
//!
//! What makes a byte suspect is written for strings that stand in JSON as they are or with short escapes: none of those
//! spells a digit, a letter of a host name, or a sign of markup. Strings with `\u` escapes are looked at by the mask in any case.

use super::look::Pair;
use super::outline::traits;

/// What to look for.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    /// The digits that a BSN may start with: its first, and its second when the first is a zero that may be left out.
    pub(super) firsts: [u8; 2],
    /// The digits that may stand behind those; a sign that may stand between two digits may, too.
    pub(super) seconds: [u8; 2],
    /// The host name of the HIS.
    host: &'a [u8],
    /// By what it is found.
    pub(super) pair: Pair,
}

impl<'a> Wanted<'a> {
    /// The nine digits of a BSN and a host name.
    pub(super) fn new(digits: &[u8], host: &'a [u8]) -> Self {
        let digit = |index| digits.get(index).copied().unwrap_or(b'0');
        let shift = usize::from(digit(0) == b'0');
        let (firsts, seconds) = ([digit(0), digit(shift)], [digit(1), digit(shift + 1)]);
        Self { firsts, seconds, host, pair: Pair::rarest(host) }
    }

    /// Whether the host name stands so that its pair is at this place.
    #[inline]
    pub(super) fn is_in_host(&self, text: &[u8], place: usize) -> bool {
        self.pair.start_of(self.host, text, place).is_some()
    }
}

/// The suspect bytes of a text, asked for from its start to its end.
#[derive(Debug)]
pub(super) struct Suspects {
    /// `None` when every byte is suspect.
    places: Option<Vec<u32>>,
    /// How many of them were passed, and where the next one is.
    passed: usize,
    next: usize,
}

impl Suspects {
    /// Those at these places, which are in order; all bytes without.
    pub(super) fn at(places: Option<Vec<u32>>) -> Self {
        let mut suspects = Self { places, passed: 0, next: 0 };
        suspects.pass(0);
        suspects
    }

    /// Whether there is one before `end`.
    #[inline(always)]
    pub(super) const fn come_before(&self, end: usize) -> bool {
        self.next < end
    }

    /// The [`traits`] of a value from `start` to `end`, and of its label, if one stands before it, from `label` on. They lie behind those that
    /// were asked for before.
    #[cold]
    pub(super) fn traits(&mut self, label: usize, start: usize, end: usize) -> u8 {
        self.pass(label);
        let in_name = if label < start && self.next < start { traits::SUSPECT_NAME } else { 0 };
        self.pass(start);
        let in_value = if self.next < end { traits::SUSPECT } else { 0 };
        self.pass(end);
        in_name | in_value
    }

    /// Leaves those before `at` behind.
    fn pass(&mut self, at: usize) {
        let Some(places) = &self.places else { return };
        while let Some(&place) = places.get(self.passed) {
            self.next = place as usize;
            if self.next >= at {
                return;
            }
            self.passed += 1;
        }
        self.next = usize::MAX;
    }

    /// The places, for another text.
    pub(super) fn into_places(self) -> Vec<u32> {
        self.places.unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::mask::Mask;
    use super::super::outline::{Value, traits};
    use super::super::scan::scan_within;
    use super::super::shown::may_differ;

    const HIS: &str = "https://his-1.internal:8443/fhir";
    const OURS: &str = "https://inzage.example.nl/p/49/fhir";
    const TAG: &str = "<span class=\"a very long name of a class that goes on and on and on\">";

    fn bsn() -> impl Strategy<Value = &'static str> {
        prop::sample::select(vec!["999911132", "012345672", "001234568", "111222333"])
    }

    fn piece() -> impl Strategy<Value = String> {
        let some = [
            "<b>", "</b>", "<", "&#57;", "&nbsp;", "&", "<!-- -->", "\u{a0}", "９", "１", "２", "\n", "\"", "\\", "/",
            TAG,
        ];
        let host = ["his-1.internal", "HIS-1.INTERNAL", "his-1.", "internal", "https://", ":8443/fhir"];
        prop_oneof![
            4 => "[0-9]{1,3}",
            2 => "[-. :a]",
            2 => prop::sample::select([&some[..], &host[..]].concat()).prop_map(str::to_owned),
            1 => (bsn(), "[-. /]{0,2}", 0..9_usize).prop_map(|(bsn, gap, at)| [&bsn[..at], &gap, &bsn[at..]].concat()),
        ]
    }

    proptest! {
        /// Written with short escapes, with a `\/` for each slash, as a name, and as a number where it is one.
        #[test]
        fn what_is_not_suspect_is_innocent(bsn in bsn(), pieces in prop::collection::vec(piece(), 0..12), pad in 0..70_usize) {
            let text = pieces.concat();
            let json = serde_json::to_string(&text).unwrap();
            let slashes = json.replace('/', "\\/");
            let number = if text.parse::<u64>().is_ok_and(|number| number.to_string() == text) { &text } else { "7" };
            let body = format!("{}[{json},\"<\",{slashes},\">\",{number},\"0\",{json},9]", " ".repeat(pad));
            let mask = Mask::new(bsn, HIS, OURS, &[OURS]);
            let outline = scan_within(body.as_bytes(), 0, Some(&mask.wanted())).unwrap();
            for value in outline.root().into_iter().flat_map(Value::items).filter(|value| !value.has(traits::SUSPECT)) {
                let found = value.string().unwrap_or_else(|| value.raw().into());
                prop_assert!(!mask.has_bsn(&found), "{found}");
                prop_assert!(!mask.has_address(found.as_bytes()), "{found}");
                prop_assert!(!may_differ(&found), "{found}");
            }
        }

        #[test]
        fn no_suspect_depends_on_where_it_stands(before in "[0-9a&<.-]{0,200}", bsn in bsn(), after in "[a-z ]{0,80}") {
            let body = format!("[\"{before}\", \"x {bsn} {after}\", \"{after}\", {{\"{bsn}\": \"https:\\/\\/HIS-1.internal\"}}]");
            let mask = Mask::new(bsn, HIS, OURS, &[OURS]);
            let outline = scan_within(body.as_bytes(), 0, Some(&mask.wanted())).unwrap();
            let found: Vec<_> =
                outline.root().unwrap().items().skip(1).map(|value| value.visits().next().is_some()).collect();
            prop_assert_eq!(found, [true, false, true]);
            let object = outline.root().unwrap().items().nth(3).unwrap();
            prop_assert!(object.members().all(|member| member.value.has(traits::SUSPECT_NAME)));
        }
    }
}
