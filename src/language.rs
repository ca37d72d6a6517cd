//! The languages of the pages: Dutch unless the person asks for English, by a link or by the settings of their browser.

/// A language that every page has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    /// Dutch at level B1.
    #[default]
    Dutch,
    /// English.
    English,
}

impl Language {
    /// The tag of RFC 5646: the `lang` attribute, and the value of `lang` in an address.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::Dutch => "nl",
            Self::English => "en",
        }
    }

    /// Reads a tag; regions do not matter (`en-GB`).
    #[must_use]
    pub fn parse(tag: &str) -> Option<Self> {
        let primary = tag.split('-').next().unwrap_or_default();
        [Self::Dutch, Self::English].into_iter().find(|language| primary.eq_ignore_ascii_case(language.tag()))
    }

    /// The other one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Dutch => Self::English,
            Self::English => Self::Dutch,
        }
    }

    /// What a browser prefers by its `Accept-Language` (RFC 9110 section 12.5.4). Of equal wishes the first counts.
    #[must_use]
    pub fn preferred(accept_language: &str) -> Self {
        let mut best = (Self::Dutch, 0);
        for wish in accept_language.split(',').take(WISHES_MAX) {
            let (tag, parameters) = wish.split_once(';').unwrap_or((wish, ""));
            let weight = weight(parameters);
            if let Some(language) = Self::parse(tag.trim()).filter(|_| weight > best.1) {
                best = (language, weight);
            }
        }
        best.0
    }
}

/// Wishes that are read.
const WISHES_MAX: usize = 20;

/// A quality in thousandths; one that cannot be read counts as no wish.
fn weight(parameters: &str) -> u16 {
    let Some(quality) = parameters.trim().strip_prefix("q=") else { return 1_000 };
    let Some((whole, fraction)) = quality.trim().split_once('.') else {
        return if quality.trim() == "1" { 1_000 } else { 0 };
    };
    let digits = fraction.len() <= 3 && fraction.bytes().all(|byte| byte.is_ascii_digit());
    match (whole, digits) {
        ("1", true) => 1_000,
        ("0", true) => format!("{fraction:0<3}").parse().unwrap_or_default(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_strongest_wish_that_we_can_meet_counts() {
        for (header, language) in [
            ("", Language::Dutch),
            ("*", Language::Dutch),
            ("en", Language::English),
            ("EN-gb, nl;q=0.5", Language::English),
            ("nl, en", Language::Dutch),
            ("de-DE, fr;q=0.9, en;q=0.8, nl;q=0.81", Language::Dutch),
            ("de, en;q=0.3", Language::English),
            ("en;q=0, nl;q=0", Language::Dutch),
            ("en;q=much, nl;q=0.1", Language::Dutch),
            ("english", Language::Dutch),
        ] {
            assert_eq!(Language::preferred(header), language, "{header}");
        }
    }

    proptest! {
        #[test]
        fn no_header_panics(header in "\\PC{0,60}") {
            let _ = Language::preferred(&header);
        }
    }
}
