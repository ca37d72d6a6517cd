//! Finds the members of a record that are searched, in the form in which records are written: no white space, no escape. A
//! parser of JSON looks at each byte of it several times and took half of what the index takes for a record.

use std::borrow::Cow;

use fearless_simd::prelude::*;
use fearless_simd::{Level, dispatch, u8x64};

use super::entry::{Borrowed, Searched};

/// Bytes that are looked at together.
const BLOCK: usize = 64;
/// Nearly all records are shorter than so many blocks.
const BLOCKS: usize = 32;

/// Goes over a payload by its quotes; nothing in it is escaped, so each is the beginning or the end of a string.
struct Reader<'a> {
    text: &'a str,
    quotes: Quotes,
    at: usize,
}

/// Where the quotes of a payload are: a word for each block, in it a bit for each byte, the first byte lowest. They stand closer to
/// each other than a search for the next one has use for (`benches/README.md`, *behind*).
struct Quotes {
    words: [u64; BLOCKS],
    block: usize,
}

/// What was found so far.
#[derive(Default)]
struct Members<'a> {
    version: Option<u64>,
    time: Option<&'a str>,
    kind: Option<&'a str>,
    outcome: Option<&'a str>,
    subject: Option<&'a str>,
    provider: Option<&'a str>,
    client: Option<&'a str>,
    service: Option<&'a str>,
}

/// What a parser of JSON would find in a record in the form of the log. `None` when it has another form, also where that is
/// JSON all the same.
pub(super) fn searched(payload: &[u8]) -> Option<Searched<'_>> {
    let text = std::str::from_utf8(payload).ok()?;
    let mut reader = Reader { text, quotes: Quotes::of(payload)?, at: 0 };
    let mut found = Members::default();
    reader.expect(b'{')?;
    loop {
        let name = reader.string()?;
        reader.expect(b':')?;
        match reader.next()? {
            b'"' => found.text(name, reader.string()?)?,
            b'0'..=b'9' => found.number(name, reader.number()?)?,
            b'{' => {
                reader.numbers()?;
                is_other(name)?;
            }
            _ => {
                reader.word("true")?;
                is_other(name)?;
            }
        }
        if reader.expect(b',').is_none() {
            break;
        }
    }
    reader.expect(b'}')?;
    if reader.at == payload.len() { found.searched() } else { None }
}

/// A member that is not searched may have any value.
fn is_other(name: &str) -> Option<()> {
    let searched = ["v", "time", "kind", "outcome", "subject", "provider", "client_id", "service"];
    (!searched.contains(&name)).then_some(())
}

impl Quotes {
    /// `None` when the payload is too long, or a byte of it begins an escape or is a control character.
    fn of(payload: &[u8]) -> Option<Self> {
        let (blocks, rest) = payload.as_chunks::<BLOCK>();
        let mut tail = [b' '; BLOCK];
        tail.get_mut(..rest.len())?.copy_from_slice(rest);
        let mut quotes = Self { words: [0; BLOCKS], block: 0 };
        let places = quotes.words.get_mut(..=blocks.len())?;
        let others = dispatch!(Level::new(), simd => mark(simd, blocks.iter().chain([&tail]), places));
        (others == 0).then_some(quotes)
    }
}

impl Iterator for Quotes {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        loop {
            let word = self.words.get_mut(self.block)?;
            if *word != 0 {
                let place = self.block * BLOCK + word.trailing_zeros() as usize;
                *word &= *word - 1;
                return Some(place);
            }
            self.block += 1;
        }
    }
}

/// Sets one bit for each quote. Where there is a backslash or a control character, what it gives is not zero.
#[inline(always)]
fn mark<'b, S: Simd>(simd: S, blocks: impl Iterator<Item = &'b [u8; BLOCK]>, words: &mut [u64]) -> u64 {
    let mut others = 0;
    for (word, block) in words.iter_mut().zip(blocks) {
        let bytes = u8x64::simd_from(simd, *block);
        *word = bytes.simd_eq(b'"').to_bitmask();
        others |= (bytes.simd_eq(b'\\') | bytes.simd_lt(b' ')).to_bitmask();
    }
    others
}

impl<'a> Reader<'a> {
    fn next(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        self.next().filter(|next| *next == byte)?;
        self.at += 1;
        Some(())
    }

    fn string(&mut self) -> Option<&'a str> {
        let start = self.quotes.next().filter(|start| *start == self.at)? + 1;
        let end = self.quotes.next()?;
        self.at = end + 1;
        self.text.get(start..end)
    }

    fn word(&mut self, word: &str) -> Option<()> {
        self.text.get(self.at..)?.starts_with(word).then(|| self.at += word.len())
    }

    /// One that is neither negative nor broken (RFC 8259 section 6).
    fn number(&mut self) -> Option<u64> {
        let rest = self.text.get(self.at..)?;
        let length = rest.bytes().take_while(u8::is_ascii_digit).count();
        let digits = rest.get(..length).filter(|digits| digits.len() == 1 || !digits.starts_with('0'))?;
        self.at += length;
        digits.parse().ok()
    }

    /// An object of numbers.
    fn numbers(&mut self) -> Option<()> {
        self.expect(b'{')?;
        loop {
            self.string()?;
            self.expect(b':')?;
            self.number()?;
            if self.expect(b',').is_none() {
                return self.expect(b'}');
            }
        }
    }
}

impl<'a> Members<'a> {
    /// `None` when it is there already, or must not be a text.
    fn text(&mut self, name: &str, value: &'a str) -> Option<()> {
        let place = match name {
            "time" => &mut self.time,
            "kind" => &mut self.kind,
            "outcome" => &mut self.outcome,
            "subject" => &mut self.subject,
            "provider" => &mut self.provider,
            "client_id" => &mut self.client,
            "service" => &mut self.service,
            "v" => return None,
            _ => return Some(()),
        };
        place.replace(value).is_none().then_some(())
    }

    fn number(&mut self, name: &str, value: u64) -> Option<()> {
        if name == "v" { self.version.replace(value).is_none().then_some(()) } else { is_other(name) }
    }

    fn searched(self) -> Option<Searched<'a>> {
        let text = |value: &'a str| Borrowed(Cow::Borrowed(value));
        Some(Searched {
            v: self.version?,
            time: text(self.time?),
            kind: text(self.kind?),
            outcome: text(self.outcome?),
            subject: self.subject.map(text),
            provider: self.provider.map(text),
            client_id: self.client.map(text),
            service: self.service.map(text),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::encode;
    use crate::audit::testing::{LOG, any_event, full};
    use jiff::Timestamp;
    use proptest::prelude::*;

    fn encoded(event: &crate::audit::AuditEvent) -> Vec<u8> {
        let mut out = Vec::new();
        encode(event, LOG, &mut out);
        out
    }

    fn parsed(payload: &[u8]) -> Option<Searched<'_>> {
        serde_json::from_slice(payload).ok()
    }

    #[test]
    fn a_record_with_all_members_is_found_without_a_parser() {
        let event = full(Timestamp::UNIX_EPOCH);
        let payload =
            encoded(&crate::audit::AuditEvent { user: None, query: Some("Observation?code=x".into()), ..event });
        assert!(searched(&payload).is_some());
        assert_eq!(searched(&payload), parsed(&payload));
    }

    #[test]
    fn a_long_record_is_left_to_the_parser() {
        let with = |length: usize| {
            let query = "x".repeat(length);
            format!(r#"{{"v":2,"time":"t","kind":"k","outcome":"o","query":"{query}"}}"#).into_bytes()
        };
        let empty = with(0).len();
        for (length, is_found) in [(BLOCK, true), (BLOCKS * BLOCK - 1, true), (BLOCKS * BLOCK, false)] {
            let payload = with(length - empty);
            assert_eq!(searched(&payload).is_some(), is_found, "{length}");
        }
        assert_eq!(searched(&with(500)), parsed(&with(500)));
    }

    #[test]
    fn what_has_another_form_is_left_to_the_parser() {
        let whole = r#"{"v":2,"time":"t","kind":"k","outcome":"o"}"#;
        assert!(searched(whole.as_bytes()).is_some());
        for other in [
            "",
            "{}",
            r#"{"v":2,"time":"t","kind":"k"}"#,
            r#"{"v":2, "time":"t","kind":"k","outcome":"o"}"#,
            r#"{"v":2,"time":"t","kind":"k","outcome":"\u006f"}"#,
            r#"{"v":2,"time":"t","kind":"k","outcome":"o","kind":"l"}"#,
            r#"{"v":2,"v":2,"time":"t","kind":"k","outcome":"o"}"#,
            r#"{"v":"2","time":"t","kind":"k","outcome":"o"}"#,
            r#"{"v":2,"time":1,"kind":"k","outcome":"o"}"#,
            r#"{"v":02,"time":"t","kind":"k","outcome":"o"}"#,
            r#"{"v":2,"time":"t","kind":"k","outcome":"o","x":null}"#,
            r#"{"v":2,"time":"t","kind":"k","outcome":"o","x":{"y":{}}}"#,
            r#"{"v":2,"time":"t","kind":"k","outcome":"o"}}"#,
            r#"{"v":2,"time":"t","kind":"k","outcome":"o","#,
        ] {
            assert_eq!(searched(other.as_bytes()), None, "{other}");
        }
    }

    proptest! {
        #[test]
        fn every_record_is_found_as_the_parser_finds_it(event in any_event()) {
            let payload = encoded(&event);
            if let Some(found) = searched(&payload) {
                prop_assert_eq!(Some(found), parsed(&payload));
            } else {
                let is_long = payload.len() >= BLOCKS * BLOCK;
                prop_assert!(is_long || payload.contains(&b'\\'), "only an escape is left to the parser");
            }
        }

        #[test]
        fn an_altered_record_is_found_as_the_parser_finds_it(event in any_event(), at: prop::sample::Index, byte: u8) {
            let mut payload = encoded(&event);
            let at = at.index(payload.len());
            payload[at] = byte;
            if let Some(found) = searched(&payload) {
                prop_assert_eq!(Some(found), parsed(&payload));
            }
        }
    }
}
