//! Lives of a log, drawn from a seed: appends, errors of the disk, kills and losses of power, over a disk that forgets what
//! was not flushed. Whatever happens, what was acknowledged is found again, in its place. One seed is one run, always.

mod disk;

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use super::*;
use crate::audit::file::queue::State;
use disk::{Fate, SimulatedDisk};

const SCHEDULES: u64 = 3_000;
const LIVES: u64 = 4;
const TURNS: u64 = 10;

/// Numbers that follow from a seed (splitmix64).
#[derive(Debug, Clone)]
struct Draw(u64);

impl Draw {
    const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    const fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    const fn one_in(&mut self, bound: u64) -> bool {
        self.below(bound) == 0
    }
}

/// What happened in all schedules, to see that they reach what they are for.
#[derive(Debug, Default)]
struct Seen {
    acknowledged: u64,
    kills: u64,
    power_losses: u64,
    full: u64,
    resumed: u64,
    stopped: u64,
    cut: u64,
}

/// One log over all its lives, and what the world was told of it.
struct Simulation {
    draw: Draw,
    disk: SimulatedDisk,
    clock: Arc<TestClock>,
    segment_bytes: u64,
    /// What stands at each index, once somebody was told.
    told: Vec<u64>,
    /// The number that the next event carries.
    number: u64,
}

impl Simulation {
    fn new(seed: u64) -> Self {
        let mut draw = Draw(seed);
        let segment_bytes = [1, 700, 2_000, 1 << 20][draw.below(4) as usize];
        Self { disk: SimulatedDisk::new(draw.next()), draw, clock: clock(), segment_bytes, told: Vec::new(), number: 0 }
    }

    fn run(&mut self, seen: &mut Seen) {
        for _ in 0..LIVES {
            let fate = self.fate();
            self.disk.begin_life(fate);
            if let Some((mut writer, shared)) = self.open(seen) {
                self.live(&mut writer, &shared, seen);
            }
            if self.draw.one_in(2) {
                seen.power_losses += 1;
                self.disk.lose_power();
            }
        }
        self.disk.begin_life(Fate::default());
        let (mut writer, shared) = self.open(seen).expect("a sound disk opens");
        self.append(&mut writer, &shared, 3, false).expect("a sound disk takes events");
        assert_eq!(shared.state(), State::Open);
        assert_eq!(self.found().0, self.told);
    }

    /// What this life will meet.
    fn fate(&mut self) -> Fate {
        let draw = &mut self.draw;
        Fate {
            full_one_in: [0, 4, 12][draw.below(3) as usize],
            deadly_one_in: [0, 0, 15, 40][draw.below(4) as usize],
            killed_in: draw.one_in(2).then(|| draw.below(40)),
        }
    }

    /// Opens what is on the disk as a new process does.
    fn open(&mut self, seen: &mut Seen) -> Option<(Writer<SimulatedDisk>, Arc<Shared>)> {
        let (found, end) = self.found();
        let known = self.told.len();
        assert!(found.len() >= known && found[..known] == self.told[..], "{found:?} for {:?}", self.told);
        seen.cut += u64::from(end.unfinished_bytes > 0);
        let tail = Tail::of(&end);
        let shared = Arc::new(Shared::new(self.clock.clone(), &end.log, tail.at.index, 8_192));
        let mut disk = self.disk.clone();
        disk.select(&folder::segment(tail.first));
        let mut writer = Writer::new(disk, end.log, tail, self.segment_bytes, Arc::clone(&shared));
        writer.begin().ok()?;
        // From here on readers may rely on what was found, acknowledged or not.
        self.told = found;
        Some((writer, shared))
    }

    /// The numbers of the events on the disk as a new process sees it, and where they end.
    fn found(&self) -> (Vec<u64>, End) {
        let scratch = Scratch::quick();
        self.disk.dump(scratch.path());
        let end = find_end(scratch.path(), &node()).expect("no accident damages a log");
        let Ok(records) = read_dir(scratch.path()) else { return (Vec::new(), end) };
        let records: Vec<u64> = records.map(|record| number_of(&record.unwrap().1)).collect();
        assert_eq!(records.len() as u64, end.at.index);
        let distinct: BTreeSet<_> = records.iter().collect();
        assert!(distinct.len() == records.len() && records.iter().all(|number| *number < self.number), "{records:?}");
        (records, end)
    }

    fn live(&mut self, writer: &mut Writer<SimulatedDisk>, shared: &Arc<Shared>, seen: &mut Seen) {
        let mut stopped = false;
        for _ in 0..self.draw.below(TURNS) + 1 {
            let (before, probe, count) = (shared.state(), self.draw.one_in(2), self.draw.below(4) + 1);
            let flushes_failed = self.disk.flushes_failed();
            let answer = self.append(writer, shared, count, probe);
            let state = shared.state();
            assert_eq!(answer.map(drop), state.open(), "health tells what appends are told");
            assert!(answer.is_err() || !stopped, "acknowledged after the log stopped");
            assert!(answer.is_err() || before == State::Open || probe, "acknowledged by a full log without a probe");
            assert!(self.disk.flushes_failed() == flushes_failed || state == State::Stopped, "a failed flush stops");
            stopped |= state == State::Stopped;
            seen.acknowledged += answer.unwrap_or_default();
            seen.full += u64::from(state == State::Full);
            seen.resumed += u64::from(before == State::Full && state == State::Open);
        }
        seen.stopped += u64::from(stopped);
        seen.kills += u64::from(self.disk.is_killed());
    }

    /// One batch; how many were acknowledged.
    fn append(
        &mut self,
        writer: &mut Writer<SimulatedDisk>,
        shared: &Arc<Shared>,
        count: u64,
        probe: bool,
    ) -> Result<u64, AuditError> {
        if probe {
            self.clock.advance(Duration::from_secs(1));
            shared.ask_again();
        }
        let numbers = self.number..self.number + count;
        self.number += count;
        let event = |number| AuditEvent { intent: Some(number), ..bare(Timestamp::UNIX_EPOCH) };
        let events: Vec<_> = numbers.clone().map(event).collect();
        let answers: Result<Vec<_>, _> = append_by_hand(shared, writer, &events).into_iter().collect();
        for (index, number) in answers?.into_iter().zip(numbers) {
            assert_eq!(index, self.told.len() as u64, "indexes are consecutive");
            self.told.push(number);
        }
        Ok(count)
    }
}

fn number_of(payload: &[u8]) -> u64 {
    let record: HashMap<String, Value> = serde_json::from_slice(payload).unwrap();
    record["intent"].as_u64().unwrap()
}

/// F01, F04, F05 and more, in all orders: no schedule loses, invents, repeats or reorders what was acknowledged.
#[test]
fn no_schedule_of_accidents_breaks_a_promise() {
    let mut seen = Seen::default();
    for seed in 0..SCHEDULES {
        let mut simulation = Simulation::new(seed);
        let run = catch_unwind(AssertUnwindSafe(|| simulation.run(&mut seen)));
        if let Err(panic) = run {
            println!("the seed is {seed}\n{}", simulation.disk.journal());
            resume_unwind(panic);
        }
    }
    println!("{SCHEDULES} schedules: {seen:?}");
    let Seen { acknowledged, kills, power_losses, full, resumed, stopped, cut } = seen;
    assert!(
        [acknowledged, kills, power_losses, full, resumed, stopped, cut].iter().all(|count| *count > SCHEDULES / 20)
    );
}
