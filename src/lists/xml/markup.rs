//! Small questions about markup: where it stands, what a reference means, whether a declaration is acceptable.

use quick_xml::XmlVersion;
use quick_xml::events::{BytesDecl, BytesRef};

use super::super::error::{Defect, ListError, Position};

/// Where this byte stands.
pub(super) fn position(text: &[u8], at: usize) -> Position {
    let before = text.get(..at).unwrap_or(text);
    let line_start = memchr::memrchr(b'\n', before).map_or(0, |newline| newline.saturating_add(1));
    let continues = |byte: &&u8| (**byte & 0xC0) == 0x80;
    let in_line = before.get(line_start..).unwrap_or_default();
    let characters = in_line.len().saturating_sub(in_line.iter().filter(continues).count());
    let lines = memchr::memchr_iter(b'\n', before).count();
    Position { line: lines.saturating_add(1), column: characters.saturating_add(1) }
}

/// The defect of a file that is not text.
pub(super) fn not_utf8(bytes: &[u8], error: std::str::Utf8Error) -> ListError {
    ListError { position: position(bytes, error.valid_up_to()), within: None, defect: Defect::NotUtf8 }
}

/// White space of XML 1.0, section 2.3.
pub(super) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// Whether the declaration is that of XML 1.0 in UTF-8.
pub(super) fn is_ours(declaration: &BytesDecl<'_>) -> bool {
    let utf8 = match declaration.encoding() {
        None => true,
        Some(Ok(encoding)) => encoding.eq_ignore_ascii_case("utf-8"),
        Some(Err(_)) => false,
    };
    utf8 && declaration.xml_version().is_ok_and(|version| version == XmlVersion::Explicit1_0)
}

/// The character that a reference stands for: by number, or one of the five of XML 1.0, section 4.6.
pub(super) fn referred(name: &BytesRef<'_>) -> Option<char> {
    match name.resolve_char_ref() {
        Ok(Some(character)) => Some(character),
        Ok(None) => match &**name {
            "lt" => Some('<'),
            "gt" => Some('>'),
            "amp" => Some('&'),
            "apos" => Some('\''),
            "quot" => Some('"'),
            _ => None,
        },
        Err(_) => None,
    }
}

/// A name from the file, short enough for an error, with nothing in it that moves a cursor.
pub(super) fn cut(name: &str) -> Box<str> {
    let visible = |c: char| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c };
    name.chars().take(40).map(visible).collect::<String>().into()
}

/// Offsets of the parser count bytes of a slice in memory, so they fit.
pub(super) fn offset(position: u64) -> usize {
    usize::try_from(position).unwrap_or(usize::MAX)
}
