//! The login simulator: a page on which anybody says who they are. For the sandbox; a production configuration refuses it,
//! and a production build does not hold it.

use std::future::ready;
use std::time::Instant;

use super::login::{
    AssuranceLevel, Attempt, AuthenticatedPerson, Departure, IdentityProvider, LoginEnd, LoginFuture, LoginMethod,
    LoginState, LoginUnavailable, WayToLogin,
};
use crate::clock::SharedClock;
use crate::form::single;
use crate::medmij::Bsn;

/// The simulator.
pub struct LoginSimulator {
    clock: SharedClock,
}

impl LoginSimulator {
    /// One by this clock.
    #[must_use]
    pub const fn new(clock: SharedClock) -> Self {
        Self { clock }
    }

    fn read(&self, fields: &[(String, String)]) -> Result<AuthenticatedPerson, LoginEnd> {
        match single(fields, "action") {
            Some("login") => {
                let typed = single(fields, "bsn").unwrap_or_default().trim();
                Bsn::parse(typed).map(|bsn| self.vouch_for(bsn)).map_err(|_| LoginEnd::NotABsn)
            }
            Some("cancel") => Err(LoginEnd::Cancelled),
            _ => Err(LoginEnd::Failed),
        }
    }

    fn vouch_for(&self, bsn: Bsn) -> AuthenticatedPerson {
        AuthenticatedPerson { bsn, level: AssuranceLevel::Basis, at: self.clock.now(), method: LoginMethod::Simulator }
    }
}

impl IdentityProvider for LoginSimulator {
    fn origins(&self) -> &[String] {
        &[]
    }

    fn start<'a>(&'a self, departure: Departure<'a>) -> LoginFuture<'a, WayToLogin, LoginUnavailable> {
        let again = if departure.attempt == Attempt::AfterATypo { "&again=1" } else { "" };
        let Departure { visit, key, language, .. } = departure;
        let address = format!("/simulator?visit={visit}&nonce={}{again}&lang={}", key.reveal(), language.tag());
        Box::pin(ready(Ok(WayToLogin { address, state: LoginState::new(String::new()) })))
    }

    fn finish<'a>(
        &'a self,
        _: LoginState,
        fields: &'a [(String, String)],
        _: Instant,
    ) -> LoginFuture<'a, AuthenticatedPerson, LoginEnd> {
        Box::pin(ready(self.read(fields)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::TestClock;

    fn finish(pairs: &[(&str, &str)]) -> Result<AuthenticatedPerson, LoginEnd> {
        let pairs: Vec<_> = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        LoginSimulator::new(TestClock::at(jiff::Timestamp::UNIX_EPOCH)).read(&pairs)
    }

    #[test]
    fn each_button_has_its_end() {
        let person = finish(&[("action", "login"), ("bsn", " 999911132 ")]).unwrap();
        assert_eq!((person.bsn.reveal(), person.level), ("999911132", AssuranceLevel::Basis));
        assert_eq!(finish(&[("action", "login"), ("bsn", "999911133")]), Err(LoginEnd::NotABsn));
        assert_eq!(finish(&[("action", "login")]), Err(LoginEnd::NotABsn));
        assert_eq!(finish(&[("action", "cancel"), ("bsn", "999911132")]), Err(LoginEnd::Cancelled));
        assert_eq!(finish(&[("action", "fail")]), Err(LoginEnd::Failed));
        assert_eq!(finish(&[]), Err(LoginEnd::Failed));
    }
}
