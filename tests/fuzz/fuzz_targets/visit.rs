//! What the store gives back for a visit: no bytes panic, and a visit that is read is written and read to the same.

#![no_main]

use inzage::session::visit::Visit;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((visit, language)) = Visit::from_bytes(bytes) else { return };
    if let Some(request) = visit.request() {
        assert!(request.redirect_uri.as_str().starts_with(request.redirect_uri.origin()));
    }
    let written = visit.to_bytes(language);
    let (again, in_language) = Visit::from_bytes(&written).expect("a visit that we wrote");
    assert_eq!((again.request(), in_language), (visit.request(), language));
    assert_eq!(again.to_bytes(language), written);
});
