//! The clockwork against a clock that stands until it is moved.

use std::time::Duration;

use http_body_util::BodyExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::time::{advance, timeout};

use super::*;

fn look(pace: &Pace) -> Look {
    pace.look(&EdgeConfig::new(Vec::new()), Instant::now())
}

fn over(pace: &Pace) -> Option<TimedOut> {
    match look(pace).verdict {
        Verdict::Over(reason) => Some(reason),
        Verdict::Until(_) => None,
    }
}

/// So much time passes, and the connection is polled again.
async fn pass(pace: &Pace, time: Duration) {
    advance(time).await;
    pace.next_turn(Instant::now());
}

/// Just before, then just after.
async fn turns_over_after(pace: &Pace, seconds: u64, reason: TimedOut) {
    pass(pace, Duration::from_secs(seconds) - Duration::from_millis(1)).await;
    assert_eq!(over(pace), None);
    pass(pace, Duration::from_millis(1)).await;
    assert_eq!(over(pace), Some(reason));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_says_nothing_has_ten_seconds() {
    turns_over_after(&Pace::start(false), 10, TimedOut::Silent).await;
    turns_over_after(&Pace::start(true), 10, TimedOut::Silent).await;
}

#[tokio::test(start_paused = true)]
async fn a_head_has_ten_seconds_from_its_first_byte() {
    let pace = Pace::start(false);
    pass(&pace, Duration::from_secs(9)).await;
    pace.note_bytes(b"x");
    pass(&pace, Duration::from_secs(5)).await;
    pace.note_bytes(b"x");
    turns_over_after(&pace, 5, TimedOut::Header).await;
}

#[tokio::test(start_paused = true)]
async fn between_requests_a_client_has_a_minute() {
    let pace = Pace::start(false);
    pass(&pace, Duration::from_secs(8)).await;
    drop(pace.begin(true));
    turns_over_after(&pace, 60, TimedOut::Idle).await;
}

#[tokio::test(start_paused = true)]
async fn frames_that_ask_nothing_do_not_keep_http2_open() {
    let pace = Pace::start(true);
    pace.note_bytes(b"x");
    pass(&pace, Duration::from_secs(59)).await;
    pace.note_bytes(b"x");
    turns_over_after(&pace, 1, TimedOut::Idle).await;
}

#[tokio::test(start_paused = true)]
async fn a_request_has_five_minutes_while_the_answer_is_ours_to_give() {
    let pace = Pace::start(false);
    let _open = pace.begin(true);
    turns_over_after(&pace, 300, TimedOut::Request).await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_not_taken_ends_unless_another_one_moves() {
    let pace = Pace::start(true);
    let mut stuck = pace.begin(true).answered_by(Body::full(vec![0; 100_000].into()));
    let other = pace.begin(true);
    drop(stuck.frame().await);
    pass(&pace, Duration::from_secs(40)).await;
    assert_eq!(over(&pace), None, "the other request is waiting for us, not for the client");
    drop(other);
    assert_eq!(over(&pace), Some(TimedOut::Stalled));
    drop(stuck.frame().await);
    turns_over_after(&pace, 30, TimedOut::Stalled).await;
    drop(stuck);
    assert!(!look(&pace).busy);
    assert_eq!(over(&pace), None);
}

const WARM: Duration = Duration::from_millis(500);

fn rests(pace: &Pace) -> bool {
    look(pace).rests_from.is_some_and(|from| from <= Instant::now())
}

#[tokio::test(start_paused = true)]
async fn a_connection_rests_when_all_that_was_asked_is_answered_and_out() {
    let (pace, (_client, io)) = (Pace::start(false), tokio::io::duplex(64));
    let mut io = PacedIo::new(io, Arc::clone(&pace));
    pass(&pace, WARM).await;
    assert!(!rests(&pace), "nothing was asked yet");
    let open = pace.begin(true);
    pass(&pace, WARM).await;
    assert!(!rests(&pace));
    drop(open);
    assert!(!rests(&pace), "the next request may follow at once");
    pass(&pace, WARM).await;
    assert!(!rests(&pace), "nobody looked whether more has come");
    timeout(Duration::ZERO, io.read_u8()).await.unwrap_err();
    assert!(rests(&pace));
    io.write_all(b"answer").await.unwrap();
    assert!(!rests(&pace), "it is not flushed");
    io.flush().await.unwrap();
    assert!(rests(&pace));
    pace.note_bytes(b"x");
    assert!(!rests(&pace), "a head is on its way");
}

#[tokio::test(start_paused = true)]
async fn a_connection_does_not_rest_after_a_body_nor_with_http2() {
    for (pace, bodiless) in [(Pace::start(false), false), (Pace::start(true), true)] {
        pace.read_dry.store(true, Ordering::Relaxed);
        drop(pace.begin(bodiless));
        pass(&pace, WARM).await;
        assert!(!rests(&pace));
    }
}

#[tokio::test]
async fn what_was_read_before_comes_first() {
    let io = PacedIo::new(&b"third"[..], Pace::start(false)).after(Bytes::from_static(b"first second "));
    assert!(io.untouched().is_none());
    let mut text = String::new();
    BufReader::with_capacity(7, io).read_to_string(&mut text).await.unwrap();
    assert_eq!(text, "first second third");
}

#[tokio::test(start_paused = true)]
async fn an_answer_waits_for_a_client_of_http2_from_its_head_on() {
    let pace = Pace::start(true);
    let _shut = pace.begin(true).answered_by(Body::full(vec![0; 100].into()));
    turns_over_after(&pace, 30, TimedOut::Stalled).await;
}

#[tokio::test(start_paused = true)]
async fn who_gives_up_more_than_half_of_many_requests_only_keeps_us_busy() {
    let pace = Pace::start(true);
    for _ in 0..ABANDONED_MOST {
        drop(pace.begin(true));
    }
    assert_eq!(over(&pace), None, "a client may change its mind");
    drop(pace.begin(true));
    assert_eq!(over(&pace), Some(TimedOut::Flooding));
    let busy = Pace::start(true);
    for _ in 0..1_000 {
        drop((busy.begin(true), busy.begin(true).answered_by(Body::empty())));
    }
    assert_eq!(over(&busy), None, "half of them were answered");
}

#[tokio::test(start_paused = true)]
async fn frames_for_nothing_are_credited_by_requests_and_by_time() {
    // A PING (RFC 9113 section 6.7), after what a client sends first.
    let ping = [0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8];
    let sent = |pings: u64| {
        let mut bytes = vec![b'P'; 24];
        (0..pings).for_each(|_| bytes.extend_from_slice(&ping));
        bytes
    };
    let read = async |pace: &Arc<Pace>, pings: u64| {
        let bytes = sent(pings);
        let mut heard = Vec::new();
        PacedIo::new(&bytes[..], Arc::clone(pace)).read_to_end(&mut heard).await.is_ok()
    };
    let pace = Pace::start(true);
    assert!(read(&pace, frames::FREE).await);
    assert!(!read(&pace, frames::FREE + 1).await && pace.is_flooded());
    let pace = Pace::start(true);
    drop(pace.begin(true));
    advance(Duration::from_secs(3)).await;
    let allowed = frames::FREE + frames::EACH_USEFUL + 3 * frames::EACH_SECOND;
    assert!(read(&pace, allowed).await && !pace.is_flooded());
    assert!(!read(&pace, allowed + 1).await);
    assert!(read(&Pace::start(false), 10_000).await, "HTTP/1.1 has none");
}
