//! The names of members that a rule looks at, and those that stand in almost every resource, as numbers: told apart once,
//! by length and first and last eight bytes, and compared as one byte afterwards.

/// Slots of the table below, a power of two.
const SLOTS: usize = 512;
/// Found by trial: with it no two of the names fall into one slot. Compiling [`TABLE`] fails when a new name does.
const FACTOR: u64 = 0x9531_985d_5d9d_c9f9;

macro_rules! names {
    ($($name:ident $text:literal),* $(,)?) => {
        /// A known name, or [`Name::Other`].
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(u8)]
        pub(in crate::fhir) enum Name {
            $($name,)*
            /// One that stands in no list here, and what is no member at all.
            Other,
        }

        const KNOWN: &[(Name, &str)] = &[$((Name::$name, $text)),*];
    };
}

names! {
    Actor "actor", Attachment "attachment", Beneficiary "beneficiary", BirthDate "birthDate", Category "category",
    Code "code", Coding "coding", Contained "contained", Content "content", ContentAttachment "contentAttachment",
    Date "date", Display "display", Div "div", DisplayBeside "_display", Document "document",
    EffectiveDateTime "effectiveDateTime", EffectiveInstant "effectiveInstant", EffectivePeriod "effectivePeriod",
    EffectiveTiming "effectiveTiming", End "end", Entry "entry", Extension "extension", For "for", FullUrl "fullUrl",
    Id "id", Identifier "identifier", Image "image", Issue "issue", Link "link", Meta "meta", Mode "mode",
    PAttachment "pAttachment", Patient "patient", Period "period", Performer "performer", Photo "photo",
    PresentedForm "presentedForm", Profile "profile", Reference "reference", Relation "relation", Request "request",
    Resource "resource", ResourceType "resourceType", Response "response", Search "search", Section "section",
    Severity "severity", Source "source", SourceAttachment "sourceAttachment", Start "start", Status "status",
    Subject "subject", System "system", Text "text", Title "title", Total "total", Type "type", Url "url", Value "value",
    ValueAttachment "valueAttachment", ValueBeside "_value", ValuePeriod "valuePeriod",
    ValueReference "valueReference",
}

/// Names that make the walk look closer at the object they stand in.
const WATCHED: u64 = Name::Code.bit()
    | Name::Reference.bit()
    | Name::ResourceType.bit()
    | Name::Source.bit()
    | Name::System.bit()
    | Name::Url.bit();

impl Name {
    /// Reads the text of a name.
    #[inline(always)]
    pub(super) fn of(text: &str) -> Self {
        let bytes = text.as_bytes();
        let (first, last) = ends(bytes);
        let Some(slot) = TABLE.get(slot(first, last, bytes.len())) else { return Self::Other };
        let is_same = slot.first == first && slot.last == last && slot.text.len() == bytes.len();
        // Up to 16 bytes the ends are all of it.
        if is_same && (bytes.len() <= 16 || slot.text == text) { slot.name } else { Self::Other }
    }

    /// The text of a known name.
    #[inline]
    pub(super) fn text(self) -> Option<&'static str> {
        KNOWN.get(self as usize).map(|(_, text)| *text)
    }

    /// A bit of its own for each known name; none for others.
    pub(super) const fn bit(self) -> u64 {
        if matches!(self, Self::Other) { 0 } else { 1 << self as u8 }
    }

    /// Whether a rule of the walk asks for values of this name, wherever they stand.
    pub(super) const fn is_watched(self) -> bool {
        self.bit() & WATCHED != 0
    }
}

#[derive(Clone, Copy)]
struct Slot {
    first: u64,
    last: u64,
    text: &'static str,
    name: Name,
}

/// Each known name in the slot that its ends give.
static TABLE: [Slot; SLOTS] = {
    let mut table = [Slot { first: 0, last: 0, text: "", name: Name::Other }; SLOTS];
    let mut known = KNOWN;
    while let [(name, text), rest @ ..] = known {
        let (first, last) = ends(text.as_bytes());
        let (_, from) = table.split_at_mut(slot(first, last, text.len()));
        if let Some(free) = from.first_mut() {
            assert!(free.text.is_empty(), "two names in one slot: another factor is needed");
            *free = Slot { first, last, text, name: *name };
        }
        known = rest;
    }
    table
};

#[inline(always)]
const fn slot(first: u64, last: u64, length: usize) -> usize {
    let mixed = (first ^ last.rotate_left(1)).wrapping_add(length as u64).wrapping_mul(FACTOR);
    (mixed >> (u64::BITS - SLOTS.ilog2())) as usize
}

/// The first and the last eight bytes, as numbers; of a shorter name its bytes, which with its length are all of it.
#[inline(always)]
pub(super) const fn ends(name: &[u8]) -> (u64, u64) {
    match (name.first_chunk::<8>(), name.last_chunk::<8>()) {
        (Some(first), Some(last)) => (u64::from_le_bytes(*first), u64::from_le_bytes(*last)),
        _ => match (name.first_chunk::<4>(), name.last_chunk::<4>()) {
            (Some(first), Some(last)) => {
                let both = u32::from_le_bytes(*first) as u64 | (u32::from_le_bytes(*last) as u64) << 32;
                (both, both)
            }
            _ => short(name),
        },
    }
}

#[inline(always)]
const fn short(name: &[u8]) -> (u64, u64) {
    let word = match *name {
        [a, b, c] => u32::from_le_bytes([a, b, c, 0]),
        [a, b] => u32::from_le_bytes([a, b, 0, 0]),
        [a] => a as u32,
        _ => 0,
    };
    (word as u64, word as u64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_known_name_is_itself() {
        assert!(KNOWN.len() <= 64, "one bit each");
        for (name, text) in KNOWN {
            assert_eq!(Name::of(text), *name);
            for other in [format!("{text}s"), text.to_uppercase(), text.replacen(['e', 'a', 'i', 'o'], "x", 1)] {
                assert!(Name::of(&other) != *name || other == *text, "{other}");
            }
        }
    }

    proptest! {
        #[test]
        fn any_other_text_is_none_of_them(text in "[a-zA-Z_\"\u{0}é]{0,20}|(effective|source)[a-zA-Z]{0,12}") {
            let expected = KNOWN.iter().find(|(_, known)| *known == text).map_or(Name::Other, |(name, _)| *name);
            prop_assert_eq!(Name::of(&text), expected);
        }
    }
}
