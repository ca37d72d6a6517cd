//! Proof Key for Code Exchange (RFC 7636), method S256 only: whoever brings a code must know what it was asked for with.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq as _;

use crate::secret::sha256;

/// `code_challenge`: SHA-256 of a verifier that the client keeps until it brings the code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CodeChallenge([u8; 32]);

impl CodeChallenge {
    /// Parses a challenge with its method. `plain` protects nothing and is refused, also as the default of an absent method
    /// (SMART App Launch 2.2, "Considerations for PKCE Support").
    #[must_use]
    pub fn parse(challenge: Option<&str>, method: Option<&str>) -> Option<Self> {
        if method == Some("S256") { Self::from_text(challenge?) } else { None }
    }

    /// Parses the text of a challenge: 43 characters of base64url (RFC 7636 section 4.2).
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        if text.len() != 43 {
            return None;
        }
        URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok().map(Self)
    }

    /// The text of the challenge.
    #[must_use]
    pub fn to_text(self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// Whether this is the verifier: 43 to 128 unreserved characters (RFC 7636 sections 4.1 and 4.6).
    #[must_use]
    pub fn is_answered_by(&self, verifier: &str) -> bool {
        let unreserved = |c: u8| c.is_ascii_alphanumeric() || b"-._~".contains(&c);
        let formed = (43..=128).contains(&verifier.len()) && verifier.bytes().all(unreserved);
        formed && bool::from(sha256(verifier.as_bytes()).ct_eq(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7636 appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    #[test]
    fn the_example_of_the_rfc_fits() {
        let challenge = CodeChallenge::parse(Some(CHALLENGE), Some("S256")).unwrap();
        assert!(challenge.is_answered_by(VERIFIER));
        assert_eq!(challenge.to_text(), CHALLENGE);
        for verifier in
            ["", CHALLENGE, &VERIFIER.to_ascii_lowercase(), &VERIFIER[1..], &format!("{VERIFIER}="), &"a".repeat(129)]
        {
            assert!(!challenge.is_answered_by(verifier), "{verifier}");
        }
    }

    #[test]
    fn another_method_and_another_form_are_no_challenge() {
        assert_eq!(CodeChallenge::parse(Some(CHALLENGE), Some("plain")), None);
        assert_eq!(CodeChallenge::parse(Some(CHALLENGE), Some("s256")), None);
        assert_eq!(CodeChallenge::parse(Some(CHALLENGE), None), None);
        assert_eq!(CodeChallenge::parse(None, Some("S256")), None);
        for text in ["", "a", &CHALLENGE[1..], &format!("{CHALLENGE}="), &CHALLENGE.replace('-', "+")] {
            assert_eq!(CodeChallenge::from_text(text), None, "{text}");
        }
    }
}
