//! Texts as people search them: without case, accents and punctuation, word by word, and how alike two words are.

/// The longest word that is compared, in characters; the rest of a longer one does not count.
const WORD_MAX: usize = 32;

/// A word and a mark of the letters in it, by which most unlike words are told apart without looking further.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word {
    text: String,
    length: usize,
    letters: u64,
}

impl Word {
    pub(super) fn of(text: &str) -> Self {
        let text: String = text.chars().take(WORD_MAX).collect();
        let letters = text.chars().fold(0, |letters, c| letters | 1_u64 << (u32::from(c) & 63));
        Self { length: text.chars().count(), text, letters }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// How far this word, typed by a person, is from one of ours: 0 the same, 1 its beginning, more for slips of the finger.
    /// `None`: another word.
    pub(super) fn distance(&self, ours: &Self) -> Option<u32> {
        if self.text == ours.text {
            return Some(0);
        }
        if self.is_number() {
            return None;
        }
        if self.length >= 2 && ours.text.starts_with(&self.text) {
            return Some(1);
        }
        let slips = self.slips_within(ours, self.slips_allowed())?;
        Some(slips.saturating_mul(2))
    }

    /// Nothing is near a number: another digit is another number.
    fn is_number(&self) -> bool {
        self.text.bytes().all(|c| c.is_ascii_digit())
    }

    /// In short words every letter tells them apart.
    const fn slips_allowed(&self) -> u32 {
        match self.length {
            0..=3 => 0,
            4..=7 => 1,
            _ => 2,
        }
    }

    /// Letters that were left out, added, changed, or swapped with the next; `None` when they are more than `most`.
    fn slips_within(&self, ours: &Self, most: u32) -> Option<u32> {
        // One slip changes the length by at most one, and the set of letters by at most two.
        let possible = self.length.abs_diff(ours.length) <= usize::try_from(most).unwrap_or_default()
            && (self.letters ^ ours.letters).count_ones() <= most.saturating_mul(2);
        if most == 0 || !possible {
            return None;
        }
        let slips = u32::try_from(strsim::osa_distance(&self.text, &ours.text)).ok()?;
        (slips <= most).then_some(slips)
    }
}

/// Lower case, no accents, one space between words, nothing but letters and digits.
pub(super) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut gap = false;
    for c in text.chars().flat_map(char::to_lowercase) {
        let letters = without_accent(c);
        if letters.chars().next().unwrap_or(c).is_alphanumeric() {
            if gap && !plain.is_empty() {
                plain.push(' ');
            }
            gap = false;
            if letters.is_empty() { plain.push(c) } else { plain.push_str(letters) }
        } else if !matches!(c, '\'' | '’' | '‘' | '\u{0300}'..='\u{036f}') {
            gap = true;
        }
    }
    plain
}

/// The letters to compare by; empty for a character that stands for itself.
const fn without_accent(c: char) -> &'static str {
    match c {
        'à' | 'á' | 'â' | 'ã' | 'ä' | 'å' => "a",
        'ç' => "c",
        'è' | 'é' | 'ê' | 'ë' => "e",
        'ì' | 'í' | 'î' | 'ï' => "i",
        'ñ' => "n",
        'ò' | 'ó' | 'ô' | 'õ' | 'ö' | 'ø' => "o",
        'ù' | 'ú' | 'û' | 'ü' => "u",
        'ý' | 'ÿ' => "y",
        'ĳ' => "ij",
        'ß' => "ss",
        'æ' => "ae",
        'œ' => "oe",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_leave_out_does_not_count() {
        assert_eq!(plain("  Huisartsenpraktijk 't Groene-Kruis, (Zuid) "), "huisartsenpraktijk t groene kruis zuid");
        assert_eq!(plain("Coöperatie Oude Ĳssel / Crémer"), "cooperatie oude ijssel cremer");
        assert_eq!(plain("Cre\u{301}mer"), "cremer");
        assert_eq!(plain("?!…"), "");
    }

    #[test]
    fn slips_of_the_finger_are_few_and_counted() {
        let distance = |typed: &str, ours: &str| Word::of(typed).distance(&Word::of(ours));
        assert_eq!(distance("linde", "linde"), Some(0));
        assert_eq!(distance("lin", "linde"), Some(1));
        for (typed, ours, slips) in
            [("lidne", "linde", 1), ("lindde", "linde", 1), ("lynde", "linde", 1), ("molenwyck", "molenwiek", 2)]
        {
            assert_eq!(distance(typed, ours), Some(slips * 2), "{typed}");
        }
        for (typed, ours) in [
            ("eik", "elk"),
            ("linde", "berk"),
            ("lydne", "linde"),
            ("l", "linde"),
            ("de", "do"),
            ("01990001", "01990007"),
            ("0199", "01990001"),
        ] {
            assert_eq!(distance(typed, ours), None, "{typed}");
        }
    }
}
