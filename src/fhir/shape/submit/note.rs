//! What we say of one entry: an OperationOutcome in the words of this gateway, never in those of a vendor.

use serde_json::json;

use crate::fhir::outcome::FAULT_SYSTEM;

/// An outcome of one entry.
#[derive(Debug, Clone, Copy)]
pub(super) struct Note<'a> {
    pub(super) said: Said,
    /// Our number of the request.
    pub(super) reference: &'a str,
}

/// What is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Said {
    /// The person is known from the token.
    KnownPerson,
    /// It is stored.
    Stored,
    /// It is not stored: its content was refused (422), or the HIS failed.
    NotStored(u16),
}

impl Note<'_> {
    /// The OperationOutcome, JSON.
    pub(super) fn write(self) -> String {
        let (severity, issue, code, text, diagnostics) = match self.said {
            Said::KnownPerson => (
                "information",
                "informational",
                "known-person",
                "Wie u bent, wist de praktijk al. Hieraan is niets veranderd.",
                "the person follows from the access token; this entry was checked and not stored",
            ),
            Said::Stored => {
                ("information", "informational", "stored", "De praktijk heeft dit ontvangen.", "the entry was stored")
            }
            Said::NotStored(422) => (
                "error",
                "processing",
                "entry-refused",
                "De praktijk heeft dit niet aangenomen. Vraag het na bij uw praktijk.",
                "the practice's system refused this entry; it was not stored",
            ),
            Said::NotStored(_) => (
                "error",
                "exception",
                "entry-failed",
                "Het systeem van de praktijk kon dit niet opslaan. Probeer het later nog eens.",
                "the practice's system failed on this entry; it was not stored",
            ),
        };
        json!({
            "resourceType": "OperationOutcome",
            "issue": [{
                "severity": severity,
                "code": issue,
                "details": {"coding": [{"system": FAULT_SYSTEM, "code": code}], "text": text},
                "diagnostics": format!("{diagnostics} (reference {})", self.reference),
            }],
        })
        .to_string()
    }
}
