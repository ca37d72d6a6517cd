//! Behind a load balancer that speaks PROXY protocol: what is recorded is the client, and only the balancer can say who it is.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use inzage::clock::SharedClock;
use inzage::sandbox::client::PgoClient;
use inzage::sandbox::person::{Choices, End};
use inzage::sandbox::relay::Relay;

use crate::harness::Gateway;

/// Where the balancer listens, on the ports of the gateway.
const BALANCER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

fn settings(others: &str) -> String {
    let of = |listener| format!("[{listener}.proxy_protocol]\nfrom = [\"127.0.0.1\"]\nothers = \"{others}\"\n");
    ["front", "back"].map(of).concat()
}

/// Relays for both channels, which say that this client connects.
async fn balance(gateway: &Gateway, client: &str) -> [Relay; 2] {
    let client: SocketAddr = client.parse().unwrap();
    let origins = [gateway.world.layout.front_origin(), gateway.world.layout.back_origin()];
    let mut relays = Vec::new();
    for (origin, binary) in origins.iter().zip([false, true]) {
        let port: u16 = origin.rsplit_once(':').unwrap().1.parse().unwrap();
        let relay = Relay::start((BALANCER, port).into(), (Ipv4Addr::LOCALHOST, port).into()).await.unwrap();
        relay.announce(&if binary { version_2(client) } else { version_1(client) });
        relays.push(relay);
    }
    relays.try_into().unwrap()
}

fn version_1(client: SocketAddr) -> Vec<u8> {
    let family = if client.is_ipv4() { "TCP4 " } else { "TCP6 " };
    let target = if client.is_ipv4() { "192.0.2.1" } else { "2001:db8::1" };
    format!("PROXY {family}{} {target} {} 443\r\n", client.ip(), client.port()).into_bytes()
}

/// With an addition (PP2_TYPE_NOOP), as balancers fill up.
fn version_2(client: SocketAddr) -> Vec<u8> {
    let (family, mut rest) = match client.ip() {
        IpAddr::V4(address) => (0x11, [address.octets(), [192, 0, 2, 1]].concat()),
        IpAddr::V6(address) => (0x21, [address.octets(), [7; 16]].concat()),
    };
    rest.extend([client.port(), 443].map(u16::to_be_bytes).concat());
    rest.extend([4, 0, 2, 0, 0]);
    let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
    [b"\r\n\r\n\0\r\nQUIT\n", &[0x21, family][..], &length, &rest].concat()
}

fn client_by(gateway: &Gateway, address: Ipv4Addr) -> PgoClient {
    let clock: SharedClock = Arc::clone(&gateway.clock) as _;
    gateway.world.client_by("pgo", address.into(), &clock).unwrap()
}

#[tokio::test]
async fn the_record_names_the_client_that_the_balancer_names() {
    for client in ["203.0.113.7:54321", "[2001:db8::7]:54321"] {
        let gateway = Gateway::start_with(&settings("refuse")).await;
        let _balancer = balance(&gateway, client).await;
        let pgo = client_by(&gateway, BALANCER);
        let patient = gateway.patient();
        let (end, endpoints, correlation_id) =
            gateway.walk(&pgo, "huisarts.delinde@medmij", Choices::willing(&patient)).await;
        let End::Client(answer) = end else { panic!("{end:?}") };
        let token = pgo.exchange(&endpoints, &answer["code"], &correlation_id).await.unwrap();
        let url = format!("{}/EpisodeOfCare", endpoints.resources["MM-2.0-HGB-FHIR"]);
        assert_eq!(pgo.get(&url, &token.access_token, &correlation_id).await.unwrap().status, 200);
        let address = client.parse::<SocketAddr>().unwrap().ip().to_string();
        for kind in ["consent_given", "token_issued", "disclosure_intent"] {
            assert_eq!(gateway.last_audit(kind)["access_point"], address.as_str(), "{kind}");
        }
        gateway.stop().await;
    }
}

#[tokio::test]
async fn nobody_comes_in_past_a_balancer_or_without_its_word() {
    let gateway = Gateway::start_with(&settings("refuse")).await;
    let balancer = balance(&gateway, "203.0.113.7:54321").await;
    let url = format!("{}/oauth/authorize", gateway.world.layout.front_origin());
    let asks = async |address| client_by(&gateway, address).get(&url, "x", "x").await.ok().map(|reply| reply.status);
    assert_eq!(asks(BALANCER).await.unwrap(), 400, "a page, which says what is missing");
    // From the address of a balancer, but not by one.
    assert_eq!(asks(Ipv4Addr::LOCALHOST).await, None);
    balancer[0].announce(b"PROXY TCP4 203.0.113.7 192.0.2.1 54321\r\n");
    assert_eq!(asks(BALANCER).await, None);
    gateway.stop().await;
}

#[tokio::test]
async fn whoever_is_no_balancer_is_served_under_their_own_address() {
    let settings = settings("serve").replace("127.0.0.1", "192.0.2.0/24");
    let gateway = Gateway::start_with(&settings).await;
    let session = gateway.session("huisarts.delinde@medmij", &gateway.patient()).await;
    assert_eq!(gateway.last_audit("token_issued")["access_point"], "127.0.0.1");
    // What they say of themselves is no TLS.
    let _balancer = balance(&gateway, "203.0.113.7:54321").await;
    let url = format!("{}/EpisodeOfCare", session.endpoints.resources["MM-2.0-HGB-FHIR"]);
    assert!(client_by(&gateway, BALANCER).get(&url, &session.token.access_token, "x").await.is_err());
    gateway.stop().await;
}
