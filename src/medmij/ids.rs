//! Identifiers that tie the steps of one exchange together: UUIDs of the client, and our own.

use std::fmt;

use uuid::Uuid;

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// Parses the hyphenated form (36 characters); nothing else is accepted, so that nothing else is echoed.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                if text.len() == 36 { Uuid::try_parse(text).ok().map(Self) } else { None }
            }

            /// The hyphenated form, in lower case.
            #[must_use]
            pub fn text(self) -> [u8; 36] {
                hyphenated(self.0.as_u128())
            }
        }

        /// As text.
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.0.hyphenated().encode_lower(&mut Uuid::encode_buffer()))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }
    };
}

/// 32 hexadecimal digits in groups of 8, 4, 4, 4 and 12 (RFC 9562 section 4), eight of them at once: one after the other, those
/// of the four ids in an audit record took a third of its encoding.
const fn hyphenated(id: u128) -> [u8; 36] {
    let [a, b, c, d, e, f, g, h] = digits((id >> 96) as u32);
    let [i, j, k, l, m, n, o, p] = digits((id >> 64) as u32);
    let [q, r, s, t, u, v, w, x] = digits((id >> 32) as u32);
    let [y, z, aa, ab, ac, ad, ae, af] = digits(id as u32);
    [
        a, b, c, d, e, f, g, h, b'-', i, j, k, l, b'-', m, n, o, p, b'-', q, r, s, t, b'-', u, v, w, x, y, z, aa, ab,
        ac, ad, ae, af,
    ]
}

/// Eight hexadecimal digits, in lower case. Each takes a byte of a word: its half of a byte is moved there, and what is above 9 goes
/// on from `a`.
const fn digits(number: u32) -> [u8; 8] {
    let spread = number as u64;
    let spread = (spread | spread << 16) & 0x0000_ffff_0000_ffff;
    let spread = (spread | spread << 8) & 0x00ff_00ff_00ff_00ff;
    let spread = (spread | spread << 4) & 0x0f0f_0f0f_0f0f_0f0f;
    let letters = (spread + 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101;
    (spread + 0x3030_3030_3030_3030 + letters * (b'a' - b'9' - 1) as u64).to_be_bytes()
}

uuid_id! {
    /// `MedMij-Request-ID`: unique per request in the network (core.tknint.208, core.rscint.201).
    RequestId
}
uuid_id! {
    /// `X-Correlation-ID`: one per authorization, carried through all later steps.
    CorrelationId
}
uuid_id! {
    /// Our own id of a request; it is the reference number that people see.
    LocalId
}

impl LocalId {
    /// A new one, ordered by time.
    #[must_use]
    pub fn new(now: jiff::Timestamp) -> Self {
        let millis = u64::try_from(now.as_millisecond()).unwrap_or_default();
        Self(uuid::Builder::from_unix_timestamp_millis(millis, &crate::secret::random_id::<10>()).into_uuid())
    }

    /// Its 16 bytes.
    #[must_use]
    pub const fn bytes(self) -> [u8; 16] {
        *self.0.as_bytes()
    }

    /// The second in which one of ours was made, since 1970.
    #[must_use]
    pub const fn second(self) -> u64 {
        let [a, b, c, d, e, f, ..] = self.bytes();
        u64::from_be_bytes([0, 0, a, b, c, d, e, f]) / 1_000
    }

    /// When it was made, to the millisecond; `None` when it is not one of ours.
    #[must_use]
    pub fn made_at(self) -> Option<jiff::Timestamp> {
        let (seconds, nanos) = self.0.get_timestamp()?.to_unix();
        jiff::Timestamp::new(i64::try_from(seconds).ok()?, i32::try_from(nanos).ok()?).ok()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn its_text_is_the_hyphenated_form(id: u128) {
            let uuid = Uuid::from_u128(id);
            prop_assert_eq!(hyphenated(id).to_vec(), uuid.hyphenated().to_string().into_bytes());
        }
    }

    #[test]
    fn only_the_hyphenated_form_is_an_id() {
        assert!(RequestId::parse("0d4c6c7a-2f0e-4d7e-9f56-2d3a9a4f6f10").is_some());
        for text in ["", "0d4c6c7a2f0e4d7e9f562d3a9a4f6f10", "{0d4c6c7a-2f0e-4d7e-9f56-2d3a9a4f6f1}", "x\r\n"] {
            assert!(RequestId::parse(text).is_none(), "{text}");
        }
    }
}
