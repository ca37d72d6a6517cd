//! An event as its line. Each request leaves one, so it is written straight into memory that is used again: the general way,
//! through a map of its fields, took three times as long.

use std::cell::RefCell;
use std::fmt::{self, Write as _};
use std::io::Write as _;

use jiff::Timestamp;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use crate::clock::{Clock as _, SystemClock};

/// Where lines go.
pub(super) trait Out: Send + Sync + 'static {
    /// Takes a line, with its end, of an event of this level.
    fn put(&self, line: &[u8], level: Level);
}

/// Writes events as lines.
pub(super) struct Lines<O>(pub(super) O);

thread_local! {
    static LINE: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

impl<S: Subscriber, O: Out> Layer<S> for Lines<O> {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let level = *event.metadata().level();
        let written = LINE.try_with(|line| {
            let mut line = line.try_borrow_mut().ok()?;
            line.clear();
            write(event, &mut line);
            self.0.put(&line, level);
            Some(())
        });
        // The thread is about to end, or a field of an event logs an event.
        if !matches!(written, Ok(Some(()))) {
            let mut line = Vec::new();
            write(event, &mut line);
            self.0.put(&line, level);
        }
    }
}

/// `timestamp`, `level`, the fields, `target`. Writing to memory does not fail.
fn write(event: &Event<'_>, out: &mut Vec<u8>) {
    let metadata = event.metadata();
    out.extend_from_slice(b"{\"timestamp\":\"");
    stamp(SystemClock.now(), out);
    out.extend_from_slice(b"\",\"level\":\"");
    out.extend_from_slice(metadata.level().as_str().as_bytes());
    out.push(b'"');
    event.record(&mut Fields(out));
    out.extend_from_slice(b",\"target\":");
    text(metadata.target(), out);
    out.extend_from_slice(b"}\n");
}

thread_local! {
    /// The second that was written last, and its text up to where its fraction begins.
    static SECOND: RefCell<(i64, String)> = const { RefCell::new((i64::MIN, String::new())) };
}

/// Bytes of a fraction of a second and the end of its text.
const FRACTION: usize = "000000Z".len();

/// In UTC, to the microsecond. What changes once a second is put together once a second.
fn stamp(time: Timestamp, out: &mut Vec<u8>) {
    let (second, micros) = (time.as_second(), time.subsec_microsecond().unsigned_abs());
    let stamped = SECOND.try_with(|known| {
        let mut known = known.try_borrow_mut().ok().filter(|_| second >= 0)?;
        if known.0 != second {
            let text = format!("{time:.6}");
            *known = (second, text.get(..text.len().saturating_sub(FRACTION))?.to_owned());
        }
        out.extend_from_slice(known.1.as_bytes());
        let mut fraction = *b"000000Z";
        let digits = fraction.iter_mut().rev().skip(1);
        digits.fold(micros, |rest, digit| {
            *digit = b'0' + (rest % 10) as u8;
            rest / 10
        });
        out.extend_from_slice(&fraction);
        Some(())
    });
    if !matches!(stamped, Ok(Some(()))) {
        let _ = write!(out, "{time:.6}");
    }
}

/// Appends each field as a member.
struct Fields<'a>(&'a mut Vec<u8>);

impl Fields<'_> {
    fn name(&mut self, field: &Field) {
        self.0.push(b',');
        text(field.name().strip_prefix("r#").unwrap_or(field.name()), self.0);
        self.0.push(b':');
    }

    fn shown(&mut self, field: &Field, value: impl fmt::Display) {
        self.name(field);
        let _ = write!(self.0, "{value}");
    }
}

impl Visit for Fields<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.name(field);
        text(value, self.0);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.name(field);
        self.0.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.shown(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.shown(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        // JSON has no word for what is no number (RFC 8259 section 6).
        if value.is_finite() { self.shown(field, value) } else { self.shown(field, "null") }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.name(field);
        self.0.push(b'"');
        let _ = write!(Escaping(self.0), "{value:?}");
        self.0.push(b'"');
    }
}

/// What is written to it becomes a part of a string of JSON.
struct Escaping<'a>(&'a mut Vec<u8>);

impl fmt::Write for Escaping<'_> {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        escape(part, self.0);
        Ok(())
    }
}

fn text(value: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    escape(value, out);
    out.push(b'"');
}

/// RFC 8259 section 7.
fn escape(text: &str, out: &mut Vec<u8>) {
    // Looked at to the end, as that needs no branch for each byte.
    let must = text.bytes().fold(false, |found, c| found | (c < 0x20) | (c == b'"') | (c == b'\\'));
    if !must {
        return out.extend_from_slice(text.as_bytes());
    }
    for c in text.bytes() {
        match c {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', c]),
            b'\n' => out.extend_from_slice(b"\\n"),
            0..=0x1f => {
                let _ = write!(out, "\\u{c:04x}");
            }
            _ => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use proptest::prelude::*;
    use serde_json::Value;
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Out for Kept {
        fn put(&self, line: &[u8], _: Level) {
            self.0.lock().unwrap().extend_from_slice(line);
        }
    }

    /// The lines of what is logged meanwhile.
    fn lines(log: impl FnOnce()) -> Vec<Value> {
        let kept = Kept::default();
        tracing::subscriber::with_default(tracing_subscriber::registry().with(Lines(kept.clone())), log);
        let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn every_kind_of_field_is_a_member() {
        let found = lines(|| {
            tracing::warn!(target: "inzage::x", count = 7_u64, below = -7_i64, held = true, share = 0.5, none = f64::NAN,
                shown = %"a \"b\"", debugged = ?Some("c"), text = "d\n\u{1}", "said {}", "é");
        });
        let [line] = &found[..] else { panic!("{found:?}") };
        let at: Timestamp = line["timestamp"].as_str().unwrap().parse().unwrap();
        assert!(at > Timestamp::UNIX_EPOCH);
        let mut rest = line.as_object().unwrap().clone();
        rest.remove("timestamp");
        let expected = serde_json::json!({
            "level": "WARN", "target": "inzage::x", "message": "said é", "count": 7, "below": -7, "held": true, "share": 0.5,
            "none": null, "shown": "a \"b\"", "debugged": "Some(\"c\")", "text": "d\n\u{1}",
        });
        assert_eq!(Value::Object(rest), expected);
    }

    /// What logs while it is shown, as a library may.
    struct Nested;

    impl fmt::Display for Nested {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            tracing::info!("within");
            f.write_str("shown")
        }
    }

    #[test]
    fn an_event_within_an_event_does_no_harm() {
        let found = lines(|| tracing::info!(what = %Nested, "around"));
        let around = found.iter().find(|line| line["message"] == "around").unwrap();
        assert_eq!(around["what"], "shown");
    }

    proptest! {
        #[test]
        fn a_moment_is_written_as_the_general_way_does(seconds in -3_i64..3, nanos in prop::collection::vec(0..1_000_000_000_i32, 1..4)) {
            for nanos in nanos {
                let time = Timestamp::new(1_795_000_000 * seconds.signum() + seconds, nanos * seconds.signum() as i32).unwrap();
                let mut out = Vec::new();
                stamp(time, &mut out);
                prop_assert_eq!(String::from_utf8(out).unwrap(), format!("{time:.6}"));
            }
        }

        #[test]
        fn whatever_a_text_holds_it_comes_back(value: String) {
            let found = lines(|| tracing::info!(text = value, shown = %value, "x"));
            prop_assert_eq!((&found[0]["text"], &found[0]["shown"]), (&Value::from(value.clone()), &Value::from(value)));
        }
    }
}
