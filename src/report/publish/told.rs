//! A count as it is told.

use super::suppress::{LEAST_TOLD, Sight};
use crate::language::Language;
use crate::report::Distinct;

/// A count as it is told.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Told {
    /// It is this.
    Exact(u64),
    /// It was estimated.
    About {
        /// As this.
        count: u64,
        /// With this standard error, as a share of the count.
        error: f64,
    },
    /// It is this or more, and the period is not over: tens.
    AtLeast(u64),
    /// It is under ten: 1 to 9, and while the period is not over maybe 0.
    Fewer,
    /// It is not told, because another one would follow from it.
    Withheld,
}

impl Told {
    /// Of a period that is over.
    #[must_use]
    pub const fn of(value: Distinct, sight: Sight) -> Self {
        match sight {
            Sight::Shown if value.exact => Self::Exact(value.count),
            Sight::Shown => Self::About { count: value.count, error: value.error },
            Sight::Fewer => Self::Fewer,
            Sight::Withheld => Self::Withheld,
        }
    }

    /// Of a period that is not over: two looks at it do not tell one person.
    #[must_use]
    pub const fn rounded_down(count: u64) -> Self {
        if count < LEAST_TOLD { Self::Fewer } else { Self::AtLeast(count / LEAST_TOLD * LEAST_TOLD) }
    }

    /// The number, when there is one.
    #[must_use]
    pub const fn number(self) -> Option<u64> {
        match self {
            Self::Exact(count) | Self::About { count, .. } | Self::AtLeast(count) => Some(count),
            Self::Fewer | Self::Withheld => None,
        }
    }

    /// How it was seen, in a table that was published.
    pub(super) const fn sight(self) -> Sight {
        match self {
            Self::Exact(_) | Self::About { .. } | Self::AtLeast(_) => Sight::Shown,
            Self::Fewer => Sight::Fewer,
            Self::Withheld => Sight::Withheld,
        }
    }

    /// A code for machines.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Exact(_) => "exact",
            Self::About { .. } => "estimate",
            Self::AtLeast(_) => "at-least",
            Self::Fewer => "fewer-than-10",
            Self::Withheld => "withheld",
        }
    }

    /// For people.
    #[must_use]
    pub fn text(self, language: Language) -> String {
        let dutch = language == Language::Dutch;
        match self {
            Self::Exact(count) => grouped(count, language),
            Self::About { count, .. } => {
                format!("{} {}", if dutch { "circa" } else { "about" }, grouped(count, language))
            }
            Self::AtLeast(count) => {
                format!("{} {}", if dutch { "minstens" } else { "at least" }, grouped(count, language))
            }
            Self::Fewer => "<10".to_owned(),
            Self::Withheld => if dutch { "niet getoond" } else { "not shown" }.to_owned(),
        }
    }

    /// As a share of a count that everybody may know.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a share of counts far below 2^52")]
    pub fn share_of(self, all: u64) -> Option<f64> {
        self.number().filter(|_| all > 0).map(|count| count as f64 / all as f64)
    }
}

/// A number with its thousands apart.
#[must_use]
pub(super) fn grouped(count: u64, language: Language) -> String {
    let sign = if language == Language::Dutch { '.' } else { ',' };
    let digits = count.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(sign);
        }
        text.push(digit);
    }
    text
}

/// A share in per cent, with one decimal.
#[must_use]
pub(super) fn per_cent(share: f64, language: Language) -> String {
    let text = format!("{:.1} %", share * 100.0);
    if language == Language::Dutch { text.replace('.', ",") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_the_language_has_them() {
        assert_eq!(grouped(0, Language::Dutch), "0");
        assert_eq!(grouped(999, Language::Dutch), "999");
        assert_eq!(grouped(1_234_567, Language::Dutch), "1.234.567");
        assert_eq!(grouped(17_000, Language::English), "17,000");
        assert_eq!(per_cent(0.1234, Language::Dutch), "12,3 %");
    }

    #[test]
    fn what_still_changes_is_told_in_tens() {
        assert_eq!(Told::rounded_down(0), Told::Fewer);
        assert_eq!(Told::rounded_down(9), Told::Fewer);
        assert_eq!(Told::rounded_down(10), Told::AtLeast(10));
        assert_eq!(Told::rounded_down(59), Told::AtLeast(50));
    }
}
