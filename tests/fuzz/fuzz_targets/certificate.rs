//! The leaf certificate of a peer, from any bytes: no panic, and its names are exact host names.

#![no_main]

use inzage::medmij::Hostname;
use inzage::tls::peer::PeerIdentity;
use libfuzzer_sys::fuzz_target;
use rustls_pki_types::CertificateDer;

fuzz_target!(|der: &[u8]| {
    if let Ok(peer) = PeerIdentity::from_verified(&[CertificateDer::from(der)]) {
        assert!(
            peer.names().iter().all(|name| Hostname::parse(name.as_str()).as_ref() == Ok(name) && peer.is_named(name))
        );
        // A name that the certificate does not spell out is none of its names.
        let spelt = |name: &Hostname| {
            der.windows(name.as_str().len()).any(|window| window.eq_ignore_ascii_case(name.as_str().as_bytes()))
        };
        assert!(peer.names().iter().all(spelt));
    }
});
