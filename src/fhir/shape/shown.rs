//! A text as whoever reads it as markup sees it: without comments and processing instructions, and with letters and digits
//! for the references that spell them. A number that is split by the one or spelled by the other is a number all the same,
//! and becomes one again where a narrative is written as XML.

use memchr::{memchr2_iter, memmem};

/// Whether markup may make the text look other than it stands. Quick, and never wrong in saying no.
pub(super) fn may_differ(text: &str) -> bool {
    let bytes = text.as_bytes();
    memchr2_iter(b'&', b'<', bytes).any(|at| {
        let next = bytes.get(at + 1);
        if bytes.get(at) == Some(&b'&') { next == Some(&b'#') } else { matches!(next, Some(b'!' | b'?')) }
    })
}

/// The text as it is seen.
pub(super) fn shown(text: &str) -> String {
    let mut shown = Shown { out: String::with_capacity(text.len()), unclosed: [false; 3] };
    let mut rest = text;
    while let Some(at) = rest.find(['&', '<']) {
        let (plain, markup) = rest.split_at(at);
        shown.out.push_str(plain);
        rest = shown.markup(markup);
    }
    shown.out.push_str(rest);
    shown.out
}

struct Shown {
    out: String,
    /// Of comments, instructions and CDATA, what has no end further on: it is not looked for again.
    unclosed: [bool; 3],
}

impl Shown {
    /// Takes what a text begins with, and gives the rest.
    fn markup<'t>(&mut self, text: &'t str) -> &'t str {
        if let Some((character, rest)) = referred(text) {
            self.out.push(character);
            return rest;
        }
        for (kind, opens, closes) in [(0, "<!--", "-->"), (1, "<?", "?>"), (2, "<![CDATA[", "]]>")] {
            if let Some((inner, rest)) = self.between(text, kind, opens, closes) {
                if opens == "<![CDATA[" {
                    self.out.push_str(&inner.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"));
                }
                return rest;
            }
        }
        let (first, rest) = text.split_at(1);
        self.out.push_str(first);
        rest
    }

    fn between<'t>(&mut self, text: &'t str, kind: usize, opens: &str, closes: &str) -> Option<(&'t str, &'t str)> {
        let unclosed = self.unclosed.get_mut(kind).filter(|unclosed| !**unclosed)?;
        let inner = text.strip_prefix(opens)?;
        let Some(end) = memmem::find(inner.as_bytes(), closes.as_bytes()) else {
            *unclosed = true;
            return None;
        };
        Some((inner.get(..end)?, inner.get(end + closes.len()..)?))
    }
}

/// The character that a reference by number spells, where it is one that a number or an address is made of, and what follows.
fn referred(text: &str) -> Option<(char, &str)> {
    let inner = text.strip_prefix("&#")?;
    let (digits, radix) = inner.strip_prefix(['x', 'X']).map_or((inner, 10), |digits| (digits, 16));
    let end = digits.find(|char: char| !char.is_digit(radix))?;
    let (digits, rest) = digits.split_at(end);
    let character = char::from_u32(u32::from_str_radix(digits, radix).ok()?)?;
    let is_plain =
        character.is_ascii_alphanumeric() || matches!(character, '-' | '.' | ':' | '/' | '\u{ff10}'..='\u{ff19}');
    is_plain.then_some((character, rest.strip_prefix(';').unwrap_or(rest)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_spelled_or_split_is_seen_whole() {
        for (text, seen) in [
            ("&#57;99911132", "999911132"),
            ("&#x39;&#X39;&#00000000000000057;9", "9999"),
            ("&#57", "&#57"),
            ("9999<!-- > --><?x y?>11<![CDATA[132 & <b>]]>", "999911132 &amp; &lt;b&gt;"),
            ("his&#46;internal&#x2F;x", "his.internal/x"),
            (
                "&#65296;&#38;#57; &amp;#57; &#60;b&#62; &#; &#x; &#xffffffff; &#57x",
                "０&#38;#57; &amp;#57; &#60;b&#62; &#; &#x; &#xffffffff; 9x",
            ),
            ("9<!-- 9 <? 9 <![CDATA[ 9", "9<!-- 9 <? 9 <![CDATA[ 9"),
            ("<b>9</b> < & 9", "<b>9</b> < & 9"),
        ] {
            assert_eq!(shown(text), seen, "{text}");
            assert!(may_differ(text) || text == seen, "{text}");
        }
        assert!(!may_differ("<b>9</b> &amp; &nbsp; < & 9 &"));
    }

    #[test]
    fn what_never_closes_is_looked_for_once() {
        let text = "<!--<?<![CDATA[".repeat(100_000);
        assert_eq!(shown(&text), text);
    }
}
