//! The audit record repository: it gets every record of a real walk, once it is there, from the gateway as it is configured.

use std::sync::Arc;

use inzage::clock::SharedClock;
use inzage::tls::identity::{Identity, Roots};
use inzage::tls::server::back_channel;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::harness::Gateway;

/// Takes connections until the records have ended, and gives what came.
async fn receive(listener: TcpListener, acceptor: TlsAcceptor) -> String {
    let mut all = String::new();
    while !all.contains("csd-code=\"node_stopped\"") {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = acceptor.accept(stream).await.unwrap();
        stream.read_to_string(&mut all).await.unwrap();
        stream.shutdown().await.unwrap();
    }
    all
}

#[tokio::test]
async fn every_record_of_a_walk_reaches_the_repository_that_was_away() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let settings = format!(
        "[audit.syslog]\nhost = \"witness.localhost\"\nport = {port}\nroots = \"ca.pem\"\nevery_ms = 50\n\
         certificate = \"node.pem\"\nkey = \"node.key\"\n"
    );
    let gateway = Gateway::start_with(&settings).await;
    // It is away: a connection ends as soon as it is there.
    drop(listener.accept().await.unwrap());
    let session = gateway.session("huisarts.delinde@medmij", &gateway.patient()).await;
    session.bundle("EpisodeOfCare").await;

    let clock: SharedClock = Arc::clone(&gateway.clock) as _;
    let [certificate, key, roots] =
        ["witness.pem", "witness.key", "ca.pem"].map(|name| gateway.world.layout.file(name));
    let own = Identity::load(&certificate, &key, clock.now()).unwrap();
    let tls = back_channel(&own, &Roots::load(&roots).unwrap(), Vec::new(), &clock).unwrap();
    let receiving = tokio::spawn(receive(listener, TlsAcceptor::from(Arc::clone(tls.config()))));
    let (bsn, (_, metrics)) = (gateway.patient(), gateway.ops("/metrics").await);
    assert!(metrics.contains("\ninzage_audit_syslog_behind "), "{metrics}");
    let left = gateway.leave().await;

    let received = receiving.await.unwrap();
    let records = left.audit();
    assert_eq!(received.matches("<85>1 ").count(), records.len());
    let mut rest = received.as_str();
    for record in &records {
        let (index, kind) = (&record["index"], record["kind"].as_str().unwrap());
        let place = rest.find(&format!("csd-code=\"{kind}\"")).unwrap_or_else(|| panic!("no {kind}"));
        rest = &rest[place..];
        let place = rest.find(&format!("/{index}\"")).unwrap_or_else(|| panic!("no record {index}"));
        rest = &rest[place..];
    }
    assert!(!received.contains(&bsn));
    let position = std::fs::read_to_string(left.path().join("gateway/audit-syslog.position")).unwrap();
    assert!(position.ends_with(&format!(" {}\n", records.len())), "{position}");
}
