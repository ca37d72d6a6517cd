//! The login simulator: a page on which anybody says who they are. For the sandbox; a production configuration refuses it,
//! and a production build does not hold it.

use super::login::{Attempt, AuthenticatedPerson, IdentityProvider, LoginEnd};
use crate::form::single;
use crate::medmij::{Bsn, LocalId};
use crate::secret::Handle;

/// The simulator.
#[derive(Debug, Clone, Copy, Default)]
pub struct LoginSimulator;

impl IdentityProvider for LoginSimulator {
    fn start(&self, visit: LocalId, nonce: &Handle, attempt: Attempt) -> String {
        let again = if attempt == Attempt::AfterATypo { "&again=1" } else { "" };
        format!("/simulator?visit={visit}&nonce={}{again}", nonce.reveal())
    }

    fn finish(&self, fields: &[(String, String)]) -> Result<AuthenticatedPerson, LoginEnd> {
        match single(fields, "action") {
            Some("login") => {
                let typed = single(fields, "bsn").unwrap_or_default().trim();
                Bsn::parse(typed).map(|bsn| AuthenticatedPerson { bsn }).map_err(|_| LoginEnd::NotABsn)
            }
            Some("cancel") => Err(LoginEnd::Cancelled),
            _ => Err(LoginEnd::Failed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finish(pairs: &[(&str, &str)]) -> Result<AuthenticatedPerson, LoginEnd> {
        let pairs: Vec<_> = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        LoginSimulator.finish(&pairs)
    }

    #[test]
    fn each_button_has_its_end() {
        assert_eq!(finish(&[("action", "login"), ("bsn", " 999911132 ")]).unwrap().bsn.reveal(), "999911132");
        assert_eq!(finish(&[("action", "login"), ("bsn", "999911133")]), Err(LoginEnd::NotABsn));
        assert_eq!(finish(&[("action", "login")]), Err(LoginEnd::NotABsn));
        assert_eq!(finish(&[("action", "cancel"), ("bsn", "999911132")]), Err(LoginEnd::Cancelled));
        assert_eq!(finish(&[("action", "fail")]), Err(LoginEnd::Failed));
        assert_eq!(finish(&[]), Err(LoginEnd::Failed));
    }
}
