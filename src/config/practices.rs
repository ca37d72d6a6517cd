//! Who is connected: HIS installations, practices, and addresses that do not come from DNS.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use jiff::civil::Date;

use super::files::Role;
use super::his::{Backend, Manner};
use super::kind::{self, base_url, choice, label, many_words, millis, number, words};
use super::log::Read;
use super::origin::HttpsUrl;
use super::parts::Identity;
use super::section::Section;
use crate::medmij::{Hostname, ProviderName};
use crate::practices::ClosedEpisodes;

/// How an installation speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// FHIR over REST.
    Fhir,
    /// The same, by tokens of SMART Backend Services.
    SmartBackend,
    /// The plain JSON API of `fixtures/his-rest/README.md`.
    Rest,
}

impl Dialect {
    const WORDS: &'static [(&'static str, Self)] =
        &[("fhir", Self::Fhir), ("smart-backend", Self::SmartBackend), ("his-rest", Self::Rest)];
}

/// `[[his]]`: one installation of a practice information system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct His {
    /// Name by which practices refer to it; 1 to 32 characters, unique.
    pub id: String,
    /// How it speaks.
    pub dialect: Dialect,
    /// Where it answers, without a slash at the end.
    pub base_url: HttpsUrl,
    /// The roots that its certificate leads to.
    pub roots: PathBuf,
    /// The certificate that we show it, when it asks for one.
    pub identity: Option<Identity>,
    /// File with the key that we send along, when it wants one.
    pub api_key: Option<PathBuf>,
    /// What FHIR leaves open; for the dialects `fhir` and `smart-backend`.
    pub manner: Option<Manner>,
    /// Who we are to it; for the dialect `smart-backend`.
    pub backend: Option<Backend>,
    /// Requests under way at a time, 2 to 10,000, default 64; one question to a HIS may take two.
    pub max_in_flight: usize,
    /// Time to connect, 100 ms to 30 s, default 2 s.
    pub connect_timeout: Duration,
}

impl His {
    pub(super) fn read(section: &mut Section<'_, '_>) -> Read<Self> {
        let id = section.required("id", &label(32));
        let dialect = section.required("dialect", &choice(Dialect::WORDS));
        let base_url = section.required("base_url", &base_url());
        let roots = section.file("roots", Role::Roots);
        let identity = Identity::read_optional(section);
        let api_key = section.optional_file("api_key", Role::ApiKey);
        let max_in_flight = section.or_default("max_in_flight", &number(2..=10_000, ""), 64);
        let connect_timeout = section.or_default("connect_timeout_ms", &millis(100..=30_000), Duration::from_secs(2));
        // Keys of another dialect are not asked for, so that they are reported as unknown.
        let (manner, backend) = match &dialect {
            Ok(Dialect::Fhir) => (Some(Manner::read(section)), None),
            Ok(Dialect::SmartBackend) => (Some(Manner::read(section)), Some(Backend::read(section))),
            Ok(Dialect::Rest) => (None, None),
            Err(_) => (Some(Manner::read(section)), None),
        };
        let (manner, backend) = (manner.transpose(), backend.transpose());
        Ok(Self {
            id: id?,
            dialect: dialect?,
            manner: manner?,
            backend: backend?,
            base_url: base_url?,
            roots: roots?,
            identity: identity?,
            api_key: api_key?,
            max_in_flight: max_in_flight?,
            connect_timeout: connect_timeout?,
        })
    }
}

/// Whether patients of a practice can see their record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PracticeState {
    /// They can.
    Open,
    /// They cannot; the practice is known but gives nothing.
    Closed,
}

impl PracticeState {
    const WORDS: &'static [(&'static str, Self)] = &[("open", Self::Open), ("closed", Self::Closed)];
}

/// `[[practices]]`: one care provider.
#[derive(Debug, Clone)]
pub struct Practice {
    /// Its name in the MedMij network; unique.
    pub provider: ProviderName,
    /// Its name for people, 1 to 100 characters.
    pub name: String,
    /// Where it is, for people, 1 to 100 characters.
    pub place: String,
    /// Other names and numbers by which people look for it, an AGB code among them: at most 20, 1 to 100 characters each.
    pub aliases: Vec<String>,
    /// The [`His::id`] of the installation that holds its records.
    pub his: String,
    /// The day from which on patients may see what was written.
    pub access_start_date: Date,
    /// Whether patients can see their record.
    pub state: PracticeState,
    /// Age in years from which on a patient has access, 16 to 120, default 16.
    pub minimum_age: u8,
    /// How far back results of determinations go, 1 to 1,200 months, default 14 (the period of the MedMij request).
    pub results_months: u16,
    /// Which closed episodes patients see, default those under an attention flag.
    pub closed_episodes: ClosedEpisodes,
}

const CLOSED_EPISODES: &[(&str, ClosedEpisodes)] =
    &[("flagged", ClosedEpisodes::Flagged), ("all", ClosedEpisodes::All), ("none", ClosedEpisodes::None)];

impl Practice {
    pub(super) fn read(section: &mut Section<'_, '_>) -> Read<Self> {
        let provider = section.required("provider", &kind::provider());
        let name = section.required("name", &words(100));
        let place = section.required("place", &words(100));
        let aliases = section.or_default("aliases", &many_words(20, 100), Vec::new());
        let his = section.required("his", &label(32));
        let access_start_date = section.required("access_start_date", &kind::date());
        let state = section.required("state", &choice(PracticeState::WORDS));
        let minimum_age = section.or_default("minimum_age", &number(16..=120, " of years"), 16);
        let results_months = section.or_default("results_months", &number(1..=1200, " of months"), 14);
        let closed_episodes = section.or_default("closed_episodes", &choice(CLOSED_EPISODES), ClosedEpisodes::Flagged);
        Ok(Self {
            provider: provider?,
            name: name?,
            place: place?,
            aliases: aliases?,
            his: his?,
            access_start_date: access_start_date?,
            state: state?,
            minimum_age: minimum_age?,
            results_months: results_months?,
            closed_episodes: closed_episodes?,
        })
    }
}

/// `[resolve]`: fixed addresses of host names.
pub(super) fn read_resolve(root: &mut Section<'_, '_>) -> Read<BTreeMap<Hostname, IpAddr>> {
    root.names("resolve", &kind::host(), |section, _, path, value| section.parse(path, value, &kind::ip()))
}
