//! Signed notes, their keys and checkpoints: what is taken prints as it came, and no text opens with a key that did not sign
//! it. The seed corpus holds sound ones, so that the fuzzer starts from signatures that fit.

#![no_main]

use inzage::audit::checkpoint::Checkpoint;
use inzage::audit::keys::LogKeys;
use inzage::audit::note::{KeyName, Note, SigningKey, VerifierKey};
use inzage::secret::Secret;
use libfuzzer_sys::fuzz_target;

const SEEDS: [u8; 2] = [1, 2];

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&Secret::new([seed; 32]), KeyName::parse("log").expect("a name"))
}

/// One key has signed the seeds; the other has signed nothing.
fn note(text: &str) {
    let [signer, stranger] = SEEDS.map(|seed| key(seed).verifier());
    let Ok(note) = Note::parse(text) else { return };
    assert_eq!(note.to_string(), text);
    assert!(note.clone().open(&[stranger.clone()]).is_err());
    if let Ok(signed) = note.clone().open(&[signer.clone(), stranger]) {
        assert!(signed.is_by(signer.name()) && text.starts_with(signed.text()));
        // Ed25519 gives one signature for a text, so ours is among them.
        let ours = Note::of(signed.text()).expect("a text").sign(&key(1)).to_string();
        assert!(text.contains(ours.lines().last().expect("a signature")));
    }
}

fn checkpoint(text: &str) {
    if let Ok(parsed) = Checkpoint::parse(text) {
        assert_eq!(parsed.text(), text);
        if parsed.origin.as_str() == "log" {
            let note = parsed.sign(&key(1)).expect("the key of this log").to_string();
            assert_eq!(Checkpoint::open(&note, &[key(1).verifier()]).as_ref(), Ok(&parsed));
            assert!(Checkpoint::open(&note, &[key(2).verifier()]).is_err());
        }
    }
}

fuzz_target!(|text: &str| {
    note(text);
    checkpoint(text);
    if let Ok(key) = text.parse::<VerifierKey>() {
        assert_eq!(key.to_string(), text);
    }
    if let Ok(keys) = LogKeys::parse(text) {
        assert_eq!(LogKeys::parse(&keys.to_string()), Ok(keys));
    }
});
