//! Cases 83 and 84: a list that names addresses inside, and a publisher that sends the gateway elsewhere. No connection is made.

use http::HeaderValue;
use inzage::lists::ListKind;
use inzage::sandbox::publisher::Trouble;

use crate::harness::Gateway;
use crate::lists::{DELINDE, alarms, publish};

/// A port on which nobody may ever knock.
struct Trap(std::net::TcpListener);

impl Trap {
    fn set() -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        Self(listener)
    }

    fn port(&self) -> u16 {
        self.0.local_addr().unwrap().port()
    }

    fn assert_untouched(&self, what: &str) {
        let knocked = self.0.accept().map(|(_, from)| from).map_err(|error| error.kind());
        assert_eq!(knocked, Err(std::io::ErrorKind::WouldBlock), "{what}");
    }
}

/// Every endpoint of the ZAL moved to another origin.
fn moved(gateway: &Gateway, kind: ListKind, list: String, origin: &str) -> String {
    let layout = &gateway.world.layout;
    match kind {
        ListKind::Zal => list.replace(&layout.front_origin(), origin).replace(&layout.back_origin(), origin),
        ListKind::Ocl | ListKind::Whl | ListKind::Gnl => list,
    }
}

#[tokio::test]
async fn case_83_a_list_that_names_an_address_inside_is_refused() {
    let gateway = Gateway::start().await;
    let trap = Trap::set();
    let port = trap.port();
    let session = gateway.session(DELINDE, &gateway.patient()).await;
    let before = gateway.controls().snapshot.load().lists.headers();
    let hosts =
        ["127.0.0.1", "169.254.169.254", "[::ffff:127.0.0.1]", "0x7f.1", "localhost.", "localhost", "2130706433"];
    for (sequence, host) in (2..).zip(hosts) {
        for origin in [format!("https://{host}"), format!("https://{host}:{port}")] {
            publish(&gateway, sequence, |kind, list| moved(&gateway, kind, list, &origin));
            gateway.refresh_lists().await;
            assert_eq!(alarms(&gateway).await, ["list_invalid"], "{origin}");
            assert_eq!(gateway.controls().snapshot.load().lists.headers(), before, "{origin}");
        }
    }
    assert_eq!(session.get("EpisodeOfCare").await.status, 200);
    trap.assert_untouched("refused lists");
    gateway.stop().await;
}

#[tokio::test]
async fn case_83_no_endpoint_of_a_list_is_ever_called() {
    let gateway = Gateway::start().await;
    let trap = Trap::set();
    let session = gateway.session(DELINDE, &gateway.patient()).await;
    // A name that the gateway resolves to this machine, with the port of something inside.
    let inside = format!("https://stelselnode.localhost:{}", trap.port());
    publish(&gateway, 2, |kind, list| moved(&gateway, kind, list, &inside));
    gateway.refresh_lists().await;
    assert_eq!(alarms(&gateway).await, ["endpoint_differs"]);
    assert_eq!(session.get("EpisodeOfCare").await.status, 200);
    assert_eq!(session.get("Patient?_include=Patient:general-practitioner").await.status, 200);
    gateway.refresh_lists().await;
    trap.assert_untouched("a list in force");
    gateway.stop().await;
}

#[tokio::test]
async fn case_84_a_redirect_of_the_publisher_is_not_followed() {
    let gateway = Gateway::start().await;
    gateway.refresh_lists().await;
    let trap = Trap::set();
    let port = trap.port();
    let before = gateway.controls().snapshot.load().lists.headers();
    publish(&gateway, 2, |_, list| list);
    for target in [format!("http://stelselnode.localhost:{port}/"), format!("https://stelselnode.localhost:{port}/")] {
        let target = HeaderValue::try_from(target).unwrap();
        gateway.world.publisher.misbehave(Some(Trouble::Redirect(target.clone())));
        gateway.refresh_lists().await;
        trap.assert_untouched(target.to_str().unwrap());
        assert_eq!(gateway.controls().snapshot.load().lists.headers(), before);
    }
    gateway.world.publisher.misbehave(None);
    gateway.refresh_lists().await;
    assert_eq!(gateway.controls().snapshot.load().lists.headers().whl.sequence, before.whl.sequence + 1);
    gateway.stop().await;
}
