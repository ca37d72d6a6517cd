//! One trial: some subjects under the same load, in turns of a second, each measured by what it costs a request.

use std::collections::BTreeMap;

use crate::cpu::{self, Cpu};
use crate::figures::Spread;
use crate::scene::Scene;
use crate::subject::{Subject, address};
use crate::wire::{Asked, Open, Order, Pace, Peer, Protocol, Ran, Run};

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Encounters, 2 KiB.
    Small,
    /// Reports of contacts, 8 KiB.
    Middle,
    /// Results and journal lines, 470 kB.
    Large,
    /// A document of 1 MiB.
    Letter,
    /// A document of 20 MB.
    Scan,
}

/// A load.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) wanted: Wanted,
    pub(crate) protocol: Protocol,
    pub(crate) connections: usize,
    pub(crate) active: usize,
    pub(crate) streams: usize,
    pub(crate) pace: Pace,
}

/// What a subject did in one round.
#[derive(Debug, Clone)]
pub(crate) struct Cell {
    /// Microseconds of processor a request.
    pub(crate) cost: f64,
    /// The same, by the name of the thread.
    pub(crate) threads: BTreeMap<String, f64>,
    pub(crate) ran: Ran,
    /// Whether it came to rest afterwards; else what it left undone is not counted.
    pub(crate) rested: bool,
}

/// The rounds of one subject; `None` where a round failed.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) cells: Vec<Option<Cell>>,
}

/// How often and how long.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Effort {
    pub(crate) rounds: usize,
    pub(crate) seconds: f64,
}

impl Wanted {
    /// The path below the base of a HIS, and below that of the gateway.
    fn below(self, patient: &str) -> (String, &'static str) {
        let (kind, query) = match self {
            Self::Small => ("Encounter", ""),
            Self::Middle => ("Composition", "type=http%3A%2F%2Floinc.org%7C67781-5"),
            Self::Large => (
                "Observation",
                "code=https%3A%2F%2Freferentiemodel.nhg.org%2Ftabellen%2Fnhg-tabel-45-diagnostische-bepalingen%7C",
            ),
            Self::Letter => return ("Binary/pdf-1m".to_owned(), ""),
            Self::Scan => return ("Binary/pdf-20m".to_owned(), ""),
        };
        let and = if query.is_empty() { "" } else { "&" };
        (format!("{kind}?patient={patient}{and}{query}"), query)
    }

    const fn is_document(self) -> bool {
        matches!(self, Self::Letter | Self::Scan)
    }

    const fn bytes(self) -> u64 {
        (match self {
            Self::Small => crate::bodies::SMALL,
            Self::Middle => crate::bodies::MIDDLE,
            Self::Large => crate::bodies::LARGE,
            Self::Letter => crate::bodies::PDF_SMALL,
            Self::Scan => crate::bodies::PDF_LARGE,
        }) as u64
    }
}

impl Shape {
    /// As many connections as ask.
    pub(crate) const fn closed(wanted: Wanted, protocol: Protocol, connections: usize, streams: usize) -> Self {
        Self { wanted, protocol, connections, active: connections, streams, pace: Pace::Closed }
    }
}

/// What a subject is asked, and how it is reached.
pub(crate) struct Way {
    pub(crate) peer: Peer,
    pub(crate) asked: Asked,
}

impl Way {
    /// To the gateway with tokens and by its own paths; to a peer by the paths of the HIS.
    pub(crate) fn to(scene: &Scene, subject: &Subject, shape: Shape, tokens: &[String]) -> Self {
        let (upstream, query) = shape.wanted.below(&scene.patient);
        let is_gateway = subject.name == "inzage";
        let path = if is_gateway {
            let (service, role) =
                if shape.wanted.is_document() { ("51", "MM-3.0-PDB-FHIR") } else { ("49", "MM-2.0-HGB-FHIR") };
            let kind = upstream.split('?').next().unwrap_or_default();
            let mark = if query.is_empty() { "" } else { "?" };
            format!("{}/{kind}{mark}{query}", scene.base(service, role))
        } else {
            format!("/fhir/{upstream}")
        };
        let bytes =
            if is_gateway { (100, 2 * shape.wanted.bytes()) } else { (shape.wanted.bytes(), shape.wanted.bytes()) };
        let accept = if shape.wanted.is_document() { "application/pdf" } else { "application/fhir+json" };
        Self {
            peer: Peer {
                address: address(subject.port),
                authority: scene.authority(),
                protocol: shape.protocol,
                folder: scene.folder.path().to_owned(),
                client: "pgo".to_owned(),
            },
            asked: Asked { paths: vec![path], tokens: tokens.to_vec(), accept: accept.to_owned(), bytes },
        }
    }
}

/// Runs it: one round to warm up, and then those that count.
pub(crate) fn run(
    scene: &mut Scene,
    names: &[&'static str],
    shape: Shape,
    effort: Effort,
    tokens: &[String],
) -> Vec<Row> {
    let mut ways: Vec<(&'static str, Way)> =
        names.iter().map(|name| (*name, Way::to(scene, scene.subject(name), shape, tokens))).collect();
    for (name, way) in &mut ways {
        let open = Open { name: (*name).to_owned(), peer: way.peer.clone(), connections: shape.connections };
        scene.load.order(&Order::Open(open)).unwrap_or_else(|why| panic!("{name}: {why}"));
        // One answer says how long all are.
        let first = ask(scene, name, way, Shape { active: 1, streams: 1, pace: Pace::Once, ..shape }, 0.0);
        let length = first.map(|ran| ran.bytes / ran.requests).unwrap_or_else(|why| panic!("{name}: {why}"));
        way.asked.bytes = (length, length);
    }
    let mut rows: Vec<Row> = names.iter().map(|name| Row { name, cells: Vec::new() }).collect();
    for round in 0..=effort.rounds {
        let mut turns: Vec<usize> = (0..ways.len()).collect();
        if round % 2 == 1 {
            turns.reverse();
        }
        for turn in turns {
            let (name, way) = &ways[turn];
            let cell = measure(scene, name, way, shape, effort.seconds);
            if round > 0 {
                rows[turn].cells.push(cell.inspect_err(|why| println!("round {round}: {name} failed: {why}")).ok());
            }
        }
    }
    for name in names {
        scene.load.order(&Order::Close((*name).to_owned())).unwrap();
    }
    rows
}

fn measure(scene: &mut Scene, name: &str, way: &Way, shape: Shape, seconds: f64) -> Result<Cell, String> {
    let pid = scene.subject(name).pid();
    let before = Cpu::of(pid);
    let ran = ask(scene, name, way, shape, seconds)?;
    let rested = cpu::rest(pid);
    let per_request = |spent: u64| spent as f64 / 1e3 / ran.requests as f64;
    let spent = Cpu::of(pid).since(&before);
    let cost = per_request(spent.values().sum());
    let threads = spent.into_iter().map(|(name, spent)| (name, per_request(spent))).collect();
    Ok(Cell { cost, threads, ran, rested })
}

/// Idle connections after one answer each, in a process that was just started: kB before, and with so many.
pub(crate) fn idle(scene: &mut Scene, name: &'static str, connections: usize, tokens: &[String]) -> (u64, u64) {
    scene.restart(name);
    let shape = Shape { pace: Pace::Once, ..Shape::closed(Wanted::Middle, Protocol::Http1, connections, 1) };
    let (pid, way) = (scene.subject(name).pid(), Way::to(scene, scene.subject(name), shape, tokens));
    let mut with = |connections: usize| {
        let open = Open { name: name.to_owned(), peer: way.peer.clone(), connections };
        scene.load.order(&Order::Open(open)).unwrap_or_else(|why| panic!("{name}: {why}"));
        let shape = Shape { active: connections, ..shape };
        ask(scene, name, &way, shape, 0.0).unwrap_or_else(|why| panic!("{name}: {why}"));
        cpu::rest(pid);
        cpu::memory(pid)
    };
    // What the first of them needs once is not memory of a connection.
    let before = with(1);
    let with = with(connections);
    scene.load.order(&Order::Close(name.to_owned())).unwrap();
    (before, with)
}

fn ask(scene: &mut Scene, name: &str, way: &Way, shape: Shape, seconds: f64) -> Result<Ran, String> {
    let Shape { active, streams, pace, .. } = shape;
    let run = Run { name: name.to_owned(), asked: way.asked.clone(), active, streams, seconds, pace };
    let ran = scene.load.order(&Order::Run(run))?;
    match (ran.errors, ran.requests) {
        (0, 1..) => Ok(ran),
        (errors, _) => Err(format!("{errors} errors; {}", ran.first_error.unwrap_or_default())),
    }
}

impl Row {
    pub(crate) fn all(&self, figure: impl Fn(&Cell) -> f64) -> Option<Spread> {
        Spread::of(self.cells.iter().flatten().map(figure))
    }

    /// To another subject of the same round.
    pub(crate) fn ratio(&self, other: &Self, figure: impl Fn(&Cell) -> f64) -> Option<Spread> {
        let pairs = self.cells.iter().zip(&other.cells);
        Spread::of(pairs.filter_map(|(own, other)| Some(figure(own.as_ref()?) / figure(other.as_ref()?))))
    }
}
