//! `inzage tls crl fetch` beside a node that runs: what the issuer publishes comes into force, and nothing else does.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;

use inzage::sandbox::world::World;
use jiff::civil::{Date, date};

use crate::harness::{Ended, Home, clock, text};

const DUE: Date = date(2090, 1, 1);

/// Publishes one thing over plain http, under a name of the configuration, to whoever asks, until the test ends.
struct Publisher {
    port: u16,
    answer: Arc<Mutex<Vec<u8>>>,
}

impl Publisher {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (port, answer) = (listener.local_addr().unwrap().port(), Arc::new(Mutex::new(Vec::new())));
        let given = Arc::clone(&answer);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let _ = stream.read(&mut [0; 4096]).unwrap();
                let _ = stream.write_all(&given.lock().unwrap());
            }
        });
        Self { port, answer }
    }

    fn gives(&self, list: &[u8]) {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", list.len());
        *self.answer.lock().unwrap() = [head.as_bytes(), list].concat();
    }

    fn answers(&self, head: &str) {
        *self.answer.lock().unwrap() = format!("HTTP/1.1 {head}\r\nConnection: close\r\n\r\n").into_bytes();
    }

    async fn fetch(&self, home: &Home, issuer: &str) -> Ended {
        let url = format!("http://stelselnode.localhost:{}/clients.crl", self.port);
        let (issuer, to, config) = (home.path(issuer), home.path("clients.crl"), home.path("gateway.toml"));
        let files = ["--issuer", text(&issuer), "--to", text(&to), "--config", text(&config)];
        home.run(&[&["tls", "crl", "fetch", &url], &files[..]].concat()).await
    }
}

fn list(home: &Home, world: &World, revoked: &[&str], due: Date) -> Vec<u8> {
    let revoked: Vec<_> = revoked.iter().map(|file| home.path(file)).collect();
    world.authority.revocation_list(&revoked.iter().map(AsRef::as_ref).collect::<Vec<_>>(), due).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_is_fetched_is_in_force_and_what_is_no_successor_is_not() {
    let (home, publisher) = (Home::new(), Publisher::start());
    let world = home.world().await;
    let config = fs::read_to_string(home.path("gateway.toml")).unwrap();
    let crls = "client_roots = \"ca.pem\"\nclient_crls = [\"clients.crl\"]";
    fs::write(home.path("gateway.toml"), config.replacen("client_roots = \"ca.pem\"", crls, 1)).unwrap();

    let nobody = list(&home, &world, &[], DUE);
    publisher.gives(&nobody);
    let ended = publisher.fetch(&home, "ca.pem").await;
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert!(ended.out.contains("has a newer list"), "{}", ended.out);
    assert!(publisher.fetch(&home, "ca.pem").await.out.contains("is current"));

    let mut gateway = home.serve().ready(&world.layout.ops_url()).await;
    let client = world.client("pgo", &clock()).unwrap();
    let url = format!("{}/", world.layout.back_origin());
    assert!(client.http().get(&url).send().await.is_ok());

    let ended_long_ago = list(&home, &world, &["pgo.pem"], date(2021, 1, 1));
    let with_pgo = list(&home, &world, &["pgo.pem"], DUE);
    for (given, issuer, told) in [
        (&ended_long_ago[..], "ca.pem", "should have been replaced by 2021-01-01"),
        (&with_pgo[..], "pgo.pem", "none of the certificates of the issuer signed it"),
        (&with_pgo[1..], "ca.pem", "not one revocation list"),
    ] {
        publisher.gives(given);
        let ended = publisher.fetch(&home, issuer).await;
        assert_eq!(ended.code, Some(65), "{}", ended.err);
        assert!(ended.err.contains(told), "{}", ended.err);
    }
    publisher.answers("302 Found\r\nLocation: /other");
    assert_eq!(publisher.fetch(&home, "ca.pem").await.code, Some(69));
    assert_eq!(fs::read(home.path("clients.crl")).unwrap(), nobody, "the last good one is kept");

    publisher.gives(&with_pgo);
    assert_eq!(publisher.fetch(&home, "ca.pem").await.code, Some(0));
    let refused = async || {
        let fresh = world.client("pgo", &clock()).unwrap();
        fresh.http().get(&url).send().await.is_err().then_some(())
    };
    gateway.until("the list in force", refused).await;
    publisher.gives(&nobody);
    let ended = publisher.fetch(&home, "ca.pem").await;
    assert!(ended.code == Some(65) && ended.err.contains("older than the one at hand"), "{}", ended.err);
    // Where a name leads is for the configuration to say.
    let inner = fs::read_to_string(home.path("gateway.toml")).unwrap();
    fs::write(home.path("gateway.toml"), inner.replace("\"stelselnode.localhost\" = \"127.0.0.1\"\n", "")).unwrap();
    let ended = publisher.fetch(&home, "ca.pem").await;
    assert_eq!(ended.code, Some(69), "{}{}", ended.out, ended.err);
    gateway.signal("TERM");
    assert_eq!(gateway.ended().await.code, Some(0));
    world.stop().await.unwrap();
}
