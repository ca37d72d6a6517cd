//! A list of revoked certificates as a publisher gives it, from any bytes: no panic, and nothing passes but what the issuer signed.

#![no_main]

use inzage::tls::revocation::Edition;
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use rustls_pki_types::CertificateDer;

const ISSUER: &[u8] = include_bytes!("crl/issuer.der");
/// The one list that it signed.
const LIST: &[u8] = include_bytes!("crl/list.der");
/// In force then. 2030.
const NOW: Timestamp = Timestamp::constant(1_900_000_000, 0);

fuzz_target!(|came: &[u8]| {
    let judge = |held| Edition::judge(came, &[CertificateDer::from(ISSUER)], held, NOW);
    // Between the heads of the structure and its signature.
    let signed = &LIST[8..LIST.len() - 100];
    match judge(None) {
        Ok(Edition::Newer(list)) => assert!(list.windows(signed.len()).any(|window| window == signed)),
        Ok(Edition::Same) => unreachable!("nothing is at hand"),
        Err(_) => assert!(judge(Some(LIST)).is_err()),
    }
});
