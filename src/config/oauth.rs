//! `[oauth]`: what MedMij leaves open about requests and tokens (`medmij.md` section 9), and how long consent lasts.

use super::kind::{boolean, choice, number};
use super::log::Read;
use super::section::Section;
use crate::medmij::ScopeRelease;

/// `[oauth]`.
#[derive(Debug, Clone, Copy)]
pub struct Oauth {
    /// After how many calendar months without use a lasting consent lapses, 1 to 12, default 6.
    pub refresh_months: u8,
    /// How `scope` is written in a token answer; default service ids.
    pub token_scope: TokenScope,
    /// The grammar of `scope` in an authorization request; default that of release 2.
    pub scope_release: ScopeRelease,
    /// Whether an authorization request must carry both ids of the network; default false.
    pub require_ids: bool,
}

/// The form of `scope` in a token answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenScope {
    /// Service ids, such as `49 51`.
    Ids,
    /// With the name of the provider, such as `huisarts.delinde~49`.
    NameAndId,
}

impl Oauth {
    const TOKEN_SCOPES: &'static [(&'static str, TokenScope)] =
        &[("ids", TokenScope::Ids), ("name~id", TokenScope::NameAndId)];

    const RELEASES: &'static [(&'static str, ScopeRelease)] =
        &[("2", ScopeRelease::Two), ("1.5", ScopeRelease::OneFive)];

    pub(super) fn read(section: &mut Section<'_, '_>) -> Read<Self> {
        let refresh_months = section.or_default("refresh_months", &number(1..=12, " of months"), 6);
        let token_scope = section.or_default("token_scope", &choice(Self::TOKEN_SCOPES), TokenScope::Ids);
        let scope_release = section.or_default("scope_release", &choice(Self::RELEASES), ScopeRelease::Two);
        let require_ids = section.or_default("require_ids", &boolean(), false);
        Ok(Self {
            refresh_months: refresh_months?,
            token_scope: token_scope?,
            scope_release: scope_release?,
            require_ids: require_ids?,
        })
    }
}
