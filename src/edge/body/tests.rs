//! Bodies taken to their end, left half-way, stopped and torn.

use std::sync::mpsc;

use http_body_util::BodyExt as _;

use super::*;

fn watch() -> (OnEnd, mpsc::Receiver<Ended>) {
    let (sender, receiver) = mpsc::channel();
    (Box::new(move |ended| sender.send(ended).unwrap()), receiver)
}

#[tokio::test]
async fn a_body_taken_to_its_last_byte_is_complete_before_anybody_asks_for_more() {
    let (on_end, ended) = watch();
    let mut body = Body::watched(Bytes::from_static(b"abc"), on_end);
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "abc");
    assert_eq!(ended.try_recv(), Ok(Ended::Complete { bytes: 3 }));
    assert!(body.frame().await.is_none());
    drop(body);
    assert!(ended.try_recv().is_err());
}

#[tokio::test]
async fn a_body_left_half_way_is_dropped_with_the_bytes_taken() {
    let (on_end, ended) = watch();
    let mut body = Body::watched(Bytes::from(vec![7; PIECE_MAX_BYTES + 1]), on_end);
    assert_eq!(body.size_hint().exact(), Some(65_537));
    drop(body.frame().await.unwrap().unwrap());
    assert_eq!(body.size_hint().exact(), Some(1));
    drop(body);
    assert_eq!(ended.try_recv(), Ok(Ended::Dropped { bytes: 65_536 }));
}

#[test]
fn an_empty_body_is_complete_and_an_unasked_one_is_not() {
    let (on_end, ended) = watch();
    drop(Body::watched(Bytes::new(), on_end));
    assert_eq!(ended.try_recv(), Ok(Ended::Complete { bytes: 0 }));
    let (on_end, ended) = watch();
    drop(Body::watched(Bytes::from_static(b"abc"), on_end));
    assert_eq!(ended.try_recv(), Ok(Ended::Dropped { bytes: 0 }));
}

#[tokio::test]
async fn a_gate_that_closes_breaks_the_body_off_before_its_next_piece() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU8, Ordering};
    for known in [true, false] {
        let (on_end, ended) = watch();
        let asked = Arc::new(AtomicU8::new(0));
        let gate: Gate = Box::new({
            let asked = Arc::clone(&asked);
            move || {
                let may = asked.fetch_add(1, Ordering::Relaxed) < 1;
                if known {
                    return Leave::Known(may);
                }
                // As when a store is asked.
                Leave::Asked(Box::pin(async move {
                    tokio::task::yield_now().await;
                    may
                }))
            }
        });
        let mut body = Body::watched(Bytes::from(vec![7; 2 * PIECE_MAX_BYTES]), on_end).gated(gate);
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap().len(), 65_536);
        assert!(ended.try_recv().is_err());
        assert!(body.frame().await.unwrap().is_err());
        assert_eq!(ended.try_recv(), Ok(Ended::Stopped { bytes: 65_536 }));
        assert_eq!(asked.load(Ordering::Relaxed), 2, "once for each piece");
    }
}

#[tokio::test]
async fn a_stream_of_the_router_is_cut_in_pieces_and_can_be_watched() {
    let (on_end, ended) = watch();
    let body = Body::axum(axum::body::Body::from(vec![7; 2 * PIECE_MAX_BYTES])).watch(on_end);
    assert_eq!(body.size_hint().exact(), Some(131_072));
    assert_eq!(body.collect().await.unwrap().to_bytes().len(), 131_072);
    assert_eq!(ended.try_recv(), Ok(Ended::Complete { bytes: 131_072 }));
}

#[tokio::test]
async fn a_stream_that_fails_is_dropped() {
    let (on_end, ended) = watch();
    let result = Body::axum(axum::body::Body::new(FailsSecond(0))).watch(on_end).collect().await;
    assert!(result.is_err());
    assert_eq!(ended.try_recv(), Ok(Ended::Dropped { bytes: 2 }));
}

struct FailsSecond(u8);

impl HttpBody for FailsSecond {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        self.0 += 1;
        let first = self.0 == 1;
        let frame =
            if first { Ok(Frame::data(Bytes::from_static(b"ab"))) } else { Err(std::io::ErrorKind::Other.into()) };
        Poll::Ready(Some(frame))
    }
}

struct Scripted(Vec<Option<Result<Bytes, Torn>>>);

impl Source for Scripted {
    fn poll_bytes(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, Torn>>> {
        Poll::Ready(self.0.remove(0))
    }
}

fn some(length: usize) -> Option<Result<Bytes, Torn>> {
    Some(Ok(Bytes::from(vec![7; length])))
}

#[tokio::test]
async fn a_source_is_cut_in_pieces_and_ends_when_it_says_so() {
    let (on_end, ended) = watch();
    let mut body = Body::stream(Scripted(vec![some(PIECE_MAX_BYTES + 1), some(0), some(2), None]), None).watch(on_end);
    assert_eq!(body.size_hint().exact(), None);
    for length in [PIECE_MAX_BYTES, 1, 2] {
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap().len(), length);
    }
    assert!(ended.try_recv().is_err(), "nobody knows yet that it was the last");
    assert!(body.frame().await.is_none());
    assert_eq!(ended.try_recv(), Ok(Ended::Complete { bytes: 65_539 }));
    assert!(body.is_end_stream());
}

#[tokio::test]
async fn a_source_that_fails_is_not_a_client_that_left() {
    let (on_end, ended) = watch();
    let mut body = Body::stream(Scripted(vec![some(3), Some(Err(Torn))]), None).watch(on_end);
    assert!(body.frame().await.unwrap().is_ok());
    assert!(body.frame().await.unwrap().is_err());
    assert_eq!(ended.try_recv(), Ok(Ended::Failed { bytes: 3 }));
    let (on_end, ended) = watch();
    let mut left = Body::stream(Scripted(vec![some(3), some(3)]), None).watch(on_end);
    assert!(left.frame().await.unwrap().is_ok());
    drop(left);
    assert_eq!(ended.try_recv(), Ok(Ended::Dropped { bytes: 3 }));
}

#[tokio::test]
async fn an_announced_length_is_kept_or_the_body_is_torn() {
    for (script, end) in [
        (vec![some(2), some(2), None], Ended::Complete { bytes: 4 }),
        (vec![some(2), None], Ended::Failed { bytes: 2 }),
        (vec![some(2), some(3), None], Ended::Failed { bytes: 2 }),
        (vec![some(5)], Ended::Failed { bytes: 0 }),
    ] {
        let (on_end, ended) = watch();
        let body = Body::stream(Scripted(script), Some(4)).watch(on_end);
        assert_eq!(body.size_hint().exact(), Some(4));
        let collected = body.collect().await;
        assert_eq!(collected.is_ok(), matches!(end, Ended::Complete { .. }));
        assert_eq!(ended.try_recv(), Ok(end));
    }
}
