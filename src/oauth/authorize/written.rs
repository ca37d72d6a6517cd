//! The form in which an authorization request lies in a sealed visit.

use serde::{Deserialize, Serialize};

use super::{AuthorizeRequest, Door, RedirectUri, SmartAsk, State};
use crate::medmij::{CorrelationId, Hostname, RequestId, Scope, ScopeRelease, ServiceId};
use crate::oauth::pkce::CodeChallenge;
use crate::oauth::smart_scope::SmartScope;

/// The form in which a request lies in a sealed visit.
#[derive(Debug, Serialize, Deserialize)]
pub struct WrittenRequest {
    client: String,
    redirect_uri: String,
    authority_end: usize,
    scope: String,
    /// Whether the scope is in the grammar of 1.5, whose single service reads like one to share with in 2.x.
    #[serde(default)]
    one_five: bool,
    state: String,
    request_id: Option<String>,
    correlation_id: Option<String>,
    #[serde(default)]
    smart: Option<WrittenAsk>,
}

#[derive(Debug, Serialize, Deserialize)]
struct WrittenAsk {
    service: String,
    scope: String,
    challenge: String,
    issuer: String,
}

impl SmartAsk {
    fn to_written(&self) -> WrittenAsk {
        WrittenAsk {
            service: self.service.to_string(),
            scope: self.scope.to_string(),
            challenge: self.challenge.to_text(),
            issuer: self.issuer.clone(),
        }
    }

    fn from_written(written: &WrittenAsk) -> Option<Self> {
        Some(Self {
            service: ServiceId::parse(&written.service).ok()?,
            scope: SmartScope::from_written(&written.scope)?,
            challenge: CodeChallenge::from_text(&written.challenge)?,
            issuer: written.issuer.clone(),
        })
    }
}

impl Door {
    fn to_written(&self) -> Option<WrittenAsk> {
        match self {
            Self::MedMij => None,
            Self::Smart(ask) => Some(ask.to_written()),
        }
    }

    fn from_written(written: Option<&WrittenAsk>) -> Option<Self> {
        match written {
            None => Some(Self::MedMij),
            Some(ask) => SmartAsk::from_written(ask).map(Self::Smart),
        }
    }
}

impl AuthorizeRequest {
    /// For a sealed visit.
    #[must_use]
    pub fn to_written(&self) -> WrittenRequest {
        WrittenRequest {
            client: self.client.to_string(),
            redirect_uri: self.redirect_uri.text.clone(),
            authority_end: self.redirect_uri.authority_end,
            scope: self.scope.to_string(),
            one_five: self.scope.release() == ScopeRelease::OneFive,
            state: self.state.0.clone(),
            request_id: self.request_id.map(|id| id.to_string()),
            correlation_id: self.correlation_id.map(|id| id.to_string()),
            smart: self.door.to_written(),
        }
    }

    /// From a sealed visit; `None` when it is of another version.
    #[must_use]
    pub fn from_written(written: WrittenRequest) -> Option<Self> {
        let release = if written.one_five { ScopeRelease::OneFive } else { ScopeRelease::Two };
        Some(Self {
            client: Hostname::parse(&written.client).ok()?,
            redirect_uri: RedirectUri { text: written.redirect_uri, authority_end: written.authority_end },
            scope: Scope::parse(&written.scope, release).ok()?,
            state: State::parse(&written.state)?,
            request_id: written.request_id.as_deref().and_then(RequestId::parse),
            correlation_id: written.correlation_id.as_deref().and_then(CorrelationId::parse),
            door: Door::from_written(written.smart.as_ref())?,
        })
    }
}
