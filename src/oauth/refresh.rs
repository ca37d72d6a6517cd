//! Refresh tokens: opaque, rotating. All refresh tokens of a grant are one family, of which one is current; each use makes
//! the next one current, in one atomic step. An older one that comes again was copied, so the whole family ends (RFC 9700
//! section 4.14.2).
//!
//! A refresh token is two handles with a dot between them: that of its family, which stays, and that of its turn. So the
//! store holds one row for a family, however often it is used, and knows an old token for as long as the family lives.

use std::sync::Arc;

use jiff::Timestamp;

use super::grant::{Grant, IssuedToken};
use super::store::StoreFuture;
use crate::medmij::LocalId;
use crate::secret::{Handle, HandleHash, Secret, hash_handle};

/// A refresh token to hand out, once.
pub struct RefreshToken {
    text: Secret<String>,
    key: RefreshKey,
}

/// What the store knows a refresh token by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefreshKey {
    /// SHA-256 of the handle of the family.
    pub family: HandleHash,
    /// SHA-256 of the handle of the turn.
    pub turn: HandleHash,
}

impl RefreshToken {
    /// The first of a new family.
    #[must_use]
    pub fn draw() -> Self {
        Self::of_family(Handle::draw().reveal())
    }

    /// The next one of the family of a presented token.
    #[must_use]
    pub fn after(presented: &PresentedRefresh<'_>) -> Self {
        Self::of_family(presented.family)
    }

    fn of_family(family: &str) -> Self {
        let turn = Handle::draw();
        let key = RefreshKey { family: hash_handle(family), turn: turn.hash() };
        Self { text: Secret::new(format!("{family}.{}", turn.reveal())), key }
    }

    /// The text to hand out.
    #[must_use]
    pub fn reveal(&self) -> &str {
        self.text.reveal()
    }

    /// What to store.
    #[must_use]
    pub const fn key(&self) -> RefreshKey {
        self.key
    }
}

impl std::fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RefreshToken([redacted])")
    }
}

/// A refresh token as a client shows it. Without `Debug`: it holds the token.
#[derive(Clone, Copy)]
pub struct PresentedRefresh<'a> {
    family: &'a str,
    turn: &'a str,
}

impl<'a> PresentedRefresh<'a> {
    /// Any two texts with one dot between them; only drawn ones are found.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let (family, turn) = text.split_once('.')?;
        (!family.is_empty() && !turn.is_empty() && !turn.contains('.')).then_some(Self { family, turn })
    }

    /// What the store knows it by.
    #[must_use]
    pub fn key(&self) -> RefreshKey {
        RefreshKey { family: hash_handle(self.family), turn: hash_handle(self.turn) }
    }
}

/// A refresh token as the store keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuedRefresh {
    /// What it is known by.
    pub key: RefreshKey,
    /// After this moment it is of no use (core: half a year after issue).
    pub expires: Timestamp,
    /// What it stands for.
    pub grant: Arc<Grant>,
}

/// What a refresh token turns out to be, without using it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FoundRefresh {
    /// The current one of a family, expired or not.
    Current(Box<IssuedRefresh>),
    /// Of a known family, but not its current one: a copy is in use.
    Old {
        /// The grant of the family.
        grant: LocalId,
    },
    /// Of no family, or its grant was ended.
    Unknown,
}

/// The step from one refresh token to the next.
#[derive(Debug, Clone)]
pub struct Turn {
    /// The refresh token that is used; spent by this.
    pub presented: RefreshKey,
    /// The turn of the next one.
    pub next: HandleHash,
    /// When the next one expires.
    pub expires: Timestamp,
    /// The access token that comes with it.
    pub token: IssuedToken,
}

/// What became of a [`Turn`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turned {
    /// The next refresh token is current, and the access token kept.
    Done,
    /// Nothing changed: the presented token is not the current one any more.
    Old {
        /// The grant of the family.
        grant: LocalId,
    },
    /// Nothing changed: there is no such family, or its grant was ended.
    Unknown,
}

/// Where refresh families live.
pub trait RefreshStore: Send + Sync + 'static {
    /// Keeps the first refresh token of a grant. A second family of one grant is an error.
    fn keep(&self, refresh: IssuedRefresh) -> StoreFuture<'_, ()>;

    /// Looks a refresh token up and leaves it as it is.
    fn look(&self, key: RefreshKey) -> StoreFuture<'_, FoundRefresh>;

    /// Spends a refresh token and keeps what comes after it, all or nothing: of any number of presentations at once exactly
    /// one is done.
    fn turn(&self, turn: Turn) -> StoreFuture<'_, Turned>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_token_is_of_the_same_family_and_another_turn() {
        let first = RefreshToken::draw();
        let presented = PresentedRefresh::parse(first.reveal()).unwrap();
        assert_eq!(presented.key(), first.key());
        let next = RefreshToken::after(&presented);
        assert_eq!(next.key().family, first.key().family);
        assert_ne!(next.key().turn, first.key().turn);
        assert_eq!(PresentedRefresh::parse(next.reveal()).unwrap().key(), next.key());
        assert_eq!(format!("{next:?}"), "RefreshToken([redacted])");
    }

    #[test]
    fn other_texts_are_no_refresh_tokens() {
        for text in ["", ".", "a", "a.", ".b", "a.b.c"] {
            assert!(PresentedRefresh::parse(text).is_none(), "{text}");
        }
    }
}
