//! Revocation (RFC 7009): a client gives a token back, and the consent behind it ends with all of its tokens.

use super::desk::TokenDesk;
use super::{TokenCall, TokenError};
use crate::audit::{AuditEvent, Kind, Outcome, receipt};
use crate::catalogue;
use crate::form::single;
use crate::medmij::{Hostname, LocalId};
use crate::oauth::refresh::{FoundRefresh, PresentedRefresh};
use crate::secret::hash_handle;

/// What a token that is given back stands for.
enum GivenBack {
    /// A grant of this client.
    Own(LocalId),
    /// A refresh token that was spent: it is of no use, but a copy of it is about.
    Old(LocalId),
    /// A grant of another client.
    Foreign(LocalId),
    /// Nothing that we know (any more).
    Unknown,
}

impl TokenDesk {
    /// Ends the grant of an access token or refresh token. A token that is unknown, or another client's, changes nothing and
    /// is no error (RFC 7009 sections 2.1 and 2.2); `token_type_hint` is not needed and ignored.
    ///
    /// # Errors
    /// See [`TokenError`].
    pub async fn revoke(&self, form: &[(String, String)], call: TokenCall<'_>) -> Result<(), TokenError> {
        let mut event = self.event(call);
        event.kind = Kind::GrantEnded;
        let answer = match self.patience_with(call) {
            Ok(()) => self.try_revoke(form, call, &mut event).await,
            Err(error) => Err(error),
        };
        match answer {
            Ok(()) => Ok(()),
            Err(error) => Err(self.refused(event, call, error).await),
        }
    }

    async fn try_revoke(
        &self,
        form: &[(String, String)],
        call: TokenCall<'_>,
        event: &mut AuditEvent,
    ) -> Result<(), TokenError> {
        let token = single(form, "token").ok_or(TokenError::InvalidRequest)?;
        let client = self.admit(form, call, event)?;
        match self.given_back(token, &client.id, event).await? {
            GivenBack::Own(grant) => self.end(grant, catalogue::REVOKED.code(), event).await,
            GivenBack::Old(grant) => self.end(grant, catalogue::REFRESH_TOKEN_REUSED.code(), event).await,
            GivenBack::Foreign(grant) => {
                event.grant = Some(grant);
                self.changed_nothing(catalogue::TOKEN_OF_ANOTHER_CLIENT.code(), event).await
            }
            GivenBack::Unknown => self.changed_nothing(catalogue::UNKNOWN_TOKEN.code(), event).await,
        }
    }

    async fn given_back(
        &self,
        token: &str,
        client: &Hostname,
        event: &mut AuditEvent,
    ) -> Result<GivenBack, TokenError> {
        let grant = match PresentedRefresh::parse(token) {
            Some(presented) => match self.refreshes.look(presented.key()).await? {
                FoundRefresh::Current(found) => Some(found.grant),
                FoundRefresh::Old { grant } => return Ok(GivenBack::Old(grant)),
                FoundRefresh::Unknown => None,
            },
            None => self.tokens.find(hash_handle(token)).await?.map(|found| found.grant),
        };
        let Some(grant) = grant else { return Ok(GivenBack::Unknown) };
        if grant.client != *client {
            return Ok(GivenBack::Foreign(grant.id));
        }
        self.name_grant(event, &grant)?;
        Ok(GivenBack::Own(grant.id))
    }

    async fn changed_nothing(&self, reason: &'static str, event: &AuditEvent) -> Result<(), TokenError> {
        let event = AuditEvent { reason: Some(reason), ..event.clone() };
        receipt(self.audit.append(&event)?).await?;
        Ok(())
    }

    /// Ends a grant, and records it when this is what ended it. The end is not taken back when the log cannot take it.
    pub(super) async fn end(
        &self,
        grant: LocalId,
        reason: &'static str,
        event: &mut AuditEvent,
    ) -> Result<(), TokenError> {
        event.grant = Some(grant);
        if self.grants.end(grant, event.time).await? {
            let outcome = Outcome::Done;
            let ended = AuditEvent { kind: Kind::GrantEnded, outcome, reason: Some(reason), ..event.clone() };
            receipt(self.audit.append(&ended)?).await?;
        }
        Ok(())
    }
}
