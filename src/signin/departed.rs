//! Somebody on the way to their provider: sealed in a cookie, so that nobody who comes and goes takes room, or the place of somebody
//! else.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};

use super::AWAY;
use crate::form::{decode_pairs, encode_pairs, single};
use crate::seal::Sealer;
use crate::secret::Handle;
use crate::session::login::LoginState;

/// What a departure is sealed for.
const PLACE: &[u8] = b"operator on the way to log in";

/// Somebody on their way.
pub(super) struct Departed {
    /// What the provider must bring back.
    pub(super) ticket: Handle,
    /// What it needs again to read its answer.
    pub(super) state: LoginState,
    until: Timestamp,
}

impl Departed {
    pub(super) fn new(ticket: Handle, state: LoginState, now: Timestamp) -> Self {
        let away = SignedDuration::try_from(AWAY).unwrap_or(SignedDuration::ZERO);
        Self { ticket, state, until: now.saturating_add(away).unwrap_or(now) }
    }

    /// For the browser to carry.
    pub(super) fn seal(&self, sealer: &Sealer) -> String {
        let pairs = [
            ("ticket", self.ticket.reveal().to_owned()),
            ("state", self.state.reveal().clone()),
            ("until", self.until.as_second().to_string()),
        ];
        let text = encode_pairs(&pairs.map(|(name, value)| (name.to_owned(), value)));
        URL_SAFE_NO_PAD.encode(sealer.seal(text.as_bytes(), PLACE))
    }

    /// Of a browser that comes back in time.
    pub(super) fn open(sealed: &str, sealer: &Sealer, now: Timestamp) -> Option<Self> {
        let text = sealer.open(&URL_SAFE_NO_PAD.decode(sealed).ok()?, PLACE)?;
        let pairs = decode_pairs(std::str::from_utf8(&text).ok()?).ok()?;
        let until = Timestamp::from_second(single(&pairs, "until")?.parse().ok()?).ok()?;
        let state = LoginState::new(single(&pairs, "state")?.to_owned());
        (now < until).then_some(Self { ticket: Handle::presented(single(&pairs, "ticket")?), state, until })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::secret::Secret;

    #[test]
    fn what_a_browser_carries_opens_here_and_in_time_only() {
        let sealer = |byte: u8| Sealer::derived(&Secret::new([byte; 32]), "operator login");
        let now: Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();
        let ticket = Handle::draw();
        let sealed = Departed::new(Handle::presented(ticket.reveal()), LoginState::new("a.b.1".to_owned()), now)
            .seal(&sealer(1));
        let opened = Departed::open(&sealed, &sealer(1), now + Duration::from_secs(599)).unwrap();
        assert_eq!((opened.ticket.reveal(), opened.state.reveal().as_str()), (ticket.reveal(), "a.b.1"));
        assert!(Departed::open(&sealed, &sealer(1), now + AWAY).is_none());
        assert!(Departed::open(&sealed, &sealer(2), now).is_none());
        assert!(
            Departed::open("", &sealer(1), now).is_none() && Departed::open(&sealed[1..], &sealer(1), now).is_none()
        );
        assert!(!sealed.contains(ticket.reveal()));
    }
}
