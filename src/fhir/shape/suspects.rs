//! Where a text may hold what the mask is after: a first look over all its bytes, so that strings without a suspect byte
//! need no look of their own. Quick, and never wrong in saying no; whether a suspect is guilty is judged by the mask.
//!
//! What makes a byte suspect is written for strings that stand in JSON as they are or with short escapes: none of those
//! spells a digit, a letter of a host name, or a sign of markup. Strings with `\u` escapes are looked at by the mask in any case.

use wide::u8x16;

use super::marks::bits;

/// Bytes that are looked at together.
const BLOCK: usize = 64;

/// Bytes of host names, the most common in FHIR first.
const COMMON: &[u8] = b"eratinosdlpchmgu./:-0123456789kfbvwzjyxq";

/// Where the byte stands in a name that few other texts have.
pub(super) fn rarest(name: &[u8]) -> usize {
    let rarity =
        |byte: u8| COMMON.iter().position(|common| *common == byte.to_ascii_lowercase()).unwrap_or(COMMON.len());
    (0..name.len()).max_by_key(|index| name.get(*index).map(|byte| rarity(*byte))).unwrap_or_default()
}

/// What to look for.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    /// The digits that a BSN may start with: its first, and its second when the first is a zero that may be left out.
    firsts: [u8; 2],
    /// Whether each byte may stand behind those: the next digit, or a sign that may stand between two digits.
    follows: [bool; 256],
    /// The host name of the HIS.
    host: &'a [u8],
    /// Where in it the byte is that is looked for, and that byte in lower and upper case.
    rare: usize,
    cases: [u8; 2],
}

impl<'a> Wanted<'a> {
    /// The nine digits of a BSN and a host name.
    pub(super) fn new(digits: &[u8], host: &'a [u8]) -> Self {
        let digit = |index| digits.get(index).copied().unwrap_or(b'0');
        let shift = usize::from(digit(0) == b'0');
        let mut follows = SIGNS;
        for second in [digit(1), digit(shift + 1)] {
            follows.iter_mut().skip(usize::from(second)).take(1).for_each(|follows| *follows = true);
        }
        let rare = rarest(host);
        let byte = host.get(rare).copied().unwrap_or(b'<');
        Self {
            firsts: [digit(0), digit(shift)],
            follows,
            host,
            rare,
            cases: [byte.to_ascii_lowercase(), byte.to_ascii_uppercase()],
        }
    }

    /// One bit for each byte that is worth a look.
    #[inline]
    fn worth_a_look(&self, block: &[u8; BLOCK]) -> u64 {
        let [one, other] = self.firsts.map(u8x16::splat);
        let [lower, upper] = self.cases.map(u8x16::splat);
        let [reference, tag, wide] = [b'&', b'<', WIDE[0]].map(u8x16::splat);
        bits(block, |bytes| {
            let is_digit = bytes.simd_eq(one) | bytes.simd_eq(other) | bytes.simd_eq(wide);
            let is_markup = bytes.simd_eq(reference) | bytes.simd_eq(tag);
            is_digit | is_markup | bytes.simd_eq(lower) | bytes.simd_eq(upper)
        })
    }

    #[inline]
    fn is_suspect(&self, text: &[u8], at: usize) -> bool {
        let (Some(&byte), next) = (text.get(at), text.get(at + 1).copied().unwrap_or_default()) else { return false };
        if byte.is_ascii_digit() {
            self.firsts.contains(&byte) && self.may_start(text, at, next) || self.is_in_host(text, at, byte)
        } else {
            is_sign_of_markup(byte, next) || [byte, next] == WIDE || self.is_in_host(text, at, byte)
        }
    }

    /// Whether the digit at this place may be the first of a BSN: before what may follow, and behind no other digit but a zero.
    #[inline]
    fn may_start(&self, text: &[u8], at: usize, next: u8) -> bool {
        let is_inside =
            || at.checked_sub(1).and_then(|before| text.get(before)).is_some_and(|byte| matches!(byte, b'1'..=b'9'));
        self.follows.get(usize::from(next)) == Some(&true) && !is_inside()
    }

    fn is_in_host(&self, text: &[u8], at: usize, byte: u8) -> bool {
        let start = if self.cases.contains(&byte) { at.checked_sub(self.rare) } else { None };
        let found = start.and_then(|start| text.get(start..start + self.host.len()));
        !self.host.is_empty() && found.is_some_and(|found| found.eq_ignore_ascii_case(self.host))
    }
}

/// Whether these are the start of a character reference by number, a comment or an instruction.
const fn is_sign_of_markup(byte: u8, next: u8) -> bool {
    matches!((byte, next), (b'&', b'#') | (b'<', b'!' | b'?'))
}

/// Whether each byte is a sign, or a part of one, that may stand between two digits of a BSN. A quote ends the string.
const SIGNS: [bool; 256] = {
    let mut table = [false; 256];
    let mut rest = table.as_mut_slice();
    let mut byte = 0_u8;
    while let [first, others @ ..] = rest {
        *first = !byte.is_ascii_alphanumeric() && !matches!(byte, b':' | b'"');
        byte = byte.wrapping_add(1);
        rest = others;
    }
    table
};

/// The first two bytes of a full-width digit (U+FF10 to U+FF19).
const WIDE: [u8; 2] = [0xef, 0xbc];

/// The suspect bytes of a text, asked for from its start to its end.
pub(super) struct Suspects<'b> {
    /// `None` when every byte is suspect.
    wanted: Option<Wanted<'b>>,
    text: &'b [u8],
    /// Where the block starts that is looked at, and which of its bytes are still worth a look.
    base: usize,
    worth: u64,
    /// Where the next suspect is.
    next: usize,
}

impl<'b> Suspects<'b> {
    /// Those of a text; all of it without `wanted`.
    pub(super) fn of(text: &'b [u8], wanted: Option<Wanted<'b>>) -> Self {
        let mut suspects = Self { wanted, text, base: 0, worth: 0, next: 0 };
        if let Some(wanted) = wanted {
            suspects.worth = wanted.worth_a_look(&suspects.block());
            suspects.next = suspects.seek(&wanted);
        }
        suspects
    }

    /// Whether there is one between these places, which lie behind those that were asked for before.
    #[inline]
    pub(super) fn meet(&mut self, start: usize, end: usize) -> bool {
        self.next < end && self.meet_next(start, end)
    }

    fn meet_next(&mut self, start: usize, end: usize) -> bool {
        let Some(wanted) = self.wanted else { return true };
        while self.next < start {
            self.next = self.seek(&wanted);
        }
        self.next < end
    }

    /// The next one that was not given yet; behind all texts when there is none.
    fn seek(&mut self, wanted: &Wanted<'_>) -> usize {
        loop {
            while self.worth != 0 {
                let at = self.base + self.worth.trailing_zeros() as usize;
                self.worth &= self.worth - 1;
                if wanted.is_suspect(self.text, at) {
                    return at;
                }
            }
            self.base += BLOCK;
            if self.base >= self.text.len() {
                return usize::MAX;
            }
            self.worth = wanted.worth_a_look(&self.block());
        }
    }

    /// The bytes from `base` on, with spaces behind the last.
    #[inline]
    fn block(&self) -> [u8; BLOCK] {
        let rest = self.text.get(self.base..).unwrap_or_default();
        rest.first_chunk().copied().unwrap_or_else(|| {
            let mut block = [b' '; BLOCK];
            block.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
            block
        })
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
            let outline = scan_within(body.as_bytes(), 0, Some(mask.wanted())).unwrap();
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
            let outline = scan_within(body.as_bytes(), 0, Some(mask.wanted())).unwrap();
            let found: Vec<_> = outline.root().unwrap().items().skip(1).map(|value| value.has(traits::SUSPECT)).collect();
            prop_assert_eq!(found, [true, false, true]);
            let object = outline.root().unwrap().items().nth(3).unwrap();
            prop_assert!(object.members().all(|member| member.value.has(traits::SUSPECT_NAME)));
        }
    }
}
