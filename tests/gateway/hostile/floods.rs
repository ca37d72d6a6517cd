//! Floods of HTTP/2: each ends its own connection, by our doing, while others are served. What h2 keeps of each is bounded by
//! h2 itself; what it answers for ever is ended by `edge::frames` and `edge::pace`.

use inzage::sandbox::his::faults::{Fail, Faults};
use inzage::tls::ALPN_H2;

use super::doors::{Door, MARKER};
use super::frames::{
    CONTINUATION, DATA, END_HEADERS, END_STREAM, H2, HEADERS, NONE, PING, PRIORITY, RST_STREAM, SETTINGS, block, frame,
    get, pseudo,
};
use crate::harness::Gateway;

const HAVEN: &str = "huisarts.haven@medmij";
const DELINDE: &str = "huisarts.delinde@medmij";
const CANCEL: [u8; 4] = 8_u32.to_be_bytes();
/// Pieces of some ten frames: 100,000 frames in all.
const ROUNDS: u32 = 10_000;
const IN_A_PIECE: u32 = 10;

/// Streams of a client have odd numbers.
const fn stream(number: u32) -> u32 {
    2 * number + 1
}

/// Floods the front channel; the flood is over before its last frame, and others were served meanwhile and are after it.
async fn assert_ended(gateway: &Gateway, what: &str, before: &[u8], piece: impl FnMut(u32) -> Vec<u8>) {
    let door = Door::front(gateway, ALPN_H2);
    let mut flood = H2::open(&door, &[]).await;
    flood.send(before).await.unwrap();
    let mut other = H2::open(&door, &[]).await;
    let authority = door.authority();
    let served = async {
        for number in 0..20 {
            other.send(&get(stream(number), &authority, MARKER)).await.unwrap();
            let answer = other.until(|came| came.kind == HEADERS && came.stream == stream(number)).await;
            assert!(answer.unwrap().is_ok(), "{what}: another client is not served");
        }
    };
    let (ended, ()) = tokio::join!(flood.ends_within(ROUNDS, piece), served);
    assert!(ended, "{what}: it went on to its last frame");
}

fn many(each: impl Fn(u32) -> Vec<u8>, round: u32) -> Vec<u8> {
    (0..IN_A_PIECE).flat_map(|number| each(round * IN_A_PIECE + number)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn case_71_rapid_reset() {
    let gateway = Gateway::start().await;
    let authority = Door::front(&gateway, ALPN_H2).authority();
    let reset =
        |number| [get(stream(number), &authority, MARKER), frame(RST_STREAM, NONE, stream(number), &CANCEL)].concat();
    assert_ended(&gateway, "rapid reset", &[], |round| many(reset, round)).await;
    gateway.stop().await;
}

/// The patient form of it: each request has begun when it is given up, so that h2 does not see it as reset at once.
#[tokio::test(flavor = "multi_thread")]
async fn case_71_requests_that_are_begun_and_given_up() {
    let gateway = Gateway::start().await;
    let session = gateway.session(DELINDE, &gateway.patient()).await;
    let other = gateway.session(HAVEN, gateway.world.practices[1].patients[0].bsn.reveal()).await;
    gateway.world.his[0].set_faults(Faults { fail: Fail::Hang, ..Faults::default() });
    let door = Door::back(&gateway, ALPN_H2);
    let (authority, bearer) = (door.authority(), format!("Bearer {}", session.token.access_token));
    let path = session.base().split_once(&authority).unwrap().1.to_owned() + "/Encounter";
    let mut flood = H2::open(&door, &[]).await;
    let mut begun = 0;
    while begun < 2_000 {
        let mut headers = pseudo("GET", &authority, &path).to_vec();
        headers.push(("authorization", &bearer));
        let asked = frame(HEADERS, END_STREAM | END_HEADERS, stream(begun), &block(&headers));
        let given_up = frame(RST_STREAM, NONE, stream(begun), &CANCEL);
        begun += 1;
        if flood.send(&asked).await.is_err() || flood.heard().await.is_none() || flood.send(&given_up).await.is_err() {
            break;
        }
    }
    assert!((200..1_000).contains(&begun), "ended after {begun}");
    assert_eq!(other.get("Encounter").await.status, 200);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn case_72_continuation_flood() {
    let gateway = Gateway::start().await;
    let authority = Door::front(&gateway, ALPN_H2).authority();
    let begun = frame(HEADERS, END_STREAM, 1, &block(&pseudo("GET", &authority, MARKER)));
    let more = |_| frame(CONTINUATION, NONE, 1, &block(&[("x-more", "of the same")]));
    assert_ended(&gateway, "CONTINUATION", &begun, |round| many(more, round)).await;
    let empty = |_| frame(CONTINUATION, NONE, 1, &[]);
    assert_ended(&gateway, "empty CONTINUATION", &begun, |round| many(empty, round)).await;
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn case_73_empty_data_flood() {
    let gateway = Gateway::start().await;
    let authority = Door::front(&gateway, ALPN_H2).authority();
    let mut headers = pseudo("POST", &authority, "/inzagelog").to_vec();
    headers.push(("content-type", "application/x-www-form-urlencoded"));
    let begun = frame(HEADERS, END_HEADERS, 1, &block(&headers));
    let empty = |_| frame(DATA, NONE, 1, &[]);
    assert_ended(&gateway, "empty DATA", &begun, |round| many(empty, round)).await;
    let small = |_| frame(DATA, NONE, 1, b"x");
    assert_ended(&gateway, "DATA of one octet", &begun, |round| many(small, round)).await;
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn case_74_settings_ping_and_priority_floods() {
    let gateway = Gateway::start().await;
    let (ping, priority) = (frame(PING, NONE, 0, &[7; 8]), frame(PRIORITY, NONE, 3, &[0, 0, 0, 0, 9]));
    let window = frame(8, NONE, 0, &1_u32.to_be_bytes());
    for (what, flood) in [
        ("SETTINGS", frame(SETTINGS, NONE, 0, &[])),
        ("SETTINGS that say something", frame(SETTINGS, NONE, 0, &[0, 4, 0, 0, 255, 255])),
        ("PING", ping),
        ("PRIORITY", priority),
        ("WINDOW_UPDATE", window),
        ("frames of no known kind", frame(0xee, NONE, 0, &[7; 8])),
    ] {
        assert_ended(&gateway, what, &[], |round| many(|_| flood.clone(), round)).await;
    }
    gateway.stop().await;
}

/// A client that works hard is not taken for a flood.
#[tokio::test(flavor = "multi_thread")]
async fn a_busy_client_with_pings_and_resets_is_served() {
    let gateway = Gateway::start().await;
    let door = Door::front(&gateway, ALPN_H2);
    let authority = door.authority();
    let mut busy = H2::open(&door, &[]).await;
    for number in 0..500 {
        let mut asked = get(stream(number), &authority, MARKER);
        // Credit for each answer, more than it takes, and a ping with each.
        asked.extend(frame(8, NONE, 0, &32_768_u32.to_be_bytes()));
        asked.extend(frame(PING, NONE, 0, &[7; 8]));
        busy.send(&asked).await.unwrap();
        let answer = busy.until(|came| came.kind == HEADERS && came.stream == stream(number)).await;
        assert!(answer.unwrap().is_ok(), "{number}");
        let ended = busy.until(|came| came.kind == DATA && came.flags & END_STREAM != 0).await;
        assert_eq!(ended.unwrap().stream, stream(number));
    }
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn case_75_a_window_that_stays_shut() {
    let gateway = Gateway::start_with("[edge]\nstall_timeout_ms = 200\n").await;
    let door = Door::front(&gateway, ALPN_H2);
    // SETTINGS_INITIAL_WINDOW_SIZE 0.
    let mut shut = H2::open(&door, &[0, 4, 0, 0, 0, 0]).await;
    let asked: Vec<u8> = (0..100).flat_map(|number| get(stream(number), &door.authority(), MARKER)).collect();
    shut.send(&asked).await.unwrap();
    let mut data = 0;
    while let Some(came) = shut.next().await {
        data += usize::from(came.kind == DATA) * came.payload.len();
    }
    assert_eq!(data, 0, "ended by us, and nothing was pushed in");
    assert_eq!(super::doors::status(&Door::front(&gateway, b"http/1.1").raw(door.get(MARKER)).await), 200);
    gateway.stop().await;
}
