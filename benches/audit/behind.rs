//! What happens behind a request, by thread: its two audit records through the log with all that follows it (the signer, the
//! index, the keeper), its two lines of the chain log, and its line of the technical log. Processor time of each thread, from
//! its schedstat, until everything has caught up. The load is about what one core can make.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use inzage::audit::keeper::Keeper;
use inzage::audit::signer::{Pace, SignedTree, Signer, keys_of};
use inzage::audit::{
    AuditEvent, AuditLog as _, Counts, FileLog, FileLogConfig, IndexProgress, Indexer, Kind, NodeName, Outcome,
    Pseudonym, SealedBsn, Subject,
};
use inzage::chainlog::spool::{self, SpoolConfig};
use inzage::chainlog::{self, Answer, ChainLog as _, Entry, Event, Inquiry, Names, QueuedLog};
use inzage::clock::{Clock as _, SystemClock};
use inzage::medmij::{Hostname, LocalId, ProviderName};
use inzage::secret::{Secret, sha256};
use inzage::store::{IndexStore as _, SqliteIndex};
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use crate::figures::now;
use crate::record::intent;

const REQUESTS: u64 = 150_000;
/// Requests under way at once.
const AHEAD: u64 = 64;
/// What the HIS takes, at least. With it there are some 20,000 requests a second, which is what a core can answer.
const HIS: Duration = Duration::from_millis(2);
const SEGMENT_BYTES: u64 = 64 * 1024 * 1024;
const PROVIDERS: u64 = 5_000;
const CLIENTS: u64 = 12;
const LINES: u64 = 204_800;
/// Lines at a time; fewer than the queue of the chain log holds.
const WAVE: u64 = 4_096;
/// Set for the process that writes log lines to its standard output.
const LINES_WANTED: &str = "INZAGE_BENCH_LINES";

/// Nanoseconds of processor time by the name of the thread.
type Times = BTreeMap<String, u64>;

/// Whether this process was started to write log lines, which it then did.
pub(crate) fn wrote_lines() -> bool {
    let wanted = std::env::var_os(LINES_WANTED).is_some();
    if wanted {
        write_lines();
    }
    wanted
}

/// Prints the three parts.
pub(crate) fn measure(dir: &Path) {
    records(dir);
    chain_lines(dir);
    log_lines(dir);
}

fn records(dir: &Path) {
    let folder = dir.join("behind");
    let config = FileLogConfig {
        segment_bytes: SEGMENT_BYTES,
        ..FileLogConfig::new(folder.clone(), NodeName::parse("bench").unwrap())
    };
    let found = FileLog::find(config).unwrap();
    let seed = Secret::new([7; 32]);
    let (key, keys) = keys_of(found.id(), &seed, &[]).unwrap();
    let (sealing, _) = keys_of(found.id(), &seed, &[]).unwrap();
    let tree = SignedTree::open(&folder, &found, (key, keys), &[]).unwrap();
    let (log, _) = found.start(Arc::new(SystemClock)).unwrap();
    let log = Arc::new(log);
    let signer =
        Signer::start(tree.beside(log.recent()), log.durable(), Pace::default(), Arc::new(SystemClock)).unwrap();
    let keeper = Keeper::start(folder.clone(), sealing, signer.newest(), None).unwrap();
    let index = Arc::new(SqliteIndex::open(&dir.join("behind.sqlite")).unwrap());
    let progress = Arc::new(IndexProgress::new(log.durable()));
    let indexer = Indexer {
        dir: folder.clone(),
        log: log.id().shared(),
        durable: log.durable(),
        recent: log.recent(),
        index: Arc::clone(&index) as _,
        clock: Arc::new(SystemClock),
        alarms: Arc::default(),
        progress: Arc::clone(&progress),
    };
    let (runtime, callers) = (runtime("indexer-task"), runtime("callers"));
    let stop = CancellationToken::new();
    let before = times();
    let started = now();
    let filling = runtime.spawn(indexer.run(stop.clone()));
    callers.block_on(async {
        let tasks = (0..AHEAD).map(|task| callers.spawn(requests(Arc::clone(&log), task)));
        for task in tasks.collect::<Vec<_>>() {
            task.await.unwrap();
        }
    });
    let written = now() - started;
    runtime.block_on(progress.reached(2 * REQUESTS - 1));
    let indexed = now() - started;
    signer.settle();
    let sealed = all_sealed(&keeper, started);
    let after = times();
    stop.cancel();
    runtime.block_on(filling).unwrap();
    println!(
        "{} records written in {:.1} s, in the index after {:.1} s; {sealed} segments sealed\nprocessor time for each of them, ns:",
        2 * REQUESTS,
        written.as_secs_f64(),
        indexed.as_secs_f64()
    );
    print_each(&before, &after, 2 * REQUESTS);
    let bytes = fs::metadata(dir.join("behind.sqlite")).unwrap().len();
    println!("bytes of the index for each: {}\n", bytes / (2 * REQUESTS));
    keeper.end();
    signer.finish();
    index.close();
    log.close();
}

/// With one thread, besides those that wait for the disk; all have this name.
fn runtime(name: &str) -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).thread_name(name).enable_all().build().unwrap()
}

/// Intent and outcome of so many requests, one after the other: each about somebody else, of some practice and PGO.
async fn requests(log: Arc<FileLog>, task: u64) {
    for number in (task..REQUESTS).step_by(usize::try_from(AHEAD).unwrap()) {
        let intent = AuditEvent { time: SystemClock.now(), ..event(number) };
        let receipt = log.append(&intent).unwrap().await.unwrap();
        tokio::time::sleep(HIS).await;
        let outcome = AuditEvent {
            time: SystemClock.now(),
            kind: Kind::DisclosureOutcome,
            outcome: Outcome::Done,
            intent: Some(receipt.index()),
            status: Some(200),
            counts: Some(Counts { entries: 12, withheld: 1, bytes: 8_192 }),
            ..intent
        };
        log.append(&outcome).unwrap().await.unwrap();
    }
}

fn event(number: u64) -> AuditEvent {
    let drawn = sha256(&number.to_le_bytes());
    let draw = |from: usize, of: u64| u64::from(u32::from_le_bytes(drawn[from..from + 4].try_into().unwrap())) % of;
    AuditEvent {
        local_id: Some(LocalId::new(SystemClock.now())),
        client_id: Some(Hostname::parse(&format!("pgo{}.example.nl", draw(0, CLIENTS))).unwrap()),
        provider: Some(ProviderName::parse(&format!("huisarts.praktijk{}@medmij", draw(4, PROVIDERS))).unwrap()),
        subject: Some(Subject {
            pseudonym: Pseudonym::new("2026", drawn),
            sealed: SealedBsn::parse("2026:q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6urqw").unwrap(),
        }),
        ..intent()
    }
}

/// Waits until all segments but the newest are sealed.
fn all_sealed(keeper: &Keeper, started: Instant) -> u64 {
    loop {
        let keeping = keeper.keeping();
        if keeping.segments > 1 && keeping.sealed + 1 == keeping.segments {
            return keeping.sealed;
        }
        assert!((now() - started) < Duration::from_secs(80), "segments are not sealed: {keeping:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn chain_lines(dir: &Path) {
    let config = SpoolConfig { dir: dir.join("spool"), bytes_max: 1 << 30, lines_max: 500 };
    let counts = Arc::new(chainlog::Counts::default());
    let (filling, _batches) = spool::open(config, Arc::new(SystemClock), Arc::clone(&counts)).unwrap();
    let log = QueuedLog::start(filling, names(), Duration::from_secs(5), Arc::new(SystemClock), Arc::clone(&counts));
    let log = log.unwrap();
    let (before, mut noting) = (times(), 0);
    for wave in 0..LINES / WAVE {
        let entries: Vec<Entry> = (0..WAVE / 2).flat_map(|number| lines_of(&event(wave * WAVE + number))).collect();
        let started = processor_time();
        entries.into_iter().for_each(|entry| log.note(entry));
        noting += processor_time() - started;
        // The queue has room for the next wave.
        std::thread::sleep(Duration::from_millis(20));
    }
    let after = times();
    log.close();
    println!("{LINES} lines of the chain log, {} lost: processor time for each of them, ns:", lost(&counts));
    print_each(&before, &after, LINES);
    println!("of main: noting {:>18}\n", noting / LINES);
}

fn lost(counts: &chainlog::Counts) -> u64 {
    counts.dropped_at_queue.load(Ordering::Relaxed) + counts.dropped_at_spool.load(Ordering::Relaxed)
}

fn names() -> Names {
    let host = |name: &str| Hostname::parse(name).unwrap();
    Names {
        front_host: host("inloggen.example.nl"),
        front_origin: "https://inloggen.example.nl".to_owned(),
        back_host: host("gateway.example.nl"),
        back_origin: "https://gateway.example.nl".to_owned(),
    }
}

/// What a request for data leaves.
fn lines_of(event: &AuditEvent) -> [Entry; 2] {
    let (request, local) = (event.request_id, event.local_id.unwrap());
    let inquiry = Inquiry { request, local, client: event.client_id.clone() };
    let subject = chainlog::Subject { provider: event.provider.clone(), service: event.service.clone() };
    let answer = Answer { request, local, status: 200 };
    [Event::ReceiveResourceRequest(inquiry, subject), Event::SendResourceResponse(answer)].map(|step| Entry {
        at: SystemClock.now(),
        session: event.grant.unwrap(),
        trace: event.correlation_id,
        event: step,
    })
}

/// In a process of its own, as the technical log belongs to a process; its standard output is a file.
fn log_lines(dir: &Path) {
    let out = File::create(dir.join("out.log")).unwrap();
    let program = std::env::current_exe().unwrap();
    let wrote = Command::new(program).env(LINES_WANTED, "1").stdout(out).stderr(Stdio::inherit()).status().unwrap();
    assert!(wrote.success());
    let bytes = fs::metadata(dir.join("out.log")).unwrap().len();
    println!("(bytes of a line: {})\n", bytes / LINES);
}

fn write_lines() {
    let gathering = inzage::telemetry::start(tracing::Level::INFO);
    let before = times();
    for took_us in 0..LINES {
        tracing::info!(target: "inzage::routes", face = "back", route = "/fhir", status = 200_u16, took_us, "answered");
        if took_us % WAVE == 0 {
            std::thread::sleep(Duration::from_millis(2));
        }
    }
    std::thread::sleep(Duration::from_millis(300));
    let each: Vec<_> = of_each(&before, &times(), LINES).map(|(name, ns)| format!("{name} {ns}")).collect();
    #[expect(clippy::print_stderr, reason = "standard output is what is measured")]
    {
        eprintln!("{LINES} lines of the technical log: processor time for each of them, ns: {}", each.join(", "));
    }
    drop(gathering);
}

fn print_each(before: &Times, after: &Times, count: u64) {
    let mut sum = 0;
    for (name, ns) in of_each(before, after, count) {
        println!("  {name:<16} {ns:>8}");
        sum += ns;
    }
    println!("  {:<16} {sum:>8}", "all");
}

/// What each thread took for one of `count`, in nanoseconds.
fn of_each(before: &Times, after: &Times, count: u64) -> impl Iterator<Item = (String, u64)> {
    let spent = move |(name, ns): (&String, &u64)| (name.clone(), (ns - before.get(name).unwrap_or(&0)) / count);
    after.iter().map(spent).filter(|(_, ns)| *ns > 0)
}

/// Of the threads of this process that live now.
fn times() -> Times {
    let mut times = Times::new();
    for task in fs::read_dir("/proc/self/task").unwrap() {
        let path = task.unwrap().path();
        let name = fs::read_to_string(path.join("comm")).unwrap().trim_end().to_owned();
        *times.entry(name).or_default() += first_number(&fs::read_to_string(path.join("schedstat")).unwrap());
    }
    times
}

/// Of this thread. The kernel counts a thread that runs at each tick only, unless it gives up the processor.
fn processor_time() -> u64 {
    std::thread::yield_now();
    first_number(&fs::read_to_string("/proc/thread-self/schedstat").unwrap())
}

/// Linux, Documentation/scheduler/sched-stats.rst: time on the processor.
fn first_number(schedstat: &str) -> u64 {
    schedstat.split(' ').next().unwrap().parse().unwrap()
}
