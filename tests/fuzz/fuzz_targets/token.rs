//! The form of a token request, and the refresh token in it: what is read is what stands there, and the next token is of the
//! same family and of a turn of its own.

#![no_main]

use inzage::form::{Doubled, decode_pairs, optional, single};
use inzage::oauth::refresh::{PresentedRefresh, RefreshToken};
use inzage::secret::hash_handle;
use libfuzzer_sys::fuzz_target;

const FIELDS: [&str; 7] = ["grant_type", "code", "refresh_token", "client_id", "redirect_uri", "scope", "token"];

/// A parameter that may be left out is read as one that may not, save that twice is told apart from never.
fn agree(pairs: &[(String, String)], name: &str) {
    let times = pairs.iter().filter(|(key, _)| key == name).count();
    match optional(pairs, name) {
        Ok(value) => assert!(times <= 1 && value == single(pairs, name)),
        Err(Doubled) => assert!(times >= 2 && single(pairs, name).is_none()),
    }
}

fn turn(text: &str) {
    let Some(presented) = PresentedRefresh::parse(text) else {
        return assert!(text.split('.').count() != 2 || text.starts_with('.') || text.ends_with('.'));
    };
    let (family, handle) = text.split_once('.').expect("a dot");
    let key = presented.key();
    assert_eq!((key.family, key.turn), (hash_handle(family), hash_handle(handle)));
    let next = RefreshToken::after(&presented);
    assert!(next.reveal().starts_with(family) && next.key().family == key.family && next.key().turn != key.turn);
    assert_eq!(PresentedRefresh::parse(next.reveal()).expect("a token").key(), next.key());
}

fuzz_target!(|text: &str| {
    turn(text);
    let Ok(pairs) = decode_pairs(text) else { return };
    FIELDS.iter().for_each(|name| agree(&pairs, name));
    single(&pairs, "refresh_token").into_iter().for_each(turn);
});
