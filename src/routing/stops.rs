//! The emergency switch as decisions read it: what operators have stopped. Nothing is stopped nearly always, and then a look
//! costs one comparison.

use std::collections::HashSet;
use std::fmt;

use crate::catalogue;
use crate::medmij::{Hostname, ProviderName};
use crate::practices::Practice;

/// What an operator can stop.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Target {
    /// All access to data.
    Everything,
    /// A PGO or portal, by its client_id.
    Client(Hostname),
    /// An installation of a HIS, by its id in the configuration, with all of its practices.
    His(String),
    /// A practice.
    Practice(ProviderName),
}

/// Longest id of a HIS installation, in bytes; that of the configuration is shorter.
const HIS_MAX_BYTES: usize = 64;

impl Target {
    /// Reads what [`fmt::Display`] writes: `everything`, or a kind and a name such as `practice:name@medmij`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text == "everything" {
            return Some(Self::Everything);
        }
        let (kind, name) = text.split_once(':')?;
        match kind {
            "client" => Hostname::parse(name).ok().map(Self::Client),
            "practice" => ProviderName::parse(name).ok().map(Self::Practice),
            "his" => {
                let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
                let fits = (1..=HIS_MAX_BYTES).contains(&name.len()) && name.chars().all(plain);
                fits.then(|| Self::His(name.to_owned()))
            }
            _ => None,
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everything => f.write_str("everything"),
            Self::Client(id) => write!(f, "client:{id}"),
            Self::His(id) => write!(f, "his:{id}"),
            Self::Practice(provider) => write!(f, "practice:{provider}"),
        }
    }
}

/// Which stop a request meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Halt {
    /// All access is stopped.
    Everything,
    /// That of this client.
    Client,
    /// That to the HIS of the practice.
    His,
    /// That to the practice.
    Practice,
}

impl Halt {
    /// Our code of it: in answers, and as the reason in the audit.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Everything => catalogue::STOPPED.code(),
            Self::Client => catalogue::STOPPED_CLIENT.code(),
            Self::His => catalogue::STOPPED_HIS.code(),
            Self::Practice => catalogue::STOPPED_PRACTICE.code(),
        }
    }
}

/// All that is stopped.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stops {
    /// Whether anything is: the look that every request pays.
    any: bool,
    everything: bool,
    clients: HashSet<Hostname>,
    his: HashSet<String>,
    practices: HashSet<ProviderName>,
}

impl FromIterator<Target> for Stops {
    fn from_iter<I: IntoIterator<Item = Target>>(targets: I) -> Self {
        let mut stops = Self::default();
        for target in targets {
            stops.any = true;
            match target {
                Target::Everything => stops.everything = true,
                Target::Client(id) => drop(stops.clients.insert(id)),
                Target::His(id) => drop(stops.his.insert(id)),
                Target::Practice(provider) => drop(stops.practices.insert(provider)),
            }
        }
        stops
    }
}

impl Stops {
    /// Whether all access is stopped.
    #[must_use]
    pub const fn everything(&self) -> Option<Halt> {
        if self.everything { Some(Halt::Everything) } else { None }
    }

    /// What stops this client.
    #[must_use]
    pub fn client(&self, id: &Hostname) -> Option<Halt> {
        if !self.any {
            return None;
        }
        self.everything().or_else(|| self.clients.contains(id).then_some(Halt::Client))
    }

    /// What stops access to this practice.
    #[must_use]
    pub fn practice(&self, practice: &Practice) -> Option<Halt> {
        if !self.any {
            return None;
        }
        self.everything()
            .or_else(|| self.his.contains(&practice.his).then_some(Halt::His))
            .or_else(|| self.practices.contains(&practice.provider).then_some(Halt::Practice))
    }

    /// What stops this installation of a HIS.
    #[must_use]
    pub fn his(&self, id: &str) -> Option<Halt> {
        self.everything().or_else(|| self.his.contains(id).then_some(Halt::His))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_target_is_written_as_it_is_read() {
        for text in ["everything", "client:pgo.example.nl", "his:his-a", "practice:huisarts.delinde@medmij"] {
            assert_eq!(Target::parse(text).unwrap().to_string(), text);
        }
        let long = format!("his:{}", "a".repeat(HIS_MAX_BYTES + 1));
        for text in
            ["", "Everything", "everything:", "client:", "client:PGO.nl", "practice:x", "his:", "his:a b", &long]
        {
            assert_eq!(Target::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_read_is_written_back(text in "(everything|client:|his:|practice:)?[a-z@.\\-:]{0,20}") {
            if let Some(target) = Target::parse(&text) {
                prop_assert_eq!(target.to_string(), text);
            }
        }
    }

    #[test]
    fn what_is_not_stopped_goes_on() {
        let client = Hostname::parse("pgo.example.nl").unwrap();
        let stops: Stops = [Target::Client(client.clone()), Target::His("his-a".to_owned())].into_iter().collect();
        assert_eq!(stops.client(&client), Some(Halt::Client));
        assert_eq!(stops.client(&Hostname::parse("other.example.nl").unwrap()), None);
        assert_eq!((stops.his("his-a"), stops.his("his-b"), stops.everything()), (Some(Halt::His), None, None));
        assert_eq!(Stops::default().client(&client), None);
        let all: Stops = [Target::Everything].into_iter().collect();
        assert_eq!((all.client(&client), all.his("his-b")), (Some(Halt::Everything), Some(Halt::Everything)));
    }
}
