//! The words of the register, each checked when it is made. In JSON, TOML and CSV they are texts.

use std::fmt;

use jiff::civil::Date;

use crate::medmij::holds_bsn;

/// Why a text is not what is expected; it says what is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// See [`Id`].
    #[error("an id has 1 to 32 lower-case letters, digits and hyphens, and begins with a letter or digit")]
    Id,
    /// See [`Agb`].
    #[error("an AGB code has 8 digits")]
    Agb,
    /// See [`Day`].
    #[error("a day is written as 2026-11-22 and lies between 2000 and 2100")]
    Day,
    /// See [`Text`].
    #[error("a text has 1 to 200 characters on one line, no BSN, and none of = + - @ at its beginning")]
    Text,
}

/// Our own name of an entry: 1 to 32 lower-case letters, digits and hyphens.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, pattern = "^[a-z0-9][a-z0-9-]{0,31}$")]
pub struct Id(String);

impl Id {
    /// Reads it.
    ///
    /// # Errors
    /// When it has another form.
    pub fn parse(text: &str) -> Result<Self, Unfit> {
        let fits = text.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-');
        let fits = fits && (1..=32).contains(&text.len()) && !text.starts_with('-');
        if fits { Ok(Self(text.to_owned())) } else { Err(Unfit::Id) }
    }
}

/// The number of a care provider in the AGB register: 8 digits.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, pattern = "^[0-9]{8}$")]
pub struct Agb(String);

impl Agb {
    /// Reads it.
    ///
    /// # Errors
    /// When it has another form.
    pub fn parse(text: &str) -> Result<Self, Unfit> {
        let fits = text.len() == 8 && text.bytes().all(|c| c.is_ascii_digit());
        if fits { Ok(Self(text.to_owned())) } else { Err(Unfit::Agb) }
    }
}

/// Something in somebody's words: 1 to 200 characters on one line, without a BSN. Space around it does not count. At its
/// beginning stands none of the signs that make a spreadsheet take it for a formula.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, min_length = 1, max_length = 200)]
pub struct Text(String);

impl Text {
    /// Reads it.
    ///
    /// # Errors
    /// When it has another form.
    pub fn parse(text: &str) -> Result<Self, Unfit> {
        let text = text.trim();
        let fits = (1..=200).contains(&text.chars().count()) && !text.chars().any(char::is_control);
        let fits = fits && !text.starts_with(['=', '+', '-', '@']);
        if fits && !holds_bsn(text) { Ok(Self(text.to_owned())) } else { Err(Unfit::Text) }
    }
}

/// A day between 2000 and 2100.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, format = Date)]
pub struct Day(Date);

impl Day {
    /// Reads it.
    ///
    /// # Errors
    /// When it has another form.
    pub fn parse(text: &str) -> Result<Self, Unfit> {
        let day = text.parse().ok().filter(|_| text.len() == 10).and_then(|date| Self::of(date).ok());
        day.ok_or(Unfit::Day)
    }

    /// Takes a date.
    ///
    /// # Errors
    /// When it is of another century.
    pub fn of(date: Date) -> Result<Self, Unfit> {
        if (2000..=2100).contains(&date.year()) { Ok(Self(date)) } else { Err(Unfit::Day) }
    }

    /// The date.
    #[must_use]
    pub const fn date(self) -> Date {
        self.0
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

macro_rules! texts {
    ($($word:ident),+) => {$(
        impl $word {
            /// As it is written.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $word {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )+};
}
texts!(Id, Agb, Text);

macro_rules! in_text {
    ($($word:ident),+) => {$(
        impl TryFrom<String> for $word {
            type Error = Unfit;

            fn try_from(text: String) -> Result<Self, Unfit> {
                Self::parse(&text)
            }
        }

        impl From<$word> for String {
            fn from(word: $word) -> Self {
                word.to_string()
            }
        }
    )+};
}
in_text!(Id, Agb, Text, Day);
