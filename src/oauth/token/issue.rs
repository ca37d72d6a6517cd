//! What is handed out: how long it lives, what it is bound to, and how its scope is written.

use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

use super::desk::{AdmittedClient, TokenDesk};
use crate::medmij::ServiceId;
use crate::oauth::grant::{Grant, IssuedToken};
use crate::secret::Handle;

/// How tokens are given out.
#[derive(Debug, Clone, Copy)]
pub struct TokenRules {
    /// How long an access token lives: 900 s.
    pub token_lifetime: Duration,
    /// After how many months without use a lasting consent lapses; each use begins them anew.
    pub refresh_months: u8,
    /// How `scope` is written in the answer.
    pub scope_form: ScopeForm,
    /// How long the HIS may take to say whether the person's data is still available; with the rest it must stay under the
    /// 10 s of core.tknint.206.
    pub availability_deadline: Duration,
}

/// The form of `scope` in a token answer. The sentence of the rules that fixes it is not published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScopeForm {
    /// `49 51`.
    Ids,
    /// `huisarts.delinde~49 huisarts.delinde~51`.
    NameAndId,
}

impl ScopeForm {
    pub(super) fn write(self, grant: &Grant, services: &[ServiceId]) -> String {
        let one = |id: &ServiceId| match self {
            Self::Ids => id.to_string(),
            Self::NameAndId => format!("{}~{id}", grant.provider.short()),
        };
        services.iter().map(one).collect::<Vec<_>>().join(" ")
    }
}

impl TokenRules {
    /// When a refresh token that is issued now is of no use any more.
    pub(super) fn refresh_expires(&self, now: Timestamp) -> Timestamp {
        let months = i64::from(self.refresh_months).months();
        let end = now.to_zoned(TimeZone::UTC).checked_add(months);
        end.map_or(now, |end| end.timestamp())
    }
}

impl TokenDesk {
    /// A new access token for a grant; bound to the certificate of the client where its registration says so.
    pub(super) fn draw_token(
        &self,
        grant: Arc<Grant>,
        client: &AdmittedClient,
        now: Timestamp,
    ) -> (Handle, IssuedToken) {
        let token = Handle::draw();
        let expires = now.saturating_add(self.rules.token_lifetime).unwrap_or(now);
        let bound = self.snapshot.load().clients.binds_tokens(&client.id);
        let issued = IssuedToken::new(token.hash(), expires, bound.then_some(client.node.thumbprint), grant);
        (token, issued)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_year_is_six_calendar_months() {
        let rules = TokenRules {
            token_lifetime: Duration::from_secs(900),
            refresh_months: 6,
            scope_form: ScopeForm::Ids,
            availability_deadline: Duration::from_secs(6),
        };
        for (issued, expires) in
            [("2026-03-02T09:30:00.5Z", "2026-09-02T09:30:00.5Z"), ("2026-08-31T23:59:59Z", "2027-02-28T23:59:59Z")]
        {
            assert_eq!(rules.refresh_expires(issued.parse().unwrap()), expires.parse().unwrap());
        }
    }
}
