//! The end of a node: what is open is finished, nothing new begins, and the log is closed last.

use inzage::sandbox::his::faults::{Fail, Faults};

use crate::harness::{Gateway, json};

#[tokio::test]
async fn a_request_that_waits_for_a_his_is_finished_and_the_log_ends_with_the_stop() {
    let gateway = Gateway::start().await;
    let session = gateway.session("huisarts.delinde@medmij", &gateway.patient()).await;
    let his = &gateway.world.his[0];
    let asked = his.log().count;
    his.set_faults(Faults { fail: Fail::Hang, ..Faults::default() });
    let waiting = tokio::spawn(async move {
        let reply = session.get("EpisodeOfCare").await;
        (session, reply)
    });
    his.asked(asked + 1).await;

    let (ready, _) = gateway.ops("/readyz").await;
    assert_eq!(ready, 200);
    let controls = gateway.controls();
    controls.stop.cancel();
    controls.readiness.until_draining().await;
    let (ready, report) = gateway.ops("/readyz").await;
    assert_eq!(ready, 503);
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    assert_eq!((&report["state"], &report["ready"]), (&"draining".into(), &false.into()));
    assert!(!waiting.is_finished());

    his.set_faults(Faults::default());
    let (session, reply) = waiting.await.unwrap();
    assert_eq!((reply.status.as_u16(), &json(&reply)["type"]), (200, &"searchset".into()));
    let left = gateway.leave().await;
    let records = left.audit();
    assert_eq!(records.last().unwrap()["kind"], "node_stopped");
    let outcome = records.iter().rfind(|record| record["kind"] == "disclosure_outcome").unwrap();
    assert_eq!((&outcome["outcome"], &outcome["status"]), (&"done".into(), &200.into()));
    let url = format!("{}/EpisodeOfCare", session.base());
    let after = session.client.get(&url, &session.token.access_token, &session.correlation_id).await;
    assert!(after.is_err(), "the port is closed");
}
