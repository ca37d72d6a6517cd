//! Why something was refused or failed, as far as it means something to a patient. The log holds the codes of our answers;
//! people are told which of these few reasons each is.

/// A reason that a patient understands, and whose move it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Why {
    /// There was no consent, or it had its time, or was stopped.
    ConsentOver,
    /// There was a consent, but for something else.
    ConsentNarrow,
    /// The app or website may not ask here.
    NotAdmitted,
    /// The practice does not give this, or not to this person.
    NotGiven,
    /// What the app asked or sent is not in order.
    Malformed,
    /// What is asked for is not there.
    NotThere,
    /// What the app sent is about somebody else.
    OtherPerson,
    /// The person said no, went back, or stopped it.
    Person,
    /// The login did not succeed.
    Login,
    /// The same proof was shown twice, which happens when somebody copied it.
    Copied,
    /// The system of the practice did not answer, or not in order.
    PracticeSystem,
    /// The system of the practice did not say whether it stored what was sent.
    Unconfirmed,
    /// The answer of the practice's system failed a check of ours, so nothing of it was shown.
    Withheld,
    /// Something was wrong on our side.
    Ours,
    /// Another reason.
    Other,
}

impl Why {
    /// The reason behind a code of the log. A code of a later release is [`Why::Other`].
    #[must_use]
    pub fn of(code: &str) -> Self {
        TABLE.iter().find(|(_, codes)| codes.contains(&code)).map_or(Self::Other, |(why, _)| *why)
    }
}

const TABLE: &[(Why, &[&str])] = &[
    (
        Why::ConsentOver,
        &["unknown-token", "token-expired", "no-token", "malformed-token", "consent-ended", "invalid_grant"],
    ),
    (Why::ConsentNarrow, &["other-provider", "service-not-granted", "type-not-granted", "invalid_scope"]),
    (
        Why::NotAdmitted,
        &[
            "peer-not-listed",
            "peer-not-of-client",
            "client-not-listed",
            "other-certificate",
            "practice-not-registered",
            "service-not-registered",
            "portal-on-client-list",
            "unknown-client",
            "bad-redirect-uri",
            "invalid_client",
            "unauthorized_client",
            "no-client-assertion",
            "client-assertion-refused",
            "assertion-refused",
            "too-many-requests",
            "too-many-wrong-requests",
            "slow_down",
        ],
    ),
    (
        Why::NotGiven,
        &[
            "not-available",
            "not-offered",
            "practice-closed",
            "practice-paused",
            "not-in-field-test",
            "client-not-in-pilot",
            "outside-pilot-days",
            "not-in-pilot",
            "not-in-his",
        ],
    ),
    (
        Why::Malformed,
        &[
            "no-route",
            "unknown-service",
            "unknown-type",
            "no-such-interaction",
            "bad-path",
            "method-not-allowed",
            "bad-media-type",
            "form-too-large",
            "not-acceptable",
            "bad-encoding",
            "unknown-parameter",
            "repeated-parameter",
            "bad-value",
            "missing-parameter",
            "body-too-large",
            "body-slow",
            "body-broken",
            "bundle-malformed",
            "no-bundle",
            "bad-full-url",
            "element-unreadable",
            "other-bundle-type",
            "too-many-entries",
            "not-a-create",
            "other-type",
            "wrong-number",
            "other-profile",
            "other-code",
            "no-subject",
            "reference-leads-out",
            "bad-contained",
            "not-a-pdf",
            "bsn-in-place",
            "his-rejected",
            "invalid_request",
            "unsupported_grant_type",
        ],
    ),
    (Why::NotThere, &["unknown-page", "no-document"]),
    (Why::OtherPerson, &["other-person"]),
    (Why::Person, &["cancelled", "refused", "withdrawn", "revoked"]),
    (Why::Login, &["login-cancelled", "login-failed", "login-unavailable"]),
    (Why::Copied, &["code-reused", "refresh-token-reused", "client-assertion-replayed", "assertion-replayed"]),
    (
        Why::PracticeSystem,
        &[
            "his-unreachable",
            "his-timeout",
            "his-busy",
            "his-open",
            "his-refused",
            "his-nonsense",
            "his-too-large",
            "his-gives-no-answer",
        ],
    ),
    (Why::Unconfirmed, &["his-unconfirmed", "shared-answer-unfit"]),
    (Why::Withheld, &["his-answer-unfit"]),
    (
        Why::Ours,
        &[
            "no-adapter",
            "node-full",
            "store-down",
            "lists-too-old",
            "audit-full",
            "audit-stopped",
            "audit-slow",
            "audit-no-key",
            "audit-busy",
            "index-down",
            "store-or-audit-down",
            "temporarily_unavailable",
        ],
    ),
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::audit::AuditError;
    use crate::fault::Fault;
    use crate::fhir::read::{NoToken, ReadError};
    use crate::his::HisError;
    use crate::practices::golive::NotYet;
    use crate::routing::Refusal;

    #[test]
    fn a_code_has_one_reason() {
        let mut seen = HashSet::new();
        for (why, codes) in TABLE {
            for code in *codes {
                assert!(seen.insert(*code), "{code} stands twice");
                assert_eq!(Why::of(code), *why);
            }
        }
        assert_eq!(Why::of("of-a-later-release"), Why::Other);
    }

    #[test]
    fn what_a_request_for_data_meets_has_a_reason() {
        for error in [
            ReadError::NoRoute,
            ReadError::NoToken(NoToken::Missing),
            ReadError::UnknownToken,
            ReadError::Refused(Refusal::Expired),
            ReadError::Refused(Refusal::OtherCertificate),
            ReadError::Refused(Refusal::ServiceNotGranted),
            ReadError::UnknownPage,
            ReadError::NotAvailable,
            ReadError::NoAdapter,
            ReadError::NoDocument,
            ReadError::His(HisError::TimedOut),
            ReadError::His(HisError::Unconfirmed),
            ReadError::Audit(AuditError::Full),
            ReadError::Store,
        ] {
            let code = Fault::from(error).code;
            assert_ne!(Why::of(code), Why::Other, "{code}");
        }
        for not_yet in NotYet::ALL {
            assert_eq!(Why::of(not_yet.code()), Why::NotGiven, "{not_yet:?}");
        }
    }

    /// Every code that the table of answers writes down is known here, so that a new one is not forgotten.
    #[test]
    fn every_code_of_our_answers_has_a_reason() {
        let written =
            [include_str!("../fault.rs"), include_str!("../fault/his.rs"), include_str!("../fault/sharing.rs")];
        let words = written.iter().flat_map(|text| text.split('"').skip(1).step_by(2));
        let is_code =
            |word: &&str| word.contains('-') && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
        // Issue types of FHIR.
        let others = ["not-found", "not-supported", "too-long", "business-rule"];
        let unknown: HashSet<_> =
            words.filter(is_code).filter(|word| !others.contains(word) && Why::of(word) == Why::Other).collect();
        assert!(unknown.is_empty(), "{unknown:?}");
    }
}
