//! Why a request is not answered with data.

use super::{BodyFault, NoToken};
use crate::audit::AuditError;
use crate::fhir::disclosure::{Attempt, Unanswered};
use crate::fhir::request::RequestError;
use crate::fhir::shape::ShapeFault;
use crate::fhir::shape::submit::SubmitFault;
use crate::fhir::xml::XmlFault;
use crate::his::HisError;
use crate::routing::Refusal;

/// Why a request is not answered with data; one variant per reaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The path leads to no endpoint of ours.
    #[error("there is nothing at this address")]
    NoRoute,
    /// See [`NoToken`].
    #[error(transparent)]
    NoToken(NoToken),
    /// A token that we did not issue, or whose grant ended.
    #[error("the access token is not known")]
    UnknownToken,
    /// See [`Refusal`].
    #[error(transparent)]
    Refused(Refusal),
    /// See [`RequestError`].
    #[error(transparent)]
    Request(RequestError),
    /// The cursor is none of ours, was made for another token or practice, or leads to a search that is no longer there.
    #[error("there is no such page")]
    UnknownPage,
    /// The practice has nothing of this person, or the person is too young. The two are one answer, so that it tells
    /// nothing about treatment relations.
    #[error("the care provider makes no data of this person available")]
    NotAvailable,
    /// The HIS of the practice is not connected to this gateway.
    #[error("the information system of the practice is not connected")]
    NoAdapter,
    /// No document of this id is named by anything that the patient sees, or it is not there.
    #[error("there is no such document")]
    NoDocument,
    /// See [`HisError`].
    #[error(transparent)]
    His(HisError),
    /// See [`ShapeFault`].
    #[error("the answer of the HIS may not be passed on")]
    Shape(ShapeFault),
    /// See [`BodyFault`].
    #[error(transparent)]
    Body(BodyFault),
    /// See [`SubmitFault`].
    #[error(transparent)]
    Submission(SubmitFault),
    /// The answer to what was sent is not passed on; see [`ShapeFault`]. It may be stored all the same.
    #[error("the answer of the HIS to what was sent may not be passed on")]
    SharedAnswer(ShapeFault),
    /// XML was asked for, and the answer holds what XML of this FHIR version cannot say.
    #[error("the answer of the HIS cannot be written as XML: {0}")]
    Xml(XmlFault),
    /// The audit log cannot take the intent.
    #[error(transparent)]
    Audit(AuditError),
    /// The store does not answer.
    #[error("the token store does not answer")]
    Store,
    /// The index of the access log does not answer.
    #[error("the index of the access log does not answer")]
    Index,
}

/// Why there is nothing to release, and whether the log already knows.
pub(super) enum Unread {
    /// Refused before the intent.
    Refused(ReadError),
    /// Failed after the intent; the outcome is recorded.
    Intended(Unanswered),
}

impl Unread {
    pub(super) const fn error(&self) -> ReadError {
        match self {
            Self::Refused(error) | Self::Intended(Unanswered { error, .. }) => *error,
        }
    }

    /// What is answered; by then the log has it, as far as it can take it.
    pub(super) async fn recorded(self, attempt: Attempt) -> Unanswered {
        match self {
            Self::Refused(error) => attempt.refused(error).await,
            Self::Intended(unanswered) => unanswered,
        }
    }
}

impl From<ReadError> for Unread {
    fn from(error: ReadError) -> Self {
        Self::Refused(error)
    }
}

impl From<Unanswered> for Unread {
    fn from(unanswered: Unanswered) -> Self {
        Self::Intended(unanswered)
    }
}
