//! A strict JSON scanner (RFC 8259) that reads the bytes once and keeps only where each value stands. Stricter than the
//! RFC where leniency hides things: no member name twice in one object, and no escapes in names (FHIR names need none).

use super::ShapeFault;
use super::outline::{Kind, Node, Outline};

/// How many arrays and objects may stand inside each other. FHIR data stays under 20.
pub(in crate::fhir) const DEPTH_LIMIT: usize = 64;
/// Up to this many names are compared one by one; above it they are sorted first.
const FEW_NAMES: usize = 8;

/// Scans a whole document.
///
/// # Errors
/// `TooLarge` over 4 GiB, `NotJson`, `TooDeep`, `RepeatedName`, `EscapedName`.
pub(in crate::fhir) fn scan(body: &[u8]) -> Result<Outline<'_>, ShapeFault> {
    scan_within(body, 0)
}

/// Scans a value that stands within `depth` arrays and objects of its document.
///
/// # Errors
/// As [`scan`].
pub(super) fn scan_within(body: &[u8], depth: usize) -> Result<Outline<'_>, ShapeFault> {
    if u32::try_from(body.len()).is_err() {
        return Err(ShapeFault::TooLarge);
    }
    let text = std::str::from_utf8(body).map_err(|error| ShapeFault::NotJson { offset: error.valid_up_to() })?;
    // One record per 16 bytes is typical of FHIR; the vector grows when it is not.
    let nodes = Vec::with_capacity(body.len() / 16);
    let mut scanner = Scanner { bytes: body, at: 0, depth, nodes, names: Vec::new() };
    scanner.skip_space();
    scanner.value()?;
    scanner.skip_space();
    if scanner.at == body.len() { Ok(Outline::new(text, scanner.nodes)) } else { Err(scanner.not_json()) }
}

struct Scanner<'b> {
    bytes: &'b [u8],
    at: usize,
    depth: usize,
    nodes: Vec<Node>,
    /// Names of the objects that are open, innermost last.
    names: Vec<&'b [u8]>,
}

impl<'b> Scanner<'b> {
    fn not_json(&self) -> ShapeFault {
        ShapeFault::NotJson { offset: self.at }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    /// Steps over `byte` if it is next.
    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, byte: u8) -> Result<(), ShapeFault> {
        if self.take(byte) { Ok(()) } else { Err(self.not_json()) }
    }

    fn value(&mut self) -> Result<(), ShapeFault> {
        match self.peek() {
            Some(b'"') => self.string(),
            Some(b'{') => self.container(Kind::Object, b'}'),
            Some(b'[') => self.container(Kind::Array, b']'),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.literal(b"true"),
            Some(b'f') => self.literal(b"false"),
            Some(b'n') => self.literal(b"null"),
            Some(_) | None => Err(self.not_json()),
        }
    }

    /// Adds the record of a value that ends here. Lengths were checked to fit when the scan began.
    fn push(&mut self, start: usize, kind: Kind) {
        let after = self.nodes.len() as u32 + 1;
        self.nodes.push(Node { start: start as u32, end: self.at as u32, after, kind });
    }

    fn container(&mut self, kind: Kind, close: u8) -> Result<(), ShapeFault> {
        if self.depth == DEPTH_LIMIT {
            return Err(ShapeFault::TooDeep);
        }
        self.depth += 1;
        let (record, outer_names) = (self.nodes.len(), self.names.len());
        self.push(self.at, kind);
        self.at += 1;
        self.skip_space();
        if !self.take(close) {
            self.elements(kind, close)?;
        }
        self.refuse_repeated(outer_names)?;
        self.close(record);
        self.depth -= 1;
        Ok(())
    }

    fn elements(&mut self, kind: Kind, close: u8) -> Result<(), ShapeFault> {
        loop {
            if kind == Kind::Object {
                self.name()?;
            }
            self.value()?;
            self.skip_space();
            if self.take(close) {
                return Ok(());
            }
            self.expect(b',')?;
            self.skip_space();
        }
    }

    fn close(&mut self, record: usize) {
        let (end, after) = (self.at as u32, self.nodes.len() as u32);
        if let Some(node) = self.nodes.get_mut(record) {
            node.end = end;
            node.after = after;
        }
    }

    fn name(&mut self) -> Result<(), ShapeFault> {
        let start = self.at;
        if self.peek() != Some(b'"') {
            return Err(self.not_json());
        }
        if self.string_end()? != Kind::Plain {
            return Err(ShapeFault::EscapedName);
        }
        self.names.push(self.bytes.get(start..self.at).unwrap_or_default());
        self.push(start, Kind::Name);
        self.skip_space();
        self.expect(b':')?;
        self.skip_space();
        Ok(())
    }

    /// Checks the names of the object that closes, and forgets them.
    fn refuse_repeated(&mut self, outer_names: usize) -> Result<(), ShapeFault> {
        let own = self.names.get_mut(outer_names..).unwrap_or_default();
        let repeated = if own.len() <= FEW_NAMES {
            own.iter().enumerate().any(|(index, name)| own.iter().skip(index + 1).any(|other| other == name))
        } else {
            own.sort_unstable();
            own.windows(2).any(|pair| pair.first() == pair.last())
        };
        self.names.truncate(outer_names);
        if repeated { Err(ShapeFault::RepeatedName) } else { Ok(()) }
    }

    fn string(&mut self) -> Result<(), ShapeFault> {
        let start = self.at;
        let kind = self.string_end()?;
        self.push(start, kind);
        Ok(())
    }

    /// Moves from an opening quote past the closing one.
    fn string_end(&mut self) -> Result<Kind, ShapeFault> {
        let mut kind = Kind::Plain;
        self.at += 1;
        loop {
            self.at += plain_run(self.bytes.get(self.at..).unwrap_or_default());
            if self.take(b'"') {
                return Ok(kind);
            }
            if !self.take(b'\\') {
                return Err(self.not_json());
            }
            let escape = self.escape()?;
            if kind == Kind::Plain || escape == Kind::Unicode {
                kind = escape;
            }
        }
    }

    fn escape(&mut self) -> Result<Kind, ShapeFault> {
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 1,
            Some(b'u') => return self.unicode_escape(),
            Some(_) | None => return Err(self.not_json()),
        }
        Ok(Kind::Escaped)
    }

    /// `uXXXX`, or two of them for a character outside the first plane; half a pair is refused.
    fn unicode_escape(&mut self) -> Result<Kind, ShapeFault> {
        let unit = self.code_unit()?;
        if (0xdc00..0xe000).contains(&unit) {
            return Err(self.not_json());
        }
        if (0xd800..0xdc00).contains(&unit) {
            self.expect(b'\\')?;
            if !(0xdc00..0xe000).contains(&self.code_unit()?) {
                return Err(self.not_json());
            }
        }
        Ok(Kind::Unicode)
    }

    fn code_unit(&mut self) -> Result<u32, ShapeFault> {
        self.expect(b'u')?;
        let mut unit = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|byte| char::from(byte).to_digit(16)).ok_or_else(|| self.not_json())?;
            unit = unit << 4 | digit;
            self.at += 1;
        }
        Ok(unit)
    }

    fn number(&mut self) -> Result<(), ShapeFault> {
        let start = self.at;
        self.take(b'-');
        if !self.take(b'0') {
            self.digits()?;
        }
        if self.take(b'.') {
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            let _sign = self.take(b'+') || self.take(b'-');
            self.digits()?;
        }
        self.push(start, Kind::Number);
        Ok(())
    }

    /// One digit or more.
    fn digits(&mut self) -> Result<(), ShapeFault> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at > start { Ok(()) } else { Err(self.not_json()) }
    }

    fn literal(&mut self, word: &[u8]) -> Result<(), ShapeFault> {
        let start = self.at;
        if !self.bytes.get(start..).unwrap_or_default().starts_with(word) {
            return Err(self.not_json());
        }
        self.at += word.len();
        self.push(start, Kind::Literal);
        Ok(())
    }
}

/// How many bytes from the start need no look: no quote, no backslash, no control character. Eight at a time.
fn plain_run(bytes: &[u8]) -> usize {
    let mut run = 0;
    let (chunks, rest) = bytes.as_chunks::<8>();
    for chunk in chunks {
        let special = special_bytes(u64::from_le_bytes(*chunk));
        if special != 0 {
            return run + special.trailing_zeros() as usize / 8;
        }
        run += 8;
    }
    run + rest.iter().take_while(|byte| !matches!(byte, b'"' | b'\\' | 0..0x20)).count()
}

/// The high bit of each byte that is a quote, a backslash or below 0x20. Bits above the lowest set one may be wrong.
fn special_bytes(word: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let equals = |byte: u8| {
        let zeroed = word ^ (ONES * u64::from(byte));
        zeroed.wrapping_sub(ONES) & !zeroed
    };
    let control = word.wrapping_sub(ONES * 0x20) & !word;
    (equals(b'"') | equals(b'\\') | control) & HIGH
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fault(text: &str) -> ShapeFault {
        scan(text.as_bytes()).unwrap_err()
    }

    #[test]
    fn what_the_rfc_allows_is_read() {
        for text in ["{}", " [ ] ", "[1,-0,1.00,1e-7,12345678901234567890.123,0E+1]", r#""\ud83d\ude00\/\"""#, "null"] {
            assert!(scan(text.as_bytes()).is_ok(), "{text}");
        }
    }

    #[test]
    fn what_it_forbids_is_refused() {
        for text in [
            "",
            " ",
            "{",
            "[1,]",
            "{,}",
            "[01]",
            "[1.]",
            "[.5]",
            "[+1]",
            "[1e]",
            "tru",
            "nul",
            "{} {}",
            "[1]x",
            "{1:2}",
            "\"\u{1}\"",
            "\"tab\tinside it\"",
            r#""\x""#,
            r#""\u12g4""#,
            r#""\ud800""#,
            r#""\udc00""#,
            r#""\ud800A""#,
            "\u{feff}{}",
            "'a'",
            "[NaN]",
            "\"open",
            "{\"a\" 1}",
            "{\"a\":1 \"b\":2}",
            "/**/{}",
        ] {
            assert!(matches!(fault(text), ShapeFault::NotJson { .. }), "{text}");
        }
        assert!(matches!(scan(b"\"\xff\""), Err(ShapeFault::NotJson { offset: 1 })));
    }

    #[test]
    fn names_come_once_and_unescaped() {
        assert_eq!(fault(r#"{"a":1,"b":{"c":1,"c":2}}"#), ShapeFault::RepeatedName);
        let many: Vec<String> = (0..40).map(|index| format!("\"n{}\":0", index % 39)).collect();
        assert_eq!(fault(&format!("{{{}}}", many.join(","))), ShapeFault::RepeatedName);
        assert_eq!(fault(r#"{"\u0061":1}"#), ShapeFault::EscapedName);
        assert!(scan(br#"{"a":{"a":{"a":1}}}"#).is_ok());
    }

    #[test]
    fn depth_has_a_limit() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(scan(nested(DEPTH_LIMIT).as_bytes()).is_ok());
        assert_eq!(fault(&nested(DEPTH_LIMIT + 1)), ShapeFault::TooDeep);
        assert_eq!(fault(&"[".repeat(100_000)), ShapeFault::TooDeep);
    }

    #[test]
    fn members_and_items_are_found_where_they_stand() {
        let outline = scan(br#" {"a":[1,{"b":"x\ny"}],"c":null} "#).unwrap();
        let root = outline.root().unwrap();
        assert_eq!(root.members().map(|member| member.name()).collect::<Vec<_>>(), ["a", "c"]);
        let second = root.member("a").unwrap().items().nth(1).unwrap();
        assert_eq!(second.raw(), r#"{"b":"x\ny"}"#);
        assert_eq!(second.member("b").unwrap().string().unwrap(), "x\ny");
        assert_eq!(root.member("c").unwrap().kind(), Kind::Literal);
    }

    proptest! {
        /// Wherever serde_json refuses, so do we; where it accepts, we only add our own three refusals.
        #[test]
        fn it_agrees_with_serde_json(text in r#"[\[\]{}:,"\\/abu0-9.eE+\- tfn]{0,24}"#) {
            let theirs = serde_json::from_str::<&serde_json::value::RawValue>(&text);
            match scan(text.as_bytes()) {
                Ok(_) => prop_assert!(theirs.is_ok()),
                Err(ShapeFault::NotJson { .. }) => prop_assert!(theirs.is_err()),
                Err(fault) => prop_assert!(matches!(fault, ShapeFault::RepeatedName | ShapeFault::EscapedName)),
            }
        }

        #[test]
        fn the_fast_run_equals_the_slow_one(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let slow = bytes.iter().take_while(|byte| !matches!(byte, b'"' | b'\\' | 0..0x20)).count();
            prop_assert_eq!(plain_run(&bytes), slow);
        }
    }
}
