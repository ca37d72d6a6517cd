//! The changes to a document: spans and what stands there instead. Everything between them is copied as it is.

use std::cmp::Reverse;
use std::ops::Range;

use super::mask::Mask;
use super::outline::Value;
use super::{ShapeFault, scratch};

/// What replaces a value that may not be shown, written as the extension of a primitive element (STU3 2.6.2).
pub(super) const MASKED: &str =
    r#"{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/data-absent-reason","valueCode":"masked"}]}"#;

#[derive(Debug, Clone)]
pub(super) struct Edit {
    span: Range<usize>,
    /// Where in `texts` its replacement stands.
    text: Range<usize>,
}

/// Room for changes, for the texts of their replacements, and for two texts that are being put together.
pub(super) type Room = (Vec<Edit>, Vec<u8>, [String; 2]);

/// Changes in any order; one that lies inside another is swallowed by it.
#[derive(Debug)]
pub(super) struct Edits {
    list: Vec<Edit>,
    /// What comes in the place of the spans, one behind the other: an answer with many changes has no more allocations
    /// than one with few.
    texts: Vec<u8>,
    /// Where texts are put together before they are written as JSON.
    rooms: [String; 2],
}

impl Default for Edits {
    /// No changes, in the room of those of another answer.
    fn default() -> Self {
        let (list, texts, rooms) = scratch::edits();
        Self { list, texts, rooms }
    }
}

impl Edits {
    /// Puts `text` in the place of a span; an empty span inserts.
    pub(super) fn replace(&mut self, span: Range<usize>, text: &str) {
        self.write(span, |texts| texts.extend_from_slice(text.as_bytes()));
    }

    /// Puts a JSON string in the place of a value.
    pub(super) fn replace_string(&mut self, value: Value<'_>, text: &str) {
        self.write(value.span(), |texts| write_quoted(texts, text));
    }

    /// Puts a JSON string that is made of parts in the place of a span, between two texts of JSON.
    pub(super) fn replace_joined(&mut self, span: Range<usize>, before: &str, parts: &[&str], after: &str) {
        let [mut joined, other] = std::mem::take(&mut self.rooms);
        joined.clear();
        joined.extend(parts.iter().copied());
        self.write(span, |texts| {
            texts.extend_from_slice(before.as_bytes());
            write_quoted(texts, &joined);
            texts.extend_from_slice(after.as_bytes());
        });
        self.rooms = [joined, other];
    }

    /// Puts a text without BSN and address in the place of a string; false when there is no end to either.
    pub(super) fn replace_cleaned(&mut self, string: Value<'_>, text: &str, mask: &Mask<'_>) -> bool {
        let mut rooms = std::mem::take(&mut self.rooms);
        let is_clean = mask.clean(text, &mut rooms);
        if is_clean {
            let [cleaned, _] = &rooms;
            self.replace_string(string, cleaned);
        }
        self.rooms = rooms;
        is_clean
    }

    /// Puts a masked element in the place of the member `name`, which stands in this span.
    pub(super) fn mask_member(&mut self, span: Range<usize>, name: &str) {
        self.write(span, |texts| write_masked(texts, name));
    }

    fn write(&mut self, span: Range<usize>, text: impl FnOnce(&mut Vec<u8>)) {
        let from = self.texts.len();
        text(&mut self.texts);
        self.list.push(Edit { span, text: from..self.texts.len() });
    }

    /// Removes the members with these names. To be called once per object, as commas depend on the neighbours.
    pub(super) fn drop_members(&mut self, object: Value<'_>, goes: impl Fn(&str) -> bool) {
        self.drop_some(object.members().map(|member| (member.span(), goes(member.name()))));
    }

    /// The same for members with known names, a bit for each.
    pub(super) fn drop_known(&mut self, object: Value<'_>, names: u64) {
        if object.has_member(names) {
            self.drop_some(object.members().map(|member| (member.span(), member.known().bit() & names != 0)));
        }
    }

    /// Removes the elements whose turn in `goes` is true.
    pub(super) fn drop_items(&mut self, array: Value<'_>, goes: impl Iterator<Item = bool>) {
        self.drop_some(array.items().map(Value::span).zip(goes));
    }

    /// Removes members; when nothing would be left (FHIR has no empty objects), `masked` stays as a masked element.
    pub(super) fn drop_or_mask(&mut self, object: Value<'_>, masked: &str, goes: impl Fn(&str) -> bool) {
        if object.members().all(|member| goes(member.name())) {
            self.write(object.span(), |texts| {
                texts.push(b'{');
                write_masked(texts, masked);
                texts.push(b'}');
            });
        } else {
            self.drop_members(object, goes);
        }
    }

    /// Elements with their commas: a removed one takes the comma before it, or the one after it when nothing stays before.
    fn drop_some(&mut self, elements: impl Iterator<Item = (Range<usize>, bool)>) {
        let (mut stays_before, mut previous_end, mut pending) = (false, 0, None);
        for (span, goes) in elements {
            if let Some(start) = pending.take() {
                self.replace(start..span.start, "");
            }
            match (goes, stays_before) {
                (true, true) => self.replace(previous_end..span.end, ""),
                (true, false) => pending = Some(span.start),
                (false, _) => stays_before = true,
            }
            previous_end = span.end;
        }
        if let Some(start) = pending {
            self.replace(start..previous_end, "");
        }
    }

    /// The document with all changes made.
    ///
    /// # Errors
    /// `Conflict` when two changes overlap without one holding the other: better no answer than a guessed one.
    pub(super) fn apply(self, text: &str) -> Result<Vec<u8>, ShapeFault> {
        self.apply_from(text, 0)
    }

    /// The document from byte `from` on, with the changes that start there.
    ///
    /// # Errors
    /// As [`Self::apply`].
    pub(super) fn apply_from(mut self, text: &str, from: usize) -> Result<Vec<u8>, ShapeFault> {
        self.list.retain(|edit| edit.span.start >= from);
        // Insertions come before the change that starts where they do, wide changes before those inside them; of two that are
        // alike the first.
        self.list.sort_unstable_by_key(|edit| {
            (edit.span.start, !edit.span.is_empty(), Reverse(edit.span.end), edit.text.start, edit.text.end)
        });
        let mut out = Vec::with_capacity(text.len().saturating_sub(from) + self.texts.len());
        let mut copied = from;
        for Edit { span, text: replacement } in &self.list {
            let replacement = self.texts.get(replacement.clone()).ok_or(ShapeFault::Conflict)?;
            if span.start < copied {
                if span.end <= copied {
                    continue;
                }
                return Err(ShapeFault::Conflict);
            }
            out.extend_from_slice(text.get(copied..span.start).ok_or(ShapeFault::Conflict)?.as_bytes());
            out.extend_from_slice(replacement);
            copied = span.end;
        }
        out.extend_from_slice(text.get(copied..).ok_or(ShapeFault::Conflict)?.as_bytes());
        Ok(out)
    }
}

impl Drop for Edits {
    fn drop(&mut self) {
        let Self { list, texts, rooms } = self;
        list.clear();
        wipe(texts);
        let rooms = std::mem::take(rooms).map(|room| {
            let mut bytes = room.into_bytes();
            bytes.resize(bytes.capacity(), 0);
            wipe(&mut bytes);
            String::from_utf8(bytes).unwrap_or_default()
        });
        scratch::keep_edits((std::mem::take(list), std::mem::take(texts), rooms));
    }
}

/// Leaves nothing of what stood there: it was a patient's, and the room is left to another answer.
fn wipe(texts: &mut Vec<u8>) {
    texts.fill(0);
    texts.clear();
}

/// A text as JSON string.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The same, at the end of a text.
fn write_quoted(out: &mut Vec<u8>, text: &str) {
    // Most have nothing to escape. Looked at to the end, as that is done for many bytes at once.
    let is_plain = text.bytes().fold(true, |plain, byte| plain & (byte >= b' ') & (byte != b'"') & (byte != b'\\'));
    if is_plain {
        out.reserve(text.len() + 2);
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
        return;
    }
    // Writing a string to memory does not fail.
    let _written = serde_json::to_writer(out, text);
}

/// A masked element in the place of the member `name`.
fn write_masked(out: &mut Vec<u8>, name: &str) {
    for part in ["\"_", name, "\":", MASKED] {
        out.extend_from_slice(part.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::scan::scan;
    use super::*;

    fn without(text: &str, goes: impl Fn(&str) -> bool) -> String {
        let outline = scan(text.as_bytes()).unwrap();
        let mut edits = Edits::default();
        edits.drop_members(outline.root().unwrap(), goes);
        String::from_utf8(edits.apply(text).unwrap()).unwrap()
    }

    #[test]
    fn commas_follow_what_is_removed() {
        let text = r#"{ "a":1 , "b":2 , "c":3 }"#;
        assert_eq!(without(text, |name| name == "a"), r#"{ "b":2 , "c":3 }"#);
        assert_eq!(without(text, |name| name == "b"), r#"{ "a":1 , "c":3 }"#);
        assert_eq!(without(text, |name| name == "c"), r#"{ "a":1 , "b":2 }"#);
        assert_eq!(without(text, |name| name != "b"), r#"{ "b":2 }"#);
        assert_eq!(without(text, |_| true), "{  }");
    }

    #[test]
    fn a_change_inside_another_is_swallowed_and_a_crossing_is_refused() {
        let mut edits = Edits::default();
        edits.replace(3..4, "x");
        edits.replace(1..5, "-");
        edits.replace(1..1, "+");
        assert_eq!(edits.apply("abcdef").unwrap(), b"a+-f");
        let mut edits = Edits::default();
        edits.replace(1..4, "");
        edits.replace(3..5, "");
        assert_eq!(edits.apply("abcdef"), Err(ShapeFault::Conflict));
    }

    proptest! {
        #[test]
        fn any_choice_of_members_leaves_json(choice in prop::collection::vec(any::<bool>(), 0..8)) {
            let members: Vec<String> = (0..choice.len()).map(|index| format!(" \"{index}\" : [{index}] ")).collect();
            let text = format!("{{{}}}", members.join(","));
            let kept: serde_json::Value =
                serde_json::from_str(&without(&text, |name| choice[name.parse::<usize>().unwrap()])).unwrap();
            let expected = choice.iter().enumerate().filter(|(_, goes)| !**goes);
            let expected: serde_json::Map<_, _> =
                expected.map(|(index, _)| (index.to_string(), serde_json::json!([index]))).collect();
            prop_assert_eq!(kept, serde_json::Value::Object(expected));
        }
    }
}
