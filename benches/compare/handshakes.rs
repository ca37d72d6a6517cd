//! New connections: mutual TLS 1.3 in full and resumed, one small answer of the server itself, and the end.

use crate::bars::Measured;
use crate::cpu::{self, Cpu};
use crate::figures::Spread;
use crate::scene::Scene;
use crate::subject::address;
use crate::trial::Effort;
use crate::wire::{Asked, Connect, Order, Peer, Protocol};

/// At once.
const CLIENTS: usize = 8;
/// Those who want to resume and must do so, of 100.
const RESUMED_MIN: f64 = 99.0;

/// Microseconds of processor a connection, full and resumed; `None` where a round failed.
type Round = [Option<f64>; 2];

/// Prints the table; notes I (full) and `I resumed`.
pub(crate) fn measure(scene: &mut Scene, effort: Effort, measured: &mut Measured) {
    let connections = if effort.seconds < 1.0 { 400 } else { 1600 };
    let names = ["nginx", "haproxy", "inzage"];
    let mut rounds: Vec<Vec<Round>> = vec![Vec::new(); names.len()];
    for round in 0..=effort.rounds {
        let mut turns: Vec<usize> = (0..names.len()).collect();
        if round % 2 == 1 {
            turns.reverse();
        }
        for turn in turns {
            let both = [false, true].map(|resume| {
                let cost = connect(scene, names[turn], connections, resume);
                cost.inspect_err(|why| println!("round {round}: {} failed: {why}", names[turn])).ok()
            });
            if round > 0 {
                rounds[turn].push(both);
            }
        }
    }
    println!("\n### I: new connections, mutual TLS 1.3, {connections} a round\n");
    println!("| subject | full: CPU µs | to nginx | resumed: CPU µs | to nginx |");
    println!("| --- | --- | --- | --- | --- |");
    for (name, own) in names.iter().zip(&rounds) {
        let cells: Vec<String> = (0..2)
            .flat_map(|kind| {
                let cost = Spread::of(own.iter().filter_map(|round| round[kind]));
                let ratio = ratio(own, &rounds[0], kind);
                [cost.map(|cost| cost.text(0)), ratio.map(|ratio| ratio.text(2))]
            })
            .map(|text| text.unwrap_or_else(|| "–".to_owned()))
            .collect();
        println!("| {name} | {} |", cells.join(" | "));
    }
    measured.note("I", ratio(&rounds[2], &rounds[0], 0));
    measured.note("I resumed", ratio(&rounds[2], &rounds[0], 1));
}

fn ratio(own: &[Round], other: &[Round], kind: usize) -> Option<Spread> {
    Spread::of(own.iter().zip(other).filter_map(|(own, other)| Some(own[kind]? / other[kind]?)))
}

/// What a connection costs the server.
fn connect(scene: &mut Scene, name: &'static str, connections: usize, resume: bool) -> Result<f64, String> {
    let subject = scene.subject(name);
    let (pid, path) = (subject.pid(), if name == "inzage" { "/.well-known/jwks.json" } else { "/ping" });
    let peer = Peer {
        address: address(subject.port),
        authority: scene.authority(),
        protocol: Protocol::Http1,
        folder: scene.folder.path().to_owned(),
        client: "pgo".to_owned(),
    };
    let paths = vec![path.to_owned()];
    let asked = Asked { paths, tokens: Vec::new(), accept: "*/*".to_owned(), bytes: (1, 4096) };
    let before = Cpu::of(pid);
    let ran = scene.load.order(&Order::Connect(Connect { peer, asked, clients: CLIENTS, connections, resume }))?;
    cpu::rest(pid);
    let spent: u64 = Cpu::of(pid).since(&before).values().sum();
    if ran.errors > 0 {
        return Err(ran.first_error.unwrap_or_default());
    }
    let share = 100.0 * ran.resumed as f64 / ran.requests as f64;
    match resume {
        true if share < RESUMED_MIN => Err(format!("only {share:.1} % were resumed")),
        false if ran.resumed > 0 => Err("sessions were resumed that should not".to_owned()),
        _ => Ok(spent as f64 / 1e3 / ran.requests as f64),
    }
}
