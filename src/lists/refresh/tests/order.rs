//! Whatever a publisher offers, and in whatever order: no list goes back, and the four change together or not at all.

use proptest::prelude::*;

use super::super::super::{ListHeader, NameEntry, write_gnl, write_whl};
use super::*;

/// What the publisher has of one list: a number and one of a few contents, damaged or not there.
#[derive(Debug, Clone, Copy)]
enum Offer {
    List { sequence: u64, variant: u8 },
    Damaged,
    Away,
}

fn offer() -> impl Strategy<Value = Offer> {
    prop_oneof![
        8 => (1_u64..6, 0_u8..3).prop_map(|(sequence, variant)| Offer::List { sequence, variant }),
        1 => Just(Offer::Damaged),
        1 => Just(Offer::Away),
    ]
}

/// One entry, so that the guard never holds anything back.
fn answer(offer: Offer, write: impl Fn(ListHeader, u8) -> String) -> Result<Bytes, SourceError> {
    let timestamp = "2026-03-02T08:30:00Z".parse().unwrap();
    match offer {
        Offer::List { sequence, variant } => Ok(write(ListHeader { timestamp, sequence }, variant).into()),
        Offer::Damaged => Ok(Bytes::from_static(b"<Whitelist")),
        Offer::Away => Err(SourceError::TimedOut),
    }
}

fn whitelist(header: ListHeader, variant: u8) -> String {
    write_whl(header, &[format!("node{variant}.example.nl")])
}

fn names(header: ListHeader, variant: u8) -> String {
    write_gnl(header, &[NameEntry { service: "49".to_owned(), name: format!("Naam {variant}") }])
}

/// The first two lists are the samples and stay.
async fn offer_in_turn(offers: Vec<(Offer, Offer)>, restarts: Vec<bool>) {
    let mut node = Node::new();
    let mut before: Option<Arc<Lists>> = None;
    for ((whl, gnl), restart) in offers.into_iter().zip(restarts) {
        if restart {
            node.restart();
            assert_eq!(node.refresher.load_copy().unwrap(), before);
        }
        {
            let mut answers = node.publisher.answers.lock().unwrap();
            (answers.whl, answers.gnl) = (answer(whl, whitelist), answer(gnl, names));
        }
        let taken = node.refresh().await;
        let now = node.refresher.force.held().map(|held| held.lists);
        match taken {
            Ok(_) => {
                let raw = PerList::from_fn(|list| node.publisher.answers.lock().unwrap().of(list).clone().unwrap());
                let offered = Lists::parse(&raw, Reading::default()).unwrap();
                assert_eq!(now.as_deref(), Some(&offered), "all of what was offered");
            }
            Err(_) => assert_eq!(now, before, "nothing of what was offered"),
        }
        if let (Some(before), Some(now)) = (&before, &now) {
            for list in ListKind::ALL {
                assert!(now.headers().of(list).sequence >= before.headers().of(list).sequence, "{list}");
            }
            assert!(now.whl == before.whl || now.headers().whl.sequence > before.headers().whl.sequence);
            assert!(now.gnl == before.gnl || now.headers().gnl.sequence > before.headers().gnl.sequence);
        }
        before = now;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn no_list_goes_back_and_all_change_together(
        offers in prop::collection::vec((offer(), offer()), 1..16),
        restarts in prop::collection::vec(prop::bool::weighted(0.2), 16),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(offer_in_turn(offers, restarts));
    }
}
