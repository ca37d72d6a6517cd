//! How often a portal may ask for tokens: so many times a minute, and as many at once, as its registration says.

use std::collections::HashMap;
use std::time::Instant;

use governor::clock::Clock as _;
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

use crate::clients::ClientRegister;
use crate::clock::SharedClock;
use crate::medmij::Hostname;
use crate::rates::{Monotonic, whole_seconds};

/// One limit a portal; there are as many as there are portals. Counted by each node for itself.
pub struct PortalRates {
    limits: HashMap<Hostname, Limit>,
    clock: Monotonic,
}

type Limit = RateLimiter<NotKeyed, InMemoryState, Monotonic, NoOpMiddleware<Instant>>;

impl PortalRates {
    /// The limits of every portal of a register.
    #[must_use]
    pub fn of(register: &ClientRegister, clock: SharedClock) -> Self {
        let clock = Monotonic(clock);
        let limit = |rate| RateLimiter::direct_with_clock(Quota::per_minute(rate), clock.clone());
        let limits = register.portals().map(|(id, portal)| (id.clone(), limit(portal.rate))).collect();
        Self { limits, clock }
    }

    /// Counts a request. A client without a limit is no portal, and is not counted here.
    ///
    /// # Errors
    /// How long to wait, in whole seconds, when there were too many.
    pub fn admit(&self, client: &Hostname) -> Result<(), u32> {
        let Some(limit) = self.limits.get(client) else { return Ok(()) };
        limit.check().map_err(|early| whole_seconds(early.wait_time_from(self.clock.now())))
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::clients::{Client, Portal, PortalScope};
    use crate::clock::TestClock;
    use crate::jose::Jwks;

    fn host(name: &str) -> Hostname {
        Hostname::parse(name).unwrap()
    }

    fn portal(rate: u32) -> Client {
        Client::Portal(Portal {
            name: "Portaal".to_owned(),
            peers: Vec::new(),
            bind_tokens: true,
            scope: PortalScope::new([], []),
            keys: Jwks::default(),
            encrypt: true,
            redirect_uris: Vec::new(),
            rate: NonZeroU32::new(rate).unwrap(),
        })
    }

    #[test]
    fn each_portal_has_its_own_number_a_minute() {
        let clock = TestClock::at("2026-03-09T09:00:00Z".parse().unwrap());
        let register = ClientRegister::new([(host("slow.example"), portal(6)), (host("fast.example"), portal(600))]);
        let rates = PortalRates::of(&register, Arc::<TestClock>::clone(&clock));
        for _ in 0..6 {
            assert_eq!(rates.admit(&host("slow.example")), Ok(()));
        }
        assert_eq!(rates.admit(&host("slow.example")), Err(10));
        assert_eq!(rates.admit(&host("fast.example")), Ok(()), "another portal is not held up");
        clock.advance(Duration::from_secs(9));
        assert_eq!(rates.admit(&host("slow.example")), Err(1));
        clock.advance(Duration::from_secs(1));
        assert_eq!(rates.admit(&host("slow.example")), Ok(()));
        assert_eq!(rates.admit(&host("slow.example")), Err(10));
        assert_eq!(rates.admit(&host("pgo.example")), Ok(()), "a PGO is not counted here");
    }
}
