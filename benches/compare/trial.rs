//! One trial: some subjects under the same load, in turns of a second, each measured by what it costs a request.

use std::collections::BTreeMap;

use crate::cpu::{self, Cpu};
use crate::figures::Spread;
use crate::scene::{HIS_HOST, Scene};
use crate::subject::address;
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

    /// About how long the answer of the HIS is.
    pub(crate) const fn bytes(self) -> u64 {
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
    /// To the gateway by its own paths, and likewise to the peer that does similar work; to others by the paths of the HIS.
    fn to(scene: &mut Scene, name: &'static str, shape: Shape) -> Self {
        let tokens = scene.tokens(name);
        let (upstream, query) = shape.wanted.below(&scene.patient);
        let shapes = matches!(name, "inzage" | "awaited" | "unawaited" | "shaped");
        let path = if shapes || matches!(name, "decided" | "haproxy-jwt") {
            let (service, role) =
                if shape.wanted.is_document() { ("51", "MM-3.0-PDB-FHIR") } else { ("49", "MM-2.0-HGB-FHIR") };
            let kind = upstream.split('?').next().unwrap_or_default();
            let mark = if query.is_empty() { "" } else { "?" };
            format!("{}/{kind}{mark}{query}", scene.base(service, role))
        } else {
            format!("/fhir/{upstream}")
        };
        let bytes = if shapes { (100, 2 * shape.wanted.bytes()) } else { (shape.wanted.bytes(), shape.wanted.bytes()) };
        let (port, authority) = match name {
            "direct" => (scene.stub.port, format!("{HIS_HOST}:{}", scene.stub.port)),
            _ => (scene.subject(name).port, scene.authority()),
        };
        let accept = if shape.wanted.is_document() { "application/pdf" } else { "application/fhir+json" };
        Self {
            peer: Peer {
                address: address(port),
                authority,
                protocol: shape.protocol,
                folder: scene.folder.path().to_owned(),
                client: "pgo".to_owned(),
            },
            asked: Asked { paths: vec![path], tokens, accept: accept.to_owned(), bytes },
        }
    }
}

/// Connections to a subject that are kept open.
pub(crate) struct Line {
    name: &'static str,
    set: String,
    shape: Shape,
    way: Way,
}

impl Line {
    /// Opens them, and asks once: one answer says how long all are.
    pub(crate) fn open(scene: &mut Scene, name: &'static str, shape: Shape) -> Self {
        let way = Way::to(scene, name, shape);
        let set = format!("{name} {}", shape.connections);
        let open = Open { name: set.clone(), peer: way.peer.clone(), connections: shape.connections };
        scene.load.order(&Order::Open(open)).unwrap_or_else(|why| panic!("{name}: {why}"));
        let mut line = Self { name, set, shape: Shape { active: 1, streams: 1, pace: Pace::Once, ..shape }, way };
        let ran = line.run(scene, 0.0).unwrap_or_else(|why| panic!("{name}: {why}"));
        let length = ran.bytes / ran.requests;
        (line.shape, line.way.asked.bytes) = (shape, (length, length));
        line
    }

    /// A run over them; any error fails it.
    pub(crate) fn run(&self, scene: &mut Scene, seconds: f64) -> Result<Ran, String> {
        let Shape { active, streams, pace, .. } = self.shape;
        let run = Run { name: self.set.clone(), asked: self.way.asked.clone(), active, streams, seconds, pace };
        let ran = scene.load.order(&Order::Run(run))?;
        match (ran.errors, ran.requests) {
            (0, 1..) => Ok(ran),
            (errors, _) => Err(format!("{errors} errors; {}", ran.first_error.unwrap_or_default())),
        }
    }

    /// A run, and what it cost until the process was at rest.
    pub(crate) fn measure(&self, scene: &mut Scene, seconds: f64) -> Result<Cell, String> {
        let pid = scene.subject(self.name).pid();
        let before = Cpu::of(pid);
        let ran = self.run(scene, seconds)?;
        let rested = cpu::rest(pid);
        let per_request = |spent: u64| spent as f64 / 1e3 / ran.requests as f64;
        let spent = Cpu::of(pid).since(&before);
        let cost = per_request(spent.values().sum());
        let threads = spent.into_iter().map(|(name, spent)| (name, per_request(spent))).collect();
        Ok(Cell { cost, threads, ran, rested })
    }

    /// Closes them.
    pub(crate) fn close(self, scene: &mut Scene) {
        scene.load.order(&Order::Close(self.set)).unwrap();
    }
}

/// Runs it: one round to warm up, and then those that count.
pub(crate) fn run(scene: &mut Scene, names: &[&'static str], shape: Shape, effort: Effort) -> Vec<Row> {
    let lines: Vec<Line> = names.iter().map(|name| Line::open(scene, name, shape)).collect();
    let mut rows: Vec<Row> = names.iter().map(|name| Row { name, cells: Vec::new() }).collect();
    for round in 0..=effort.rounds {
        let mut turns: Vec<usize> = (0..lines.len()).collect();
        if round % 2 == 1 {
            turns.reverse();
        }
        for turn in turns {
            let (name, cell) = (lines[turn].name, lines[turn].measure(scene, effort.seconds));
            if round > 0 {
                rows[turn].cells.push(cell.inspect_err(|why| println!("round {round}: {name} failed: {why}")).ok());
            }
        }
    }
    lines.into_iter().for_each(|line| line.close(scene));
    rows
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
