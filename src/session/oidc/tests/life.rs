//! How long metadata and keys are kept, and how the provider changes its keys.

use std::time::Duration;

use super::super::{OidcError, Userinfo};
use super::emulator::Canned;
use super::world::{DISCOVERY, World};
use crate::jose::{JwsError, SignatureAlgorithm, SigningKey};

fn fetched(world: &World) -> (usize, usize) {
    (world.emulator.seen(DISCOVERY).len(), world.emulator.seen("/keys").len())
}

async fn log_in(world: &World) -> Result<(), OidcError> {
    let away = world.leave().await;
    world.give_all(&away, Userinfo::Plain);
    world.come_back(&away).await.map(drop)
}

#[tokio::test]
async fn metadata_and_keys_are_read_once_an_hour() {
    let world = World::start(Userinfo::Plain).await;
    assert_eq!(fetched(&world), (0, 0), "nothing is asked before somebody comes");
    for _ in 0..3 {
        log_in(&world).await.unwrap();
    }
    world.clock.advance(Duration::from_secs(3599));
    log_in(&world).await.unwrap();
    assert_eq!(fetched(&world), (1, 1));
    world.clock.advance(Duration::from_secs(1));
    log_in(&world).await.unwrap();
    assert_eq!(fetched(&world), (2, 2));
}

#[tokio::test]
async fn many_that_come_at_once_cost_one_reading() {
    let world = World::start(Userinfo::Plain).await;
    let known = (0..20).map(|_| world.login.party().provider.known());
    let mut known: Vec<_> = known.map(Box::pin).collect();
    let all = std::future::poll_fn(|context| {
        known.retain_mut(|one| one.as_mut().poll(context).is_pending());
        if known.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    });
    all.await;
    assert_eq!(fetched(&world), (1, 1));
}

#[tokio::test]
async fn while_reading_anew_fails_what_there_is_serves_for_a_day() {
    let world = World::start(Userinfo::Plain).await;
    log_in(&world).await.unwrap();
    world.emulator.answer(DISCOVERY, Canned::error(503, ""));
    world.clock.advance(Duration::from_hours(1));
    log_in(&world).await.unwrap();
    log_in(&world).await.unwrap();
    assert_eq!(fetched(&world), (2, 1), "one attempt a minute");
    world.clock.advance(Duration::from_secs(60));
    log_in(&world).await.unwrap();
    assert_eq!(fetched(&world), (3, 1));
    world.clock.advance(Duration::from_hours(23));
    assert!(world.try_leave().await.is_err());
    world.emulator.answer(DISCOVERY, Canned::json(&world.metadata()));
    log_in(&world).await.unwrap();
}

#[tokio::test]
async fn a_new_key_of_the_provider_is_fetched_when_it_is_first_used() {
    let mut world = World::start(Userinfo::Plain).await;
    log_in(&world).await.unwrap();
    world.key = SigningKey::generate(SignatureAlgorithm::Ps256).unwrap();
    world.publish_key();
    log_in(&world).await.unwrap();
    log_in(&world).await.unwrap();
    assert_eq!(fetched(&world), (2, 2));
}

#[tokio::test]
async fn keys_that_nobody_publishes_cost_one_reading_a_minute() {
    let mut world = World::start(Userinfo::Plain).await;
    log_in(&world).await.unwrap();
    world.key = SigningKey::generate(SignatureAlgorithm::Es256).unwrap();
    for _ in 0..3 {
        assert_eq!(log_in(&world).await, Err(OidcError::IdToken(JwsError::UnknownKey)));
    }
    assert_eq!(fetched(&world), (2, 2));
    world.clock.advance(Duration::from_secs(60));
    world.publish_key();
    log_in(&world).await.unwrap();
    assert_eq!(fetched(&world), (3, 3));
}
