//! Every header that is right gives its client and leaves what follows; every other is refused, however it comes in.

use proptest::prelude::*;
use tokio::io::AsyncWriteExt as _;

use super::*;

const BALANCER: &str = "10.0.0.1:40000";
const CLIENT: &str = "203.0.113.7:54321";

/// A header of version 2: command, family and protocol, and what comes after the length.
fn binary(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
    let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
    [v2::PROTOCOL_PREFIX, &[0x20 | command, family], &length, rest].concat()
}

/// From [`CLIENT`] to 192.0.2.1:443.
const IPV4: [u8; 12] = [203, 0, 113, 7, 192, 0, 2, 1, 0xd4, 0x31, 1, 0xbb];

fn ipv6() -> Vec<u8> {
    let address = |last| [&[0x20, 1, 0xd, 0xb8][..], &[0; 11], &[last]].concat();
    [address(7), address(1), vec![0xd4, 0x31, 1, 0xbb]].concat()
}

async fn asked(balancers: &Balancers, remote: &str, sent: &[u8]) -> (Result<SocketAddr, HeaderFault>, Vec<u8>) {
    let mut stream = sent;
    let client = balancers.client(&mut stream, remote.parse().unwrap()).await;
    (client, stream.to_vec())
}

fn listed(others: Others) -> Balancers {
    Balancers::new(vec!["10.0.0.0/29".parse().unwrap(), "2001:db8::/64".parse().unwrap()], others)
}

#[tokio::test]
async fn a_header_gives_its_client_and_what_follows_is_left() {
    let (line, tlvs) =
        ("PROXY TCP4 203.0.113.7 192.0.2.1 54321 443\r\n".to_owned(), [&IPV4[..], &[4, 0, 1, 0]].concat());
    for (header, client) in [
        (line.into_bytes(), CLIENT),
        (b"PROXY TCP6 2001:db8::7 2001:db8::1 54321 443\r\n".to_vec(), "[2001:db8::7]:54321"),
        (b"PROXY TCP6 ::ffff:203.0.113.7 ::1 54321 443\r\n".to_vec(), CLIENT),
        (b"PROXY UNKNOWN\r\n".to_vec(), BALANCER),
        (b"PROXY UNKNOWN ffff:f::1 ffff:f::2 65535 65535\r\n".to_vec(), BALANCER),
        (binary(1, 0x11, &IPV4), CLIENT),
        (binary(1, 0x11, &tlvs), CLIENT),
        (binary(1, 0x21, &ipv6()), "[2001:db8::7]:54321"),
        (binary(1, 0x00, &[]), BALANCER),
        (binary(0, 0x00, &[]), BALANCER),
        (binary(0, 0x11, &IPV4), BALANCER),
        (binary(0, 0x31, &[7; 216]), BALANCER),
    ] {
        let sent = [&header[..], b"\x16\x03\x01hello"].concat();
        let (found, left) = asked(&listed(Others::Refuse), BALANCER, &sent).await;
        assert_eq!(found.unwrap(), client.parse().unwrap(), "{}", String::from_utf8_lossy(&header));
        assert_eq!(left, b"\x16\x03\x01hello");
    }
}

#[tokio::test]
async fn what_is_no_header_is_refused() {
    let long_line = format!("PROXY UNKNOWN {}\r\n", "x".repeat(LONGEST_LINE));
    let long = u16::try_from(LONGEST).unwrap();
    for (sent, fault) in [
        (b"\x16\x03\x01\x02\x00hello".to_vec(), "no header of the PROXY protocol came first"),
        (b"GET / HTTP/1.1\r\n\r\n".to_vec(), "no header of the PROXY protocol came first"),
        (b"proxy UNKNOWN\r\n".to_vec(), "no header of the PROXY protocol came first"),
        (b"PROXYTCP4 1.1.1.1 1.1.1.1 1 1\r\n".to_vec(), "no header of the PROXY protocol came first"),
        (long_line.into_bytes(), "the header is too long"),
        (b"PROXY TCP4 203.0.113.7 192.0.2.1 54321\r\n".to_vec(), "the header is malformed"),
        (b"PROXY TCP4 203.0.113.007 192.0.2.1 1 1\r\n".to_vec(), "the header is malformed"),
        (b"PROXY TCP4 ::1 ::1 1 1\r\n".to_vec(), "the header is malformed"),
        (b"PROXY TCP4 1.1.1.1 1.1.1.1 65536 1\r\n".to_vec(), "the header is malformed"),
        (b"PROXY TCP4 1.1.1.1 1.1.1.1 1 1 1\r\n".to_vec(), "the header is malformed"),
        (b"PROXY UDP4 1.1.1.1 1.1.1.1 1 1\r\n".to_vec(), "the header is malformed"),
        (b"PROXY TCP4 1.1.1.1\xff 1.1.1.1 1 1\r\n".to_vec(), "the header is malformed"),
        (binary(2, 0x11, &IPV4), "the header is malformed"),
        (binary(1, 0x41, &IPV4), "the header is malformed"),
        (binary(1, 0x11, &IPV4[..11]), "the header is malformed"),
        (binary(1, 0x11, &[&IPV4[..], &[4, 0]].concat()), "the header is malformed"),
        (binary(1, 0x11, &[&IPV4[..], &[4, 0, 9, 1]].concat()), "the header is malformed"),
        (binary(1, 0x12, &IPV4), "the header names no address of TCP over IP"),
        (binary(1, 0x31, &[7; 216]), "the header names no address of TCP over IP"),
        ([v2::PROTOCOL_PREFIX, &[0x21, 0x11], &long.to_be_bytes()].concat(), "the header is too long"),
        ([v2::PROTOCOL_PREFIX, &[0x21, 0x11, 0xff, 0xff]].concat(), "the header is too long"),
    ] {
        let (found, _) = asked(&listed(Others::Serve), BALANCER, &sent).await;
        assert_eq!(found.unwrap_err().to_string(), fault, "{}", String::from_utf8_lossy(&sent));
    }
}

#[tokio::test]
async fn a_header_may_come_torn_and_must_come_whole() {
    let line = b"PROXY TCP4 203.0.113.7 192.0.2.1 54321 443\r\n".to_vec();
    for header in [line, binary(1, 0x11, &IPV4)] {
        for at in 0..header.len() {
            let (begun, rest) = header.split_at(at);
            let (found, _) = asked(&listed(Others::Serve), BALANCER, begun).await;
            assert!(matches!(found, Err(HeaderFault::Torn(_))), "{at}");
            let (mut near, mut far) = tokio::io::duplex(4_096);
            near.write_all(begun).await.unwrap();
            let reading = tokio::spawn(async move {
                let client = listed(Others::Serve).client(&mut far, BALANCER.parse().unwrap()).await;
                (client, far)
            });
            tokio::task::yield_now().await;
            near.write_all(rest).await.unwrap();
            assert_eq!(reading.await.unwrap().0.unwrap(), CLIENT.parse().unwrap());
        }
    }
}

#[tokio::test]
async fn only_listed_addresses_are_asked() {
    let header = binary(1, 0x11, &IPV4);
    for remote in ["10.0.0.8:1", "192.0.2.9:1", "[2001:db8:0:1::1]:1"] {
        let (found, left) = asked(&listed(Others::Serve), remote, &header).await;
        assert_eq!((found.unwrap(), left), (remote.parse().unwrap(), header.clone()), "nothing is read");
        let (found, _) = asked(&listed(Others::Refuse), remote, &header).await;
        assert!(matches!(found, Err(HeaderFault::NotListed)));
        let (found, _) = asked(&Balancers::default(), remote, &header).await;
        assert_eq!(found.unwrap(), remote.parse().unwrap());
    }
    for remote in ["10.0.0.7:1", "[2001:db8::99]:1", "[::ffff:10.0.0.3]:1"] {
        let (found, _) = asked(&listed(Others::Serve), remote, &header).await;
        assert_eq!(found.unwrap(), CLIENT.parse().unwrap(), "{remote}");
    }
}

proptest! {
    #[test]
    fn no_bytes_panic_and_reading_stops_where_the_header_does(
        start in prop_oneof![Just(LINE_START.to_vec()), Just(v2::PROTOCOL_PREFIX.to_vec()), Just(Vec::new())],
        rest: Vec<u8>,
    ) {
        let sent = [start, rest].concat();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let mut stream = &sent[..];
        if let Ok(header) = runtime.block_on(read(&mut stream)) {
            prop_assert!(header.len() <= LONGEST && sent.starts_with(&header));
            prop_assert_eq!(missing(&header).unwrap(), 0);
            let _named_or_not = parse(&header);
        }
    }

    #[test]
    fn whatever_a_line_says_comes_out(source: SocketAddr, target: SocketAddr) {
        let family = match (source, target) {
            (SocketAddr::V4(_), SocketAddr::V4(_)) => "TCP4",
            (SocketAddr::V6(_), SocketAddr::V6(_)) => "TCP6",
            _ => return Ok(()),
        };
        let (from, to) = (source.ip(), target.ip());
        let line = format!("PROXY {family} {from} {to} {} {}\r\n", source.port(), target.port());
        let expected = SocketAddr::new(from.to_canonical(), source.port());
        prop_assert_eq!(parse(line.as_bytes()).unwrap(), Some(expected));
    }
}
