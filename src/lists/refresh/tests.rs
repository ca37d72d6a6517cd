//! Refreshes against a publisher in memory, with a copy on disk.

mod life;
mod order;

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::AtomicUsize;

use bytes::Bytes;
use jiff::SignedDuration;
use tokio::sync::mpsc;

use super::super::digest::Digest;
use super::super::tests::{TestFolder, samples};
use super::super::{Defect, SourceFuture, Whl};
use super::pace::LEAST_WAIT;
use super::*;
use crate::clock::{Clock as _, TestClock};

/// A publisher that gives what a test put there, marked by its digest, and says so when it was given before.
struct Publisher {
    answers: Mutex<PerList<Result<Bytes, SourceError>>>,
    /// How many lists were sent whole.
    sent: AtomicUsize,
}

impl ListSource for Publisher {
    fn fetch<'a>(&'a self, list: ListKind, held: Option<&'a Validator>) -> SourceFuture<'a> {
        let answer = self.answers.lock().unwrap().of(list).clone();
        let answer = answer.map(|bytes| {
            let validator = Some(Validator::EntityTag(Digest::of(&bytes).to_string().into()));
            if held == validator.as_ref() {
                return Fetched::NotModified;
            }
            self.sent.fetch_add(1, Ordering::Relaxed);
            Fetched::List { bytes, validator }
        });
        Box::pin(async move { answer })
    }
}

/// A node with its publisher, clock and folder, and the sets that came into force.
struct Node {
    publisher: Arc<Publisher>,
    clock: Arc<TestClock>,
    folder: TestFolder,
    published: Arc<Mutex<Vec<NewSet>>>,
    refresher: Arc<Refresher>,
}

impl Node {
    fn new() -> Self {
        let raw = samples();
        let answers = PerList::try_from_fn(|list| Ok::<_, ()>(Ok(raw.of(list).clone()))).unwrap();
        let publisher = Arc::new(Publisher { answers: Mutex::new(answers), sent: AtomicUsize::new(0) });
        let clock = TestClock::at("2026-03-02T09:00:00Z".parse().unwrap());
        let (folder, published) = (TestFolder::new(), Arc::new(Mutex::new(Vec::new())));
        let refresher = refresher(&publisher, &clock, &folder, &published);
        Self { publisher, clock, folder, published, refresher }
    }

    /// The same node after a restart: same publisher, clock and folder, nothing in memory.
    fn restart(&mut self) {
        self.published = Arc::default();
        self.refresher = refresher(&self.publisher, &self.clock, &self.folder, &self.published);
    }

    fn offer_whl(&self, text: impl Into<Bytes>) {
        self.publisher.answers.lock().unwrap().whl = Ok(text.into());
    }

    /// The age of the youngest and of the oldest list.
    fn ages(&self) -> Option<[SignedDuration; 2]> {
        let given_at = self.refresher.given_at()?;
        let ages = ListKind::ALL.map(|list| self.clock.now().duration_since(*given_at.of(list)));
        Some([*ages.iter().min()?, *ages.iter().max()?])
    }

    async fn refresh(&self) -> Result<RefreshOutcome, RefreshError> {
        self.refresher.refresh().await
    }

    /// Sequence numbers of the whitelists that came into force, in order.
    fn in_force(&self) -> Vec<u64> {
        self.published.lock().unwrap().iter().map(|new| new.lists.whl.header().sequence).collect()
    }
}

fn refresher(
    publisher: &Arc<Publisher>,
    clock: &Arc<TestClock>,
    folder: &TestFolder,
    published: &Arc<Mutex<Vec<NewSet>>>,
) -> Arc<Refresher> {
    let published = Arc::clone(published);
    let (source, clock) = (Arc::clone(publisher), Arc::clone(clock));
    let publish: Published = Arc::new(move |new| published.lock().unwrap().push(new));
    let copy = CopyFolder::new(folder.0.clone());
    let rules =
        Rules { reading: Reading::default(), grace: Duration::from_hours(1), loss_percent: PerList::from_fn(|_| 5) };
    Arc::new(Refresher::new(source, copy, clock, rules, publish))
}

/// The sample whitelist, republished under another number.
fn whl(sequence: u64) -> String {
    let text = String::from_utf8(samples().whl.to_vec()).unwrap();
    text.replace(">903<", &format!(">{sequence}<"))
}

fn change(result: Result<RefreshOutcome, RefreshError>) -> Change {
    let outcome = result.unwrap();
    outcome.copy.unwrap();
    outcome.change
}

#[tokio::test]
async fn a_new_set_comes_into_force_and_the_same_does_not_again() {
    let node = Node::new();
    assert_eq!(node.ages(), None);
    assert_eq!(change(node.refresh().await), Change::Swapped);
    node.clock.advance(Duration::from_secs(600));
    assert_eq!(node.ages(), Some([SignedDuration::from_secs(600); 2]));
    assert_eq!(change(node.refresh().await), Change::Unchanged);
    assert_eq!(node.ages(), Some([SignedDuration::ZERO; 2]));
    node.offer_whl(whl(904));
    assert_eq!(change(node.refresh().await), Change::Swapped);
    assert_eq!(node.in_force(), [903, 904]);
}

#[tokio::test]
async fn a_step_back_is_refused() {
    let node = Node::new();
    node.refresh().await.unwrap();
    node.offer_whl(whl(902));
    let error = node.refresh().await.unwrap_err();
    assert!(matches!(error, RefreshError::RollBack { list: ListKind::Whl, held: 903, offered: 902 }), "{error:?}");
    assert_eq!(node.in_force(), [903]);
}

#[tokio::test]
async fn other_content_under_the_same_number_is_refused() {
    let node = Node::new();
    node.refresh().await.unwrap();
    node.offer_whl(whl(903).replace("back.dossier.example", "back.intruder.example"));
    let error = node.refresh().await.unwrap_err();
    assert!(
        matches!(error, RefreshError::SameSequenceOtherContent { list: ListKind::Whl, sequence: 903 }),
        "{error:?}"
    );
    assert_eq!(node.in_force(), [903]);
}

#[tokio::test]
async fn a_list_from_the_future_is_refused() {
    let node = Node::new();
    node.offer_whl(whl(904).replace("T08:30:00Z", "T09:05:01Z"));
    let error = node.refresh().await.unwrap_err();
    assert!(matches!(error, RefreshError::FromTheFuture { list: ListKind::Whl, .. }), "{error:?}");
    node.clock.advance(Duration::from_secs(1));
    assert_eq!(change(node.refresh().await), Change::Swapped);
}

#[tokio::test]
async fn one_bad_list_keeps_the_whole_old_set() {
    let node = Node::new();
    node.refresh().await.unwrap();
    node.offer_whl(whl(904));
    node.publisher.answers.lock().unwrap().gnl = Ok(Bytes::from_static(b"<!DOCTYPE a><a/>"));
    let error = node.refresh().await.unwrap_err();
    assert!(
        matches!(&error, RefreshError::Invalid { list: ListKind::Gnl, error } if error.defect == Defect::Doctype),
        "{error:?}"
    );
    node.publisher.answers.lock().unwrap().gnl = Err(SourceError::Redirected);
    let error = node.refresh().await.unwrap_err();
    assert!(matches!(error, RefreshError::Fetch { list: ListKind::Gnl, error: SourceError::Redirected }), "{error:?}");
    assert_eq!(node.in_force(), [903]);
}

#[tokio::test]
async fn a_node_starts_from_its_copy() {
    let mut node = Node::new();
    assert!(node.refresher.load_copy().unwrap().is_none());
    node.refresh().await.unwrap();
    node.offer_whl(whl(904));
    node.refresh().await.unwrap();
    let before = Arc::clone(&node.published.lock().unwrap().last().unwrap().lists);

    node.restart();
    node.clock.advance(Duration::from_secs(3600));
    assert_eq!(node.refresher.load_copy().unwrap(), Some(before));
    assert_eq!(node.in_force(), [904]);
    assert_eq!(node.ages(), Some([SignedDuration::from_secs(3600); 2]));
    node.offer_whl(whl(903));
    assert!(matches!(node.refresh().await.unwrap_err(), RefreshError::RollBack { .. }));
    assert_eq!(fs::read_dir(&node.folder.0).unwrap().count(), 6, "four lists, the manifest and one spare");
}

#[tokio::test]
async fn a_spare_is_written_over_whatever_is_in_it() {
    let mut node = Node::new();
    node.refresh().await.unwrap();
    let spare = node.folder.0.join("whl.spare");
    assert!(!spare.exists());
    for sequence in 904..908 {
        node.offer_whl(whl(sequence));
        node.refresh().await.unwrap().copy.unwrap();
        assert!(zstd::decode_all(fs::read(&spare).unwrap().as_slice()).is_ok(), "what was replaced");
        // A longer one, as a longer list or a loss of power leaves it.
        fs::write(&spare, vec![b'x'; 4096]).unwrap();
        assert_eq!(fs::read_dir(&node.folder.0).unwrap().count(), 6);
    }
    node.restart();
    node.refresher.load_copy().unwrap().unwrap();
    assert_eq!(node.in_force(), [907]);
}

#[tokio::test]
async fn a_copy_that_was_altered_is_refused() {
    let mut node = Node::new();
    node.refresh().await.unwrap();
    node.restart();
    let path = fs::read_dir(&node.folder.0).unwrap().map(|entry| entry.unwrap().path());
    let path = path.into_iter().find(|path| path.file_name().unwrap().to_str().unwrap().starts_with("whl-")).unwrap();
    let valid_but_other = whl(903).replace("back.dossier.example", "back.intruder.example");
    Whl::parse(valid_but_other.as_bytes(), Reading::default()).unwrap();
    let whole = fs::read(&path).unwrap();
    let packed = zstd::bulk::compress(valid_but_other.as_bytes(), 3).unwrap();
    for altered in [packed.as_slice(), valid_but_other.as_bytes(), &whole[..whole.len() / 2], b""] {
        fs::write(&path, altered).unwrap();
        let error = node.refresher.load_copy().unwrap_err();
        assert!(matches!(error, CopyError::Altered { list: ListKind::Whl }), "{error:?}");
    }
    fs::remove_file(path).unwrap();
    assert!(matches!(node.refresher.load_copy().unwrap_err(), CopyError::Read(_)));
    assert!(node.in_force().is_empty());

    assert_eq!(change(node.refresh().await), Change::Swapped, "the network heals the copy");
    node.restart();
    assert!(node.refresher.load_copy().unwrap().is_some());
}

#[tokio::test]
async fn a_copy_with_the_lists_as_they_came_is_read_and_then_packed() {
    let mut node = Node::new();
    node.refresh().await.unwrap();
    let names = |node: &Node| -> Vec<PathBuf> {
        fs::read_dir(&node.folder.0).unwrap().map(|entry| entry.unwrap().path()).collect()
    };
    for packed in names(&node).into_iter().filter(|path| path.extension().unwrap() == "zst") {
        let list = zstd::decode_all(fs::read(&packed).unwrap().as_slice()).unwrap();
        fs::write(packed.with_extension(""), list).unwrap();
        fs::remove_file(packed).unwrap();
    }
    let manifest = node.folder.0.join("manifest.json");
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, text.replace("\"layout\": 2", "\"layout\": 1")).unwrap();

    node.restart();
    node.refresher.load_copy().unwrap().unwrap();
    assert_eq!(node.in_force(), [903]);
    assert_eq!(change(node.refresh().await), Change::Unchanged);
    assert_eq!(names(&node).iter().filter(|path| path.extension().unwrap() == "zst").count(), 4);
    assert_eq!(names(&node).len(), 5, "the plain ones are gone");
    node.restart();
    assert!(node.refresher.load_copy().unwrap().is_some());
}

#[tokio::test]
async fn a_damaged_manifest_is_refused() {
    let mut node = Node::new();
    node.refresh().await.unwrap();
    node.restart();
    let path = node.folder.0.join("manifest.json");
    let good = fs::read_to_string(&path).unwrap();
    for bad in [
        String::new(),
        good[..good.len() / 2].to_owned(),
        good.replace("\"sequence\": 903", "\"sequence\": 1"),
        good.replace("\"layout\": 2", "\"layout\": 3"),
        good.replace("\"sha256\": \"", "\"sha256\": \"../"),
    ] {
        assert_ne!(bad, good);
        fs::write(&path, &bad).unwrap();
        let error = node.refresher.load_copy().unwrap_err();
        assert!(matches!(error, CopyError::Manifest), "{error:?} of {bad}");
    }
    assert!(node.in_force().is_empty());
}

#[tokio::test]
async fn a_set_that_cannot_be_saved_still_comes_into_force_and_is_saved_later() {
    let mut node = Node::new();
    fs::write(&node.folder.0, "a file where the folder should be").unwrap();
    let outcome = node.refresh().await.unwrap();
    assert!(matches!(outcome.copy, Err(CopyError::Write(_))), "{outcome:?}");
    assert_eq!(node.in_force(), [903]);
    fs::remove_file(&node.folder.0).unwrap();
    assert_eq!(change(node.refresh().await), Change::Unchanged);
    node.restart();
    assert!(node.refresher.load_copy().unwrap().is_some());
}

const PACE: Pace =
    Pace { every: Duration::from_secs(600), jitter: Duration::from_secs(30), retry: Duration::from_secs(5) };

#[test]
fn the_wait_doubles_with_each_failure_up_to_the_interval() {
    let seconds = |failures, chance| PACE.wait(failures, chance).as_secs();
    assert_eq!(
        [0, 1, 2, 3, 7, 8, 40, u32::MAX].map(|failures| seconds(failures, 0)),
        [600, 5, 10, 20, 320, 600, 600, 600]
    );
    assert_eq!((seconds(0, u32::MAX), seconds(1, u32::MAX)), (630, 35));
    let none = Pace { every: Duration::ZERO, jitter: Duration::MAX, retry: Duration::ZERO };
    assert_eq!((none.wait(9, 0), none.wait(0, u32::MAX)), (LEAST_WAIT, Duration::MAX));
}

#[tokio::test(start_paused = true)]
async fn the_loop_survives_bad_lists_wakes_and_stops() {
    let node = Node::new();
    node.offer_whl("not a list");
    let (wake, stop) = (Arc::new(Notify::new()), CancellationToken::new());
    let (report, mut reports) = mpsc::unbounded_channel();
    let running = tokio::spawn(Arc::clone(&node.refresher).run(PACE, Arc::clone(&wake), stop.clone(), move |result| {
        let _ = report.send(result.as_ref().map(|outcome| outcome.change).map_err(ToString::to_string));
    }));
    for _ in 0..3 {
        assert_eq!(reports.recv().await, Some(Err("the whl is not valid".to_owned())));
    }
    node.offer_whl(whl(903));
    assert_eq!(reports.recv().await, Some(Ok(Change::Swapped)));
    node.offer_whl(whl(904));
    let before = tokio::time::Instant::now();
    wake.notify_one();
    assert_eq!(reports.recv().await, Some(Ok(Change::Swapped)));
    assert!(before.elapsed() < PACE.every, "woken before its time");
    assert_eq!(reports.recv().await, Some(Ok(Change::Unchanged)));
    stop.cancel();
    running.await.unwrap();
    assert_eq!(reports.recv().await, None);
    assert_eq!(node.in_force(), [903, 904]);
}
