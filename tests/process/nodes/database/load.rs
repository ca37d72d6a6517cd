//! Requests to two nodes without pause, and what their answers oblige the nodes to.

use std::collections::HashSet;
use std::sync::Arc;

use inzage::audit::read_dir;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

use super::*;

/// Between two requests for data of one client.
const READS: Duration = Duration::from_millis(10);
/// Between two presentations of codes or refresh tokens.
const GRANTS: Duration = Duration::from_millis(100);
/// How many codes there are of each kind; what is left is presented at the end.
const CODES: usize = 24;
/// How long a number of answers may take, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// Clients at work.
pub(super) struct Load {
    side: Arc<Side>,
    running: JoinSet<Ledger>,
}

/// What the clients share.
struct Side {
    pgo: [PgoClient; 2],
    endpoints: Endpoints,
    stop: CancellationToken,
    disclosed: watch::Sender<usize>,
    refused: watch::Sender<usize>,
}

/// What the nodes said.
#[derive(Default)]
pub(super) struct Ledger {
    /// The requests of each node that were answered with data.
    disclosed: [Vec<String>; 2],
    /// Codes that were shown to both nodes at once, and how often each brought a token.
    doubles: Vec<(String, usize)>,
    /// Access tokens that nothing happened to since they were given.
    good: Vec<String>,
    /// Answers that ended before their end, as the node could not tell any more whether it might go on.
    broken_off: usize,
    /// The longest that a refusal took.
    slowest: Duration,
}

impl Load {
    /// Lets people consent, and sets the clients to work.
    pub(super) async fn begin(nodes: &Nodes) -> Self {
        let side = Arc::new(Side {
            pgo: nodes.pgo.clone(),
            endpoints: nodes.endpoints.clone(),
            stop: CancellationToken::new(),
            disclosed: watch::Sender::new(0),
            refused: watch::Sender::new(0),
        });
        let mut running = JoinSet::new();
        let (mut doubles, mut singles) = (Vec::new(), Vec::new());
        for _ in 0..CODES {
            doubles.push(nodes.code(&nodes.pgo, false).await);
            singles.push(nodes.code(&nodes.pgo, false).await);
        }
        running.spawn(Arc::clone(&side).shows_to_both(doubles));
        running.spawn(Arc::clone(&side).shows_to_one(singles));
        for node in [0, 1] {
            let tokens = nodes.tokens(node, true).await;
            running.spawn(Arc::clone(&side).refreshes(tokens));
            for _ in 0..2 {
                let token = text_of(&nodes.tokens(node, false).await, "access_token").to_owned();
                running.spawn(Arc::clone(&side).reads(node, token));
            }
        }
        Self { side, running }
    }

    /// Answers with data so far.
    pub(super) fn count(&self) -> usize {
        *self.side.disclosed.borrow()
    }

    /// Returns when there were so many answers with data.
    pub(super) async fn disclosed(&self, count: usize) {
        reached(&self.side.disclosed, count).await;
    }

    /// Returns when there were so many refusals.
    pub(super) async fn refused(&self, count: usize) {
        reached(&self.side.refused, count).await;
    }

    /// Lets the clients finish.
    #[expect(clippy::print_stdout, reason = "who runs the tests is told what was found")]
    pub(super) async fn end(self) -> Ledger {
        self.side.stop.cancel();
        let mut all = Ledger::default();
        for ledger in self.running.join_all().await {
            all.add(ledger);
        }
        let refused = *self.side.refused.borrow();
        println!("{} answers with data, {refused} refusals", *self.side.disclosed.borrow());
        all
    }
}

async fn reached(counted: &watch::Sender<usize>, count: usize) {
    let mut counted = counted.subscribe();
    let waited = timeout(PATIENCE, counted.wait_for(|found| *found >= count)).await;
    assert!(waited.is_ok(), "less than {count} answers of a kind");
}

impl Side {
    async fn reads(self: Arc<Self>, node: usize, token: String) -> Ledger {
        let mut ledger = Ledger::default();
        let mut pace = Pace::new(READS);
        while pace.goes_on(&self.stop).await {
            let (request_id, asked) = (new_id(), clock().monotonic());
            let reply = ask(&self.pgo[node], &self.endpoints, &token, &request_id).await;
            match reply {
                Some(reply) if reply.status == 200 => {
                    ledger.disclosed[node].push(request_id);
                    self.disclosed.send_modify(|count| *count += 1);
                }
                Some(reply) => ledger.note_refusal(&self, &reply, clock().monotonic() - asked),
                None => ledger.broken_off += 1,
            }
        }
        ledger
    }

    /// Each code to both nodes at once, again for as long as neither knows what becomes of it.
    async fn shows_to_both(self: Arc<Self>, codes: Vec<String>) -> Ledger {
        let mut ledger = Ledger::default();
        let mut pace = Pace::new(GRANTS);
        let mut codes = codes.into_iter();
        let mut shown = codes.next();
        while let Some(code) = shown.take().filter(|_| !self.stop.is_cancelled()) {
            pace.goes_on(&self.stop).await;
            let asked = clock().monotonic();
            let show = |node: usize| present(&self.pgo[node], &self.endpoints, &code);
            let replies = <[Reply; 2]>::from(tokio::join!(show(0), show(1)));
            let took = clock().monotonic() - asked;
            let settled = replies.iter().filter(|reply| matches!(reply.status.as_u16(), 200 | 400)).count();
            let given = replies.iter().filter(|reply| reply.status == 200).count();
            replies.iter().filter(|reply| !matches!(reply.status.as_u16(), 200 | 400)).for_each(|reply| {
                ledger.note_refusal(&self, reply, took);
            });
            match ledger.doubles.last_mut().filter(|(last, _)| *last == code) {
                Some((_, before)) => *before += given,
                None => ledger.doubles.push((code.clone(), given)),
            }
            shown = if settled > 0 { codes.next() } else { Some(code) };
        }
        ledger.doubles.extend(codes.map(|code| (code, 0)));
        ledger
    }

    /// Each code once, to one node after the other.
    async fn shows_to_one(self: Arc<Self>, codes: Vec<String>) -> Ledger {
        let mut ledger = Ledger::default();
        let mut pace = Pace::new(GRANTS);
        for (code, node) in codes.into_iter().zip([0, 1].into_iter().cycle()) {
            if !pace.goes_on(&self.stop).await {
                break;
            }
            let asked = clock().monotonic();
            let reply = present(&self.pgo[node], &self.endpoints, &code).await;
            match reply.status.as_u16() {
                200 => ledger.good.push(access_token(&reply)),
                _ => ledger.note_refusal(&self, &reply, clock().monotonic() - asked),
            }
        }
        ledger
    }

    /// A family, at one node after the other. A refusal leaves open what became of the token; when it is shown again and had been
    /// turned after all, that ends the family.
    async fn refreshes(self: Arc<Self>, mut tokens: Value) -> Ledger {
        let mut ledger = Ledger::default();
        let mut pace = Pace::new(GRANTS);
        let mut nodes = [0, 1].into_iter().cycle();
        let (mut doubtful, mut used) = (false, HashSet::new());
        while let Some(node) = nodes.next()
            && pace.goes_on(&self.stop).await
        {
            let (refresh, asked) = (text_of(&tokens, "refresh_token").to_owned(), clock().monotonic());
            let reply = self.pgo[node].refresh(&self.endpoints, &refresh).await.unwrap();
            match reply.status.as_u16() {
                200 => {
                    assert!(used.insert(refresh), "a refresh token was honoured twice");
                    tokens = serde_json::from_slice(&reply.body).unwrap();
                    doubtful = false;
                }
                400 if doubtful => return ledger,
                _ => {
                    doubtful = true;
                    ledger.note_refusal(&self, &reply, clock().monotonic() - asked);
                }
            }
        }
        if !doubtful {
            ledger.good.push(text_of(&tokens, "access_token").to_owned());
        }
        ledger
    }
}

fn access_token(reply: &Reply) -> String {
    let tokens: Value = serde_json::from_slice(&reply.body).unwrap();
    text_of(&tokens, "access_token").to_owned()
}

impl Ledger {
    fn add(&mut self, other: Self) {
        for (all, of_one) in self.disclosed.iter_mut().zip(other.disclosed) {
            all.extend(of_one);
        }
        self.doubles.extend(other.doubles);
        self.good.extend(other.good);
        self.broken_off += other.broken_off;
        self.slowest = self.slowest.max(other.slowest);
    }

    fn note_refusal(&mut self, side: &Side, reply: &Reply, took: Duration) {
        assert_eq!(reply.status, 503, "{:?}", reply.body);
        assert!(reply.headers.contains_key("retry-after"), "{:?}", reply.headers);
        self.slowest = self.slowest.max(took);
        side.refused.send_modify(|count| *count += 1);
    }

    /// Nothing was honoured twice, what was given is good at both nodes, and refusals came soon.
    #[expect(clippy::print_stdout, reason = "who runs the tests is told what was found")]
    pub(super) async fn assert_sound(&self, nodes: &Nodes) {
        let Self { good, broken_off, slowest, .. } = self;
        println!(
            "{} tokens are good, {broken_off} answers broken off, the slowest refusal took {slowest:?}",
            good.len()
        );
        assert!(self.slowest < SOON, "{:?}", self.slowest);
        for (code, given) in &self.doubles {
            let mut given = *given;
            for node in [0, 1] {
                let reply = nodes.present(node, code).await;
                assert!(matches!(reply.status.as_u16(), 200 | 400), "{:?}", reply.body);
                given += usize::from(reply.status == 200);
            }
            assert!(given <= 1, "a code brought {given} tokens");
        }
        for token in &self.good {
            for node in [0, 1] {
                assert_eq!(nodes.status_of_data(node, token).await, Some(200), "what was given is good");
            }
        }
    }

    /// Every answer with data has its record, in the log of the node that gave it.
    pub(super) async fn assert_recorded(&self, home: &Home) {
        assert_logs_are_sound(home).await;
        for (folder, disclosed) in FOLDERS.iter().zip(&self.disclosed) {
            let mut recorded = HashSet::new();
            for record in read_dir(&home.path(folder)).unwrap() {
                let record: Value = serde_json::from_slice(&record.unwrap().1).unwrap();
                if record["kind"] == "disclosure_intent" {
                    recorded.insert(record["request_id"].as_str().unwrap().to_owned());
                }
            }
            assert!(!disclosed.is_empty() && disclosed.iter().all(|id| recorded.contains(id)), "{folder}");
        }
    }
}

/// The audit logs of the nodes.
const FOLDERS: [&str; 2] = ["gateway/audit", "gateway-b/audit"];

/// Each node has a log of its own, which verifies.
pub(super) async fn assert_logs_are_sound(home: &Home) {
    let mut logs = HashSet::new();
    for folder in FOLDERS {
        let verified = home.run(&["audit", "verify", text(&home.path(folder))]).await;
        assert_eq!(verified.code, Some(0), "{folder}: {}{}", verified.out, verified.err);
        logs.insert(read_dir(&home.path(folder)).unwrap().log().shared().to_string());
    }
    assert_eq!(logs.len(), FOLDERS.len());
}

/// The beat of one client.
struct Pace(tokio::time::Interval);

impl Pace {
    fn new(every: Duration) -> Self {
        let mut beat = interval(every);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self(beat)
    }

    /// Whether there is one more request to make.
    async fn goes_on(&mut self, stop: &CancellationToken) -> bool {
        stop.run_until_cancelled(self.0.tick()).await.is_some()
    }
}
