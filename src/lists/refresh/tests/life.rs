//! The life of lists: asked for by their marks, each with an age of its own, held back when too much is gone, served a while
//! longer after they left.

use super::super::super::{
    AcceptError, ClientEntry, ListHeader, NameEntry, ProviderEntry, RoleEntry, ServiceEntry, VersionEntry, write_gnl,
    write_ocl, write_whl, write_zal,
};
use super::*;

/// A header under a number, from before the clock of a node.
fn header(sequence: u64) -> ListHeader {
    ListHeader { timestamp: "2026-03-02T08:30:00Z".parse().unwrap(), sequence }
}

/// The whitelist of these nodes.
fn nodes(sequence: u64, numbers: impl IntoIterator<Item = u32>) -> String {
    let hosts: Vec<String> = numbers.into_iter().map(|number| format!("node{number}.example.nl")).collect();
    write_whl(header(sequence), &hosts)
}

/// The ZAL in which each provider offers its services.
fn providers(sequence: u64, offers: &[(&str, &[&str])]) -> String {
    let service = |id: &&str| ServiceEntry {
        id: (*id).to_owned(),
        authorization: None,
        token: None,
        subscription: None,
        roles: vec![RoleEntry { role: "MM-2.0-HGB-FHIR".to_owned(), endpoint: "https://n.example.nl/f".to_owned() }],
    };
    let provider = |(name, services): &(&str, &[&str])| ProviderEntry {
        name: format!("{name}@medmij"),
        kind: "ZA".to_owned(),
        versions: vec![VersionEntry { id: "2".to_owned(), services: services.iter().map(service).collect() }],
    };
    write_zal(header(sequence), &offers.iter().map(provider).collect::<Vec<_>>())
}

impl Node {
    fn offer_zal(&self, text: impl Into<Bytes>) {
        self.publisher.answers.lock().unwrap().zal = Ok(text.into());
    }

    fn offer_gnl(&self, answer: Result<Bytes, SourceError>) {
        self.publisher.answers.lock().unwrap().gnl = answer;
    }

    fn copy(&self) -> CopyFolder {
        CopyFolder::new(self.folder.0.clone())
    }

    fn offers(&self, provider: &str, service: &str) -> bool {
        let published = self.published.lock().unwrap();
        let lists = &published.last().unwrap().lists;
        lists.offers(&format!("{provider}@medmij"), "2", service, self.clock.now())
    }

    fn sent(&self) -> usize {
        self.publisher.sent.load(Ordering::Relaxed)
    }
}

#[tokio::test]
async fn only_a_list_that_changed_is_sent_again() {
    let mut node = Node::new();
    node.refresh().await.unwrap();
    assert_eq!((change(node.refresh().await), node.sent()), (Change::Unchanged, 4));
    node.offer_whl(whl(904));
    assert_eq!((change(node.refresh().await), node.sent()), (Change::Swapped, 5));
    node.restart();
    node.refresher.load_copy().unwrap();
    assert_eq!((change(node.refresh().await), node.sent()), (Change::Unchanged, 9), "a restart reads all of them");
}

#[tokio::test]
async fn what_was_not_saved_is_sent_again() {
    let node = Node::new();
    fs::write(&node.folder.0, "a file where the folder should be").unwrap();
    node.refresh().await.unwrap();
    fs::remove_file(&node.folder.0).unwrap();
    assert_eq!((change(node.refresh().await), node.sent()), (Change::Unchanged, 8));
    fs::remove_dir_all(&node.folder.0).unwrap();
    node.refresh().await.unwrap().copy.unwrap_err();
    assert_eq!((change(node.refresh().await), node.sent()), (Change::Unchanged, 12));
    assert!(node.copy().load().unwrap().is_some(), "a copy that was taken away is made anew");
}

#[tokio::test]
async fn a_list_that_is_given_again_stays_young_while_another_one_fails() {
    let mut node = Node::new();
    node.refresh().await.unwrap();
    node.clock.advance(Duration::from_secs(600));
    node.offer_gnl(Err(SourceError::TimedOut));
    node.offer_whl(whl(904));
    node.refresh().await.unwrap_err();
    let age = |node: &Node, list| node.clock.now().duration_since(*node.refresher.given_at().unwrap().of(list));
    let (now, before) = (SignedDuration::ZERO, SignedDuration::from_secs(600));
    let expected = [(ListKind::Zal, now), (ListKind::Ocl, now), (ListKind::Whl, before), (ListKind::Gnl, before)];
    for (list, expected) in expected {
        assert_eq!(age(&node, list), expected, "{list}");
    }
    assert_eq!(node.in_force(), [903], "the whitelist that was replaced is not in force alone");
    node.restart();
    node.refresher.load_copy().unwrap();
    for (list, expected) in expected {
        assert_eq!(age(&node, list), expected, "{list} after a restart");
    }
}

/// A node whose whitelist has a hundred nodes.
async fn hundred_nodes() -> Node {
    let node = Node::new();
    node.offer_whl(nodes(1000, 0..100));
    node.refresh().await.unwrap();
    node
}

fn losses(result: Result<RefreshOutcome, RefreshError>) -> String {
    let error = result.unwrap_err();
    assert!(matches!(error, RefreshError::HeldBack { .. }), "{error:?}");
    error.to_string()
}

#[tokio::test]
async fn a_list_that_lost_too_much_waits_for_an_operator_and_the_others_wait_with_it() {
    let mut node = hundred_nodes().await;
    assert!(matches!(node.copy().accept(ListKind::Whl, 1001).unwrap_err(), AcceptError::Nothing));
    node.offer_whl(nodes(1001, 6..100));
    let zal = String::from_utf8(samples().zal.to_vec()).unwrap().replace(">41<", ">42<");
    node.offer_zal(zal);
    let held_back = "held back until somebody accepts it: the whl with number 1001 lost 6 of 100 entries";
    assert_eq!(losses(node.refresh().await), held_back);
    assert_eq!(losses(node.refresh().await), held_back, "waiting changes nothing");
    assert_eq!(node.published.lock().unwrap().len(), 1);

    for (list, number) in [(ListKind::Whl, 1002), (ListKind::Zal, 1001)] {
        let refused = node.copy().accept(list, number).unwrap_err().to_string();
        assert_eq!(refused, "this is not held back, but the whl with number 1001 lost 6 of 100 entries");
    }
    node.restart();
    node.refresher.load_copy().unwrap();
    assert_eq!(losses(node.refresh().await), held_back, "a restart forgets nothing");
    let loss = node.copy().accept(ListKind::Whl, 1001).unwrap();
    assert_eq!(change(node.refresh().await), Change::Swapped);
    let new = node.published.lock().unwrap().last().unwrap().clone();
    assert_eq!((new.lists.headers().whl.sequence, new.lists.headers().zal.sequence), (1001, 42));
    assert_eq!(new.accepted.iter().map(|accepted| &accepted.loss).collect::<Vec<_>>(), [&loss]);
    assert!(matches!(node.copy().accept(ListKind::Whl, 1001).unwrap_err(), AcceptError::Nothing));
    assert_eq!(fs::read_dir(&node.folder.0).unwrap().count(), 7, "two spares; a leave works once");
}

#[tokio::test]
async fn a_leave_is_for_the_content_that_was_looked_at() {
    let node = hundred_nodes().await;
    node.offer_whl(nodes(1001, 6..100));
    losses(node.refresh().await);
    node.copy().accept(ListKind::Whl, 1001).unwrap();
    node.offer_whl(nodes(1001, 50..100));
    let exchanged = losses(node.refresh().await);
    assert_eq!(exchanged, "held back until somebody accepts it: the whl with number 1001 lost 50 of 100 entries");
    node.offer_whl(nodes(1001, 6..100));
    losses(node.refresh().await);
    // The publisher repairs its mistake: nothing is held back any more.
    node.offer_whl(nodes(1002, 0..100));
    assert_eq!(change(node.refresh().await), Change::Swapped);
    assert!(node.copy().held_back().unwrap().is_empty());
}

#[tokio::test]
async fn each_list_that_lost_too_much_needs_a_leave() {
    let node = hundred_nodes().await;
    let names = |sequence, numbers: std::ops::Range<u32>| {
        let entry = |number: u32| NameEntry { service: number.to_string(), name: "Een dienst".to_owned() };
        Ok(Bytes::from(write_gnl(header(sequence), &numbers.map(entry).collect::<Vec<_>>())))
    };
    node.offer_gnl(names(500, 0..40));
    losses(node.refresh().await);
    let offered = node.copy().held_back().unwrap();
    assert_eq!(offered.len(), 1);
    assert_eq!(node.copy().accept(ListKind::Gnl, 500).unwrap(), offered[0]);
    node.refresh().await.unwrap();
    node.offer_gnl(names(501, 0..30));
    node.offer_whl(nodes(1001, 6..100));
    assert!(
        losses(node.refresh().await)
            .ends_with("1001 lost 6 of 100 entries, and the gnl with number 501 lost 10 of 40 entries")
    );
    node.copy().accept(ListKind::Gnl, 501).unwrap();
    losses(node.refresh().await);
    node.copy().accept(ListKind::Whl, 1001).unwrap();
    assert_eq!(change(node.refresh().await), Change::Swapped);
    assert_eq!(node.published.lock().unwrap().last().unwrap().accepted.len(), 2);
}

#[tokio::test]
async fn a_damaged_leave_is_none() {
    let node = hundred_nodes().await;
    node.offer_whl(nodes(1001, 6..100));
    losses(node.refresh().await);
    node.copy().accept(ListKind::Whl, 1001).unwrap();
    let path = node.folder.0.join("accepted.json");
    for bad in ["", "[]", "[{\"list\":\"whl\",\"sequence\":1001,\"sha256\":\"00\"}]"] {
        fs::write(&path, bad).unwrap();
        losses(node.refresh().await);
    }
}

/// Whether the second set follows the first without a leave.
async fn follows(first: impl Fn(&Node), second: impl Fn(&Node)) -> bool {
    let node = Node::new();
    first(&node);
    node.refresh().await.unwrap();
    second(&node);
    match node.refresh().await {
        Ok(outcome) => outcome.change == Change::Swapped,
        Err(RefreshError::HeldBack { .. }) => false,
        Err(error) => panic!("{error:?}"),
    }
}

#[tokio::test]
async fn one_in_twenty_may_go_and_one_always() {
    let whl = |sequence, numbers: Vec<u32>| move |node: &Node| node.offer_whl(nodes(sequence, numbers.clone()));
    let hundred: Vec<u32> = (0..100).collect();
    for (left, allowed) in [(5..100, true), (6..100, false), (0..95, true), (0..94, false), (0..0, false)] {
        let second = whl(1001, left.clone().collect());
        assert_eq!(follows(whl(1000, hundred.clone()), second).await, allowed, "{left:?}");
    }
    // As many others do not make up for those that are gone.
    assert!(!follows(whl(1000, hundred.clone()), whl(1001, (6..106).collect())).await);
    assert!(follows(whl(1000, hundred), whl(1001, (5..500).collect())).await);
    // In a short list one entry is more than its share, and still one party must be removable.
    assert!(follows(whl(1000, vec![1, 2, 3]), whl(1001, vec![1, 3])).await);
    assert!(!follows(whl(1000, vec![1, 2, 3]), whl(1001, vec![1])).await);
    assert!(follows(whl(1000, vec![1]), whl(1001, Vec::new())).await);
}

#[tokio::test]
async fn providers_services_and_clients_count_too() {
    let zal =
        |sequence, offers: &'static [(&str, &[&str])]| move |node: &Node| node.offer_zal(providers(sequence, offers));
    let all: &[(&str, &[&str])] = &[("a", &["49", "51"]), ("b", &["49", "51"]), ("c", &["49"])];
    assert!(follows(zal(100, all), zal(101, &[("a", &["49", "51"]), ("b", &["51"]), ("c", &["49"])])).await);
    assert!(!follows(zal(100, all), zal(101, &[("a", &["49"]), ("b", &["51"]), ("c", &["49"])])).await);
    assert!(!follows(zal(100, all), zal(101, &[("a", &["49", "51"])])).await);
    assert!(follows(zal(100, all), zal(101, &[("b", &["49", "51"]), ("a", &["49", "51"]), ("d", &["49"])])).await);

    let ocl = |sequence, numbers: std::ops::Range<u32>| {
        let entry =
            |number| ClientEntry { hostname: format!("pgo{number}.example.nl"), organisation: "Een PGO".to_owned() };
        let text = write_ocl(header(sequence), &numbers.map(entry).collect::<Vec<_>>());
        move |node: &Node| node.publisher.answers.lock().unwrap().ocl = Ok(text.clone().into())
    };
    assert!(follows(ocl(100, 0..9), ocl(101, 1..9)).await);
    assert!(!follows(ocl(100, 0..9), ocl(101, 2..9)).await);
}

#[tokio::test(start_paused = true)]
async fn a_running_node_finds_a_leave_within_seconds() {
    let node = hundred_nodes().await;
    node.offer_whl(nodes(1001, 6..100));
    let (wake, stop) = (Arc::new(Notify::new()), CancellationToken::new());
    let (report, mut reports) = mpsc::unbounded_channel();
    let running = tokio::spawn(Arc::clone(&node.refresher).run(PACE, Arc::clone(&wake), stop.clone(), move |result| {
        let _ = report.send(result.as_ref().map(|outcome| outcome.change).map_err(drop));
    }));
    // By now the next attempt is minutes away.
    for _ in 0..7 {
        assert_eq!(reports.recv().await, Some(Err(())));
    }
    node.copy().accept(ListKind::Whl, 1001).unwrap();
    let before = tokio::time::Instant::now();
    assert_eq!(reports.recv().await, Some(Ok(Change::Swapped)));
    assert!(before.elapsed() <= LOOK_FOR_LEAVE, "{:?}", before.elapsed());
    stop.cancel();
    running.await.unwrap();
}

#[tokio::test]
async fn what_leaves_the_zal_is_served_for_an_hour_more() {
    let mut node = Node::new();
    node.offer_zal(providers(100, &[("stays", &["49"]), ("leaves", &["49", "51"]), ("shrinks", &["49", "51"])]));
    node.refresh().await.unwrap();
    node.offer_zal(providers(101, &[("stays", &["49"]), ("leaves", &["49", "51"]), ("shrinks", &["49"])]));
    node.refresh().await.unwrap();
    node.clock.advance(Duration::from_mins(50));
    node.offer_zal(providers(102, &[("stays", &["49"]), ("shrinks", &["49"])]));
    node.refresh().await.unwrap();

    node.clock.advance(Duration::from_secs(599));
    assert!(node.offers("shrinks", "49") && node.offers("shrinks", "51") && node.offers("leaves", "51"));
    assert!(!node.offers("stays", "51") && !node.offers("leaves", "48") && !node.offers("nobody", "49"));
    node.clock.advance(Duration::from_secs(1));
    assert!(node.offers("shrinks", "49") && !node.offers("shrinks", "51"), "its hour is over");

    // A restart, another swap and a whitelist that changes meanwhile take no second away and add none.
    node.restart();
    node.refresher.load_copy().unwrap();
    assert!(node.offers("leaves", "49") && !node.offers("shrinks", "51"));
    node.offer_whl(whl(904));
    node.refresh().await.unwrap();
    node.offer_zal(providers(103, &[("stays", &["49"]), ("shrinks", &["49"])]));
    node.refresh().await.unwrap();
    node.clock.advance(Duration::from_secs(2999));
    assert!(node.offers("leaves", "49"));
    let grace = Arc::clone(&node.published.lock().unwrap().last().unwrap().lists.grace);
    assert_eq!(grace.count(node.clock.now()), 2);
    node.clock.advance(Duration::from_secs(1));
    assert!(!node.offers("leaves", "49"));
    assert_eq!(grace.count(node.clock.now()), 0);
}

#[tokio::test]
async fn what_comes_back_is_listed_and_no_longer_in_grace() {
    let node = Node::new();
    let (both, one) = ([("a", &["49"][..]), ("b", &["49"])], [("a", &["49"][..])]);
    for (sequence, in_grace) in [(100, 0), (101, 1), (102, 0), (103, 1)] {
        node.offer_zal(providers(sequence, if in_grace == 0 { &both } else { &one }));
        node.refresh().await.unwrap();
        let lists = Arc::clone(&node.published.lock().unwrap().last().unwrap().lists);
        assert_eq!(lists.grace.count(node.clock.now()), in_grace, "{sequence}");
        assert!(node.offers("b", "49"));
        node.clock.advance(Duration::from_secs(1));
    }
}

#[tokio::test]
async fn a_grace_that_was_altered_is_refused() {
    let mut node = Node::new();
    node.offer_zal(providers(100, &[("a", &["49"]), ("b", &["49"])]));
    node.refresh().await.unwrap();
    node.offer_zal(providers(101, &[("a", &["49"])]));
    node.refresh().await.unwrap();
    node.restart();
    let files = fs::read_dir(&node.folder.0).unwrap().map(|entry| entry.unwrap().path());
    let path = files.into_iter().find(|path| path.file_name().unwrap().to_str().unwrap().starts_with("grace-"));
    let path = path.unwrap();
    let longer = fs::read_to_string(&path).unwrap().replace("2026-03", "2027-03");
    fs::write(path, longer).unwrap();
    let error = node.refresher.load_copy().unwrap_err();
    assert!(matches!(error, CopyError::Grace), "{error:?}");
}
