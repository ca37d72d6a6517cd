//! Addresses of further pages. A HIS gives the address of its next page; what the client gets is ours and opaque: sealed, so
//! that it neither shows nor can be changed, and bound to the access token and the base that it was made for. Nothing is kept,
//! so every node opens what another sealed.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::seal::Sealer;
use crate::secret::HandleHash;

/// The parameter of an address of ours that holds a cursor.
pub const PAGE_PARAMETER: &str = "_page";
/// The longest address that is sealed, in bytes. Servers take longer ones badly (RFC 9110 section 4.1 asks for 8,000).
const LONGEST_NEXT: usize = 2048;
/// The longest cursor, in characters: what a long request and the longest address become.
pub const LONGEST_CURSOR: usize = 4096;
/// Between the parts; occurs in no address and no request.
const SEPARATOR: char = '\0';

/// Seals and opens cursors.
#[derive(Debug)]
pub struct Cursors {
    sealer: Sealer,
}

/// Where a cursor leads. Without `Debug`: a HIS may put anything into an address.
#[derive(Clone, PartialEq, Eq)]
pub struct NextPage {
    /// The search it goes on with, as the client asked it: type, question mark, query. It is judged anew on each page.
    pub search: String,
    /// The logical id of the patient in the HIS.
    pub patient: String,
    /// The address that the HIS gave.
    pub address: String,
}

/// For whom and where a cursor holds.
#[derive(Clone, Copy)]
pub struct Bound<'a> {
    /// Hash of the access token.
    pub token: &'a HandleHash,
    /// The base URL, ours.
    pub base: &'a str,
}

impl Bound<'_> {
    fn bytes(self) -> Vec<u8> {
        [self.token.as_slice(), self.base.as_bytes()].concat()
    }
}

impl Cursors {
    /// With this sealer, which seals nothing else.
    #[must_use]
    pub const fn new(sealer: Sealer) -> Self {
        Self { sealer }
    }

    /// The cursor of a page; `None` when the address is longer than we carry.
    #[must_use]
    pub fn seal(&self, page: &NextPage, bound: Bound<'_>) -> Option<String> {
        let NextPage { search, patient, address } = page;
        let text = format!("{search}{SEPARATOR}{patient}{SEPARATOR}{address}");
        let cursor = URL_SAFE_NO_PAD.encode(self.sealer.seal(text.as_bytes(), &bound.bytes()));
        (address.len() <= LONGEST_NEXT && cursor.len() <= LONGEST_CURSOR).then_some(cursor)
    }

    /// Where a cursor leads; `None` when it was made for another token or base, was changed, or is none.
    #[must_use]
    pub fn open(&self, cursor: &str, bound: Bound<'_>) -> Option<NextPage> {
        if cursor.len() > LONGEST_CURSOR {
            return None;
        }
        let sealed = URL_SAFE_NO_PAD.decode(cursor).ok()?;
        let text = self.sealer.open(&sealed, &bound.bytes())?;
        let mut parts = std::str::from_utf8(&text).ok()?.splitn(3, SEPARATOR).map(str::to_owned);
        Some(NextPage { search: parts.next()?, patient: parts.next()?, address: parts.next()? })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::secret::Secret;

    const OURS: &str = "https://back.example.nl/fhir/open/49/stu3";
    const TOKEN: Bound<'static> = Bound { token: &[7; 32], base: OURS };

    fn cursors(key: u8) -> Cursors {
        Cursors::new(Sealer::derived(&Secret::new([key; 32]), "page"))
    }

    fn page() -> NextPage {
        NextPage {
            search: "Composition?type=http://loinc.org|67781-5".to_owned(),
            patient: "pat-1".to_owned(),
            address: "https://his.example.nl/fhir?_getpages=abc".to_owned(),
        }
    }

    #[test]
    fn a_cursor_opens_for_its_token_and_base_only() {
        let cursor = cursors(1).seal(&page(), TOKEN).unwrap();
        assert!(cursors(1).open(&cursor, TOKEN).is_some_and(|opened| opened == page()));
        for bound in
            [Bound { token: &[8; 32], ..TOKEN }, Bound { base: "https://back.example.nl/fhir/open/51/stu3", ..TOKEN }]
        {
            assert!(cursors(1).open(&cursor, bound).is_none());
        }
        assert!(cursors(2).open(&cursor, TOKEN).is_none());
    }

    #[test]
    fn an_address_that_is_too_long_is_not_carried() {
        let long = |length| NextPage { address: "x".repeat(length), ..page() };
        assert!(cursors(1).seal(&long(LONGEST_NEXT), TOKEN).is_some());
        assert!(cursors(1).seal(&long(LONGEST_NEXT + 1), TOKEN).is_none());
    }

    proptest! {
        #[test]
        fn what_is_no_cursor_leads_nowhere(text in "\\PC{0,80}") {
            prop_assert!(cursors(1).open(&text, TOKEN).is_none());
        }

        #[test]
        fn a_changed_cursor_leads_nowhere(place: proptest::sample::Index, other in "[A-Za-z0-9_-]") {
            let cursor = cursors(1).seal(&page(), TOKEN).unwrap();
            let place = place.index(cursor.len());
            prop_assume!(!cursor[place..].starts_with(&other));
            let changed = format!("{}{other}{}", &cursor[..place], &cursor[place + 1..]);
            // The last character may hold bits that stand for nothing; those are refused as well.
            prop_assert!(cursors(1).open(&changed, TOKEN).is_none());
        }
    }
}
