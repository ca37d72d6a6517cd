//! `[rates]` and `[outgoing]`: how often others may ask us, and where we may ask.

use std::num::NonZeroU32;

use ipnet::IpNet;

use super::kind::{networks, number};
use super::log::Read;
use super::section::Section;
use crate::rates::Rate;

/// `[rates]`: how often one network or one client may ask, by the count of this node.
#[derive(Debug, Clone, Copy)]
pub struct Rates {
    /// Pages for one network (IPv4 /24, IPv6 /56): default 50 a second and 500 at once, each 1 to 1,000,000.
    pub pages: Rate,
    /// Requests of one client, or of a certificate that was not served yet, on the back channel: default 2,000 a second and 4,000 at once, each 1 to 1,000,000.
    pub client: Rate,
}

impl Rates {
    /// In a sandbox everybody comes from one address, and load tests are run there: the defaults are the most that can be set.
    pub(super) fn read(section: &mut Section<'_, '_>, sandbox: bool) -> Read<Self> {
        let mut key = |name, default| {
            let kind = number::<u32>(1..=u64::from(MOST), "");
            let read = section.or_default(name, &kind, if sandbox { MOST } else { default });
            // The range leaves zero out.
            read.map(|number| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN))
        };
        let pages = (key("pages_per_second", PAGES), key("pages_burst", PAGES_BURST));
        let client = (key("client_per_second", CLIENT), key("client_burst", CLIENT_BURST));
        Ok(Self {
            pages: Rate { per_second: pages.0?, burst: pages.1? },
            client: Rate { per_second: client.0?, burst: client.1? },
        })
    }
}

const PAGES: u32 = 50;
const PAGES_BURST: u32 = 500;
const CLIENT: u32 = 2_000;
const CLIENT_BURST: u32 = 4_000;
const MOST: u32 = 1_000_000;

/// `[outgoing]`: where our own calls may go, beside the Internet at large.
#[derive(Debug, Clone, Default)]
pub struct Outgoing {
    /// Inner networks into which a name of a name server may lead; default none. Addresses of `[resolve]` need not stand here.
    pub networks: Vec<IpNet>,
}

impl Outgoing {
    pub(super) fn read(section: &mut Section<'_, '_>) -> Read<Self> {
        Ok(Self { networks: section.optional("networks", &networks())?.unwrap_or_default() })
    }
}
