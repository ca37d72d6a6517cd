//! Who is at the pages of a portal, on the word of the portal. The citizen service number stands in this assertion only, and
//! unless the registration says otherwise the assertion is encrypted to our key.

use super::{AssertionError, AssertionRules, ProvenClient};
use crate::jose::{Checked, Jwe};
use crate::medmij::Bsn;

/// A person whom a portal that proved itself logged in. Only [`AssertedPerson::read`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssertedPerson(Bsn);

impl AssertedPerson {
    /// Verifies an `assertion` and spends it. Its claim `bsn` is the person; its `sub` is the portal's own name of the
    /// account, which must be there (RFC 7523 section 3, rule 2) and of which nothing is done.
    ///
    /// # Errors
    /// See [`AssertionError`].
    pub async fn read(
        assertion: &str,
        must_be_encrypted: bool,
        _: &ProvenClient,
        rules: &AssertionRules<'_>,
    ) -> Result<Self, AssertionError> {
        let checked = if Jwe::looks_like(assertion) {
            let opened = rules.open(assertion)?;
            rules.spend(opened.nested().ok_or(AssertionError::NotNested)?, None).await?
        } else if must_be_encrypted {
            return Err(AssertionError::NotEncrypted);
        } else {
            rules.spend(assertion, None).await?
        };
        person(&checked).map(Self).ok_or(AssertionError::NoPerson)
    }

    /// Who it is.
    #[must_use]
    pub fn into_bsn(self) -> Bsn {
        self.0
    }
}

fn person(checked: &Checked) -> Option<Bsn> {
    checked.claims().text("sub").filter(|subject| (1..=255).contains(&subject.len()))?;
    checked.claims().text("bsn").and_then(|text| Bsn::parse(text).ok())
}
