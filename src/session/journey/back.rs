//! The way back to the client: a code, or an error that tells it nothing about the person.

use std::fmt;

use crate::catalogue;
use crate::form::encode_pairs;
use crate::oauth::authorize::{AuthorizeRequest, RedirectUri, State};
use crate::secret::Handle;

/// A redirect to the client. Prints without the answer, which may be a code.
#[derive(PartialEq, Eq)]
pub struct BackToClient {
    /// Where to, without the answer.
    pub redirect_uri: RedirectUri,
    /// The parameters of the answer.
    pub answer: Vec<(String, String)>,
}

impl BackToClient {
    /// With a code, which is seen here and by the client only.
    pub(super) fn with_code(request: AuthorizeRequest, code: &Handle) -> Self {
        let mut answer = vec![
            ("code".to_owned(), code.reveal().to_owned()),
            ("state".to_owned(), request.state.as_str().to_owned()),
        ];
        answer.extend(issued_by(request.door.issuer()));
        Self { redirect_uri: request.redirect_uri, answer }
    }

    /// The address that the browser goes to.
    #[must_use]
    pub fn location(&self) -> String {
        format!("{}?{}", self.redirect_uri.as_str(), encode_pairs(&self.answer))
    }
}

impl fmt::Debug for BackToClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BackToClient").field("redirect_uri", &self.redirect_uri).finish_non_exhaustive()
    }
}

/// One description for every "no", so that it tells the client nothing about treatment relations.
pub(super) fn denied(request: &AuthorizeRequest) -> BackToClient {
    let (state, issuer) = (Some(&request.state), request.door.issuer());
    refused(request.redirect_uri.clone(), state, issuer, catalogue::ACCESS_DENIED.code(), "no authorization was given")
}

pub(super) fn refused(
    redirect_uri: RedirectUri,
    state: Option<&State>,
    issuer: Option<&str>,
    error: &str,
    description: &str,
) -> BackToClient {
    let mut answer =
        vec![("error".to_owned(), error.to_owned()), ("error_description".to_owned(), description.to_owned())];
    answer.extend(state.map(|state| ("state".to_owned(), state.as_str().to_owned())));
    answer.extend(issued_by(issuer));
    BackToClient { redirect_uri, answer }
}

/// `iss`, so that a client that asks several servers knows whose answer it is (RFC 9207 section 2).
fn issued_by(issuer: Option<&str>) -> Option<(String, String)> {
    issuer.map(|issuer| ("iss".to_owned(), issuer.to_owned()))
}
