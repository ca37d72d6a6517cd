//! What a load balancer sends first: a header names its client and leaves what follows, or the connection is refused.

#![no_main]

use std::net::SocketAddr;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use inzage::edge::proxy_protocol::{LONGEST, parse};
use inzage::edge::{Balancers, Others};
use libfuzzer_sys::fuzz_target;

const BALANCER: ([u8; 4], u16) = ([10, 0, 0, 1], 40_000);

fuzz_target!(|sent: &[u8]| {
    let _named_or_not = parse(sent);
    let balancer = SocketAddr::from(BALANCER);
    let balancers = Balancers::new(vec![balancer.ip().into()], Others::Refuse);
    let mut left = sent;
    // All of it is there, so nothing is waited for.
    let asked = pin!(balancers.client(&mut left, balancer)).poll(&mut Context::from_waker(Waker::noop()));
    let Poll::Ready(asked) = asked else { panic!("bytes in memory are waited for") };
    if let Ok(client) = asked {
        let header = sent.strip_suffix(left).expect("what is left comes after the header");
        assert!((15..=LONGEST).contains(&header.len()));
        assert_eq!(parse(header).expect("it was read").unwrap_or(balancer), client);
    }
});
