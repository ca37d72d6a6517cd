//! Attacks by the machine of a HIS: it sends us elsewhere, or sends headers that are not for clients. Case 87 stands with
//! the pool, whose server can show other certificates.

use inzage::sandbox::his::faults::Faults;

use crate::harness::{Gateway, fault};

const DELINDE: &str = "huisarts.delinde@medmij";

#[tokio::test]
async fn case_88_a_redirect_of_a_his_is_not_followed() {
    let gateway = Gateway::start().await;
    let session = gateway.session(DELINDE, &gateway.patient()).await;
    let his = &gateway.world.his[0];
    session.bundle("Encounter").await;
    his.set_faults(Faults { redirect: true, ..Faults::default() });
    let before = gateway.his_requests();
    let reply = session.get("Encounter").await;
    assert_eq!((reply.status.as_u16(), fault(&reply).0.as_str()), (502, "his-nonsense"));
    assert!(!reply.headers.contains_key("location"));
    assert_eq!(gateway.his_requests(), before + 1, "nobody is asked after it");
    gateway.stop().await;
}

#[tokio::test]
async fn case_89_no_header_of_a_his_is_passed_on() {
    let gateway = Gateway::start().await;
    let session = gateway.session(DELINDE, &gateway.patient()).await;
    for (faults, status) in [(Faults::default(), 200), (Faults { redirect: true, ..Faults::default() }, 502)] {
        gateway.world.his[0].set_faults(faults);
        let reply = session.get("Encounter").await;
        assert_eq!(reply.status, status);
        let headers = format!("{:?}", reply.headers);
        for forbidden in ["set-cookie", "Praktijkbron", "praktijkbron", "PBSESSION", "his-a."] {
            assert!(!headers.contains(forbidden), "{forbidden} in {headers}");
        }
    }
    gateway.stop().await;
}
