//! The place of a request in a trace (W3C Trace Context, <https://www.w3.org/TR/trace-context/>). `traceparent` is accepted and
//! handed on; `tracestate` is neither: it is free text of other systems, and this is where trust ends (section 6.3 of the
//! standard lets a service drop it).

use std::fmt;

use crate::medmij::LocalId;

/// Bytes of the header in version 00.
pub(super) const HEADER_LENGTH: usize = 55;

/// Which trace: 16 bytes, not all of them zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceId([u8; 16]);

impl TraceId {
    /// Its bytes.
    #[must_use]
    pub const fn bytes(self) -> [u8; 16] {
        self.0
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0; 32];
        write_hex(&self.0, &mut text);
        f.write_str(std::str::from_utf8(&text).unwrap_or_default())
    }
}

/// A request in its trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceContext {
    trace: TraceId,
    /// Who called; `None` when the trace begins here.
    parent: Option<[u8; 8]>,
    /// This request.
    span: [u8; 8],
    sampled: bool,
}

impl TraceContext {
    /// The trace that a caller says it is in; `None` when the header is not what the standard says. Of a later version the part
    /// that is as in version 00 is read (section 4.3).
    #[must_use]
    pub fn continued(header: &str, id: LocalId) -> Option<Self> {
        let bytes = header.as_bytes();
        let (known, rest) = bytes.split_at_checked(HEADER_LENGTH)?;
        let mut fields = known.split(|byte| *byte == b'-');
        let [version] = hex(fields.next()?)?;
        let (trace, parent, [flags]) = (hex(fields.next()?)?, hex(fields.next()?)?, hex(fields.next()?)?);
        let whole =
            fields.next().is_none() && if version == 0 { rest.is_empty() } else { matches!(rest, [] | [b'-', ..]) };
        let valid = whole && version != 0xff && trace != [0; 16] && parent != [0; 8];
        let sampled = flags & 1 == 1;
        valid.then(|| Self { trace: TraceId(trace), parent: Some(parent), span: span(id), sampled })
    }

    /// A trace that begins with this request: its id is our id of the request, so that the one is found by the other.
    #[must_use]
    pub fn begun(id: LocalId) -> Self {
        Self { trace: TraceId(id.bytes()), parent: None, span: span(id), sampled: false }
    }

    /// Which trace.
    #[must_use]
    pub const fn trace(&self) -> TraceId {
        self.trace
    }

    /// Who called, when somebody did who traces.
    #[must_use]
    pub const fn parent(&self) -> Option<[u8; 8]> {
        self.parent
    }

    /// This request.
    #[must_use]
    pub const fn span(&self) -> [u8; 8] {
        self.span
    }

    /// Whether the caller keeps its part of the trace.
    #[must_use]
    pub const fn is_sampled(&self) -> bool {
        self.sampled
    }

    /// The header for a call that this request makes.
    #[must_use]
    pub fn header(&self) -> [u8; HEADER_LENGTH] {
        let mut text = *b"00-00000000000000000000000000000000-0000000000000000-00";
        let (trace, rest) = text.split_at_mut(36);
        write_hex(&self.trace.0, trace.get_mut(3..35).unwrap_or_default());
        write_hex(&self.span, rest.get_mut(..16).unwrap_or_default());
        if let (true, Some(flags)) = (self.sampled, rest.last_mut()) {
            *flags = b'1';
        }
        text
    }
}

/// The last bytes of our id, which are drawn at random and never all zero: two of its bits are set by its form (RFC 9562
/// section 4.1).
fn span(id: LocalId) -> [u8; 8] {
    let [.., a, b, c, d, e, f, g, h] = id.bytes();
    [a, b, c, d, e, f, g, h]
}

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Writes as many digits as there is room for.
fn write_hex(bytes: &[u8], out: &mut [u8]) {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
    for (place, digit) in out.iter_mut().zip(digits) {
        *place = DIGITS.get(usize::from(digit)).copied().unwrap_or(b'0');
    }
}

/// Exactly N bytes in lower case.
fn hex<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    if text.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        let [high, low] = pair else { return None };
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(bytes)
}

const fn digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GIVEN: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn id() -> LocalId {
        LocalId::parse("0193a4b0-0000-7000-8000-00000000002a").unwrap()
    }

    #[test]
    fn a_caller_that_traces_is_followed() {
        let context = TraceContext::continued(GIVEN, id()).unwrap();
        assert_eq!(context.trace().to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(
            (context.parent(), context.is_sampled()),
            (Some([0, 0xf0, 0x67, 0xaa, 0x0b, 0xa9, 0x02, 0xb7]), true)
        );
        let header = context.header();
        assert_eq!(header, *b"00-4bf92f3577b34da6a3ce929d0e0e4736-800000000000002a-01");
        let next = TraceContext::continued(std::str::from_utf8(&header).unwrap(), id()).unwrap();
        assert_eq!(next.parent(), Some(context.span()));
    }

    #[test]
    fn a_trace_that_begins_here_is_named_as_the_request() {
        let context = TraceContext::begun(id());
        assert_eq!(context.trace().to_string(), "0193a4b0000070008000000000 00002a".replace(' ', ""));
        assert_eq!((context.parent(), context.is_sampled()), (None, false));
        assert!(TraceContext::continued(std::str::from_utf8(&context.header()).unwrap(), id()).is_some());
    }

    /// The headers of the standard's own test suite that restart a trace (w3c/trace-context, `test_traceparent_*`).
    #[test]
    fn what_is_not_a_traceparent_begins_a_trace() {
        for wrong in [
            "",
            "00",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473.-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0x",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01.",
            "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01.",
            "00-4bf92f3577b34da6a3ce929d0e0e47-3600f067aa0ba902b7-010",
        ] {
            assert_eq!(TraceContext::continued(wrong, id()), None, "{wrong}");
        }
        for later in [
            "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            &format!("{}-new", GIVEN.replacen("00", "cc", 1)),
        ] {
            assert!(TraceContext::continued(later, id()).is_some(), "{later}");
        }
    }

    proptest! {
        #[test]
        fn no_header_makes_it_panic_and_what_is_taken_can_be_handed_on(header in "[0-9a-f-]{50,60}|.{0,80}") {
            if let Some(context) = TraceContext::continued(&header, id()) {
                let text = context.header();
                prop_assert_eq!(&text[2..35], &header.as_bytes()[2..35]);
            }
        }
    }
}
