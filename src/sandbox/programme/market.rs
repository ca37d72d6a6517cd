//! Who sells and who builds in the simulated country: suppliers with the versions of their systems that are in use, and the
//! clients. All of it is invented.

use crate::medmij::{Hostname, ServiceId};
use crate::practices::programme::{Id, Text};

/// Services that people collect from a practice whose system offers all.
const ALL: &[&str] = &["47", "48", "49", "51", "52", "63"];
/// Those of a system that came less far.
const SOME: &[&str] = &["47", "49", "51"];
/// That of the oldest.
const RECORD: &[&str] = &["49"];

/// A version of a system that practices run, each on an installation of its own.
#[derive(Debug, Clone)]
pub(super) struct Installation {
    /// The id of its supplier.
    pub(super) supplier: Id,
    /// Its id.
    pub(super) id: Id,
    /// As the supplier writes it.
    pub(super) version: Text,
    /// What it offers, in the order of the ZAL.
    pub(super) services: Vec<ServiceId>,
    /// Median time that it takes to answer, in milliseconds.
    pub(super) answers_ms: u64,
    /// How many practices run it, beside the others.
    pub(super) share: u32,
    /// Which portal its practices have: a place in [`Market::clients`].
    pub(super) portal: usize,
}

/// How a client comes by its tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ClientKind {
    /// A PGO.
    Pgo,
    /// The portal of a supplier.
    Portal,
}

/// A client.
#[derive(Debug, Clone)]
pub(super) struct Client {
    /// Its client_id.
    pub(super) id: Hostname,
    /// Its name for people.
    pub(super) name: &'static str,
    /// What it is.
    pub(super) kind: ClientKind,
    /// How many people use it, beside the others of its kind.
    pub(super) share: u32,
    /// What it collects of what it is given.
    pub(super) collects: Vec<ServiceId>,
}

/// The market.
#[derive(Debug, Clone)]
pub(super) struct Market {
    /// The suppliers: id and name.
    pub(super) suppliers: Vec<(Id, Text)>,
    /// The versions in use.
    pub(super) installations: Vec<Installation>,
    /// Eight PGOs, then a portal for each supplier.
    pub(super) clients: Vec<Client>,
}

/// Id and name of a supplier, and its versions: number, what it offers, median answer in milliseconds, share.
type Supplies = (&'static str, &'static str, &'static [(&'static str, &'static [&'static str], u64, u32)]);

const SUPPLIERS: [Supplies; 5] = [
    ("aster", "Aster Zorgsystemen", &[("8.2", RECORD, 620, 4), ("9.0", SOME, 480, 10), ("9.1", ALL, 350, 16)]),
    ("berk", "Berk Medisch", &[("2025.3", SOME, 540, 7), ("2026.1", ALL, 410, 11), ("2026.2", ALL, 390, 6)]),
    ("ceder", "Ceder Praktijk", &[("4.7", RECORD, 900, 3), ("5.0", ALL, 700, 12)]),
    ("dennen", "Dennen HIS", &[("11.4", SOME, 300, 9), ("12.0", ALL, 260, 9)]),
    ("esdoorn", "Esdoorn Software", &[("3.1", SOME, 800, 6), ("3.2", ALL, 760, 7)]),
];

/// Name of the client, its name for people, share, and what it collects.
const PGOS: [(&str, &str, u32, &[&str]); 8] = [
    ("pgo.localhost", "Mijn Zorgmap", 26, ALL),
    ("pgo2.localhost", "Gezond Overzicht", 19, &["47", "49", "51"]),
    ("app.zorgwijzer.localhost", "Zorgwijzer", 15, &["49", "51", "63"]),
    ("app.dossierbij.localhost", "Dossierbij", 12, &["49", "51", "52"]),
    ("app.vitaaldagboek.localhost", "Vitaal Dagboek", 10, &["49", "52", "63"]),
    ("app.pilwijs.localhost", "Pilwijs", 8, &["49"]),
    ("app.samenzorg.localhost", "Samenzorg", 6, &["47", "49", "51"]),
    ("app.mijnkind.localhost", "Mijn Kind en Ik", 4, &["49", "63"]),
];

/// What portals collect.
const PORTAL: &[&str] = &["47", "49", "51"];

impl Market {
    /// The market. It is the same for every seed; who takes what from whom is not.
    pub(super) fn new() -> Self {
        let suppliers = SUPPLIERS.iter().map(|(supplier, name, _)| (id(supplier), text(name))).collect();
        let installations = SUPPLIERS.iter().enumerate().flat_map(|(number, (supplier, _, versions))| {
            let portal = PGOS.len().saturating_add(number);
            versions.iter().map(move |(version, services, answers_ms, share)| Installation {
                supplier: id(supplier),
                id: id(&format!("{supplier}-{}", version.replace('.', "-"))),
                version: text(version),
                services: ids(services),
                answers_ms: *answers_ms,
                share: *share,
                portal,
            })
        });
        let pgos = PGOS.iter().map(|(host, name, share, collects)| Client {
            id: hostname(host),
            name,
            kind: ClientKind::Pgo,
            share: *share,
            collects: ids(collects),
        });
        let portals = SUPPLIERS.iter().map(|(supplier, name, _)| Client {
            id: hostname(&format!("portaal.{supplier}.localhost")),
            name,
            kind: ClientKind::Portal,
            share: 1,
            collects: ids(PORTAL),
        });
        Self { suppliers, installations: installations.collect(), clients: pgos.chain(portals).collect() }
    }

    /// The PGOs.
    pub(super) fn pgos(&self) -> impl Iterator<Item = &Client> {
        self.clients.iter().filter(|client| client.kind == ClientKind::Pgo)
    }
}

/// An id of ours.
pub(super) fn id(text: &str) -> Id {
    Id::parse(text).expect("the names of the simulation are ids")
}

/// A text of ours.
pub(super) fn text(words: &str) -> Text {
    Text::parse(words).expect("the words of the simulation are texts")
}

fn hostname(text: &str) -> Hostname {
    Hostname::parse(text).expect("the clients of the simulation have host names")
}

fn ids(services: &[&str]) -> Vec<ServiceId> {
    let service = |id: &&str| ServiceId::parse(id).expect("the services of the simulation are numbers");
    services.iter().map(service).collect()
}
