//! Reading back the access log. Any bytes as a segment: no panic, and `show` prints what `verify` counted. A sound log of
//! any payloads: it verifies, and one changed byte or a cut never gives the same log.

#![no_main]

use std::path::Path;

use inzage::audit::{MAX_PAYLOAD_BYTES, ReadError, ShowError, Verified, read_dir, show, verify};
use libfuzzer_sys::fuzz_target;

#[path = "audit/folder.rs"]
mod folder;

/// All ways of reading agree.
fn read(dir: &Path) -> Option<Verified> {
    let verified = verify(dir);
    let records = match read_dir(dir) {
        Ok(records) => records.collect::<Result<Vec<_>, ReadError>>(),
        Err(error) => Err(error),
    };
    match (&verified, &records) {
        (Ok(verified), Ok(records)) => {
            assert_eq!(verified.records, records.len() as u64);
            assert!(records.iter().zip(0..).all(|((index, _), expected)| *index == expected));
        }
        (Err(one), Err(other)) => assert_eq!(one.to_string(), other.to_string()),
        (Ok(_), Err(_)) | (Err(_), Ok(_)) => panic!("one way of reading finds damage, another none"),
    }
    match show(dir, &mut Vec::new()) {
        Ok(shown) => assert_eq!(Some(shown), verified.as_ref().ok().map(|verified| verified.records)),
        Err(ShowError::Form { .. }) => {}
        Err(ShowError::Read(_)) => assert!(verified.is_err()),
        Err(ShowError::Write(error)) => panic!("{error}"),
    }
    verified.ok()
}

/// The input as payloads, ended by line feeds; none is empty.
fn payloads(input: &[u8]) -> Vec<&[u8]> {
    input.split(|byte| *byte == b'\n').filter(|part| (1..=MAX_PAYLOAD_BYTES).contains(&part.len())).collect()
}

fn changed(sound: &[u8], place: u16, mask: u8) -> Vec<u8> {
    let mut bytes = sound.to_vec();
    let length = bytes.len();
    if mask == 0 {
        bytes.truncate(usize::from(place) % length);
    } else {
        bytes[usize::from(place) % length] ^= mask;
    }
    bytes
}

fuzz_target!(|input: &[u8]| {
    folder::with_log(input, read);
    let Some((&[mask, low, high], rest)) = input.split_first_chunk() else { return };
    let payloads = payloads(rest);
    let sound = folder::segment(1 + low % 2, &payloads);
    let whole = folder::with_log(&sound, read).expect("a sound log");
    assert_eq!((whole.records, whole.unfinished_bytes), (payloads.len() as u64, 0));
    if let Some(other) = folder::with_log(&changed(&sound, u16::from_le_bytes([low, high]), mask), read) {
        // A part of the log, cut off at a record or in one; never all of it, never something else.
        assert!(other.records < whole.records && other.head != whole.head && other.log == whole.log);
    }
});
