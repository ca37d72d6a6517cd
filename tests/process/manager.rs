//! What whoever started the node hears of it: the messages of sd_notify(3), and `inzage healthcheck`.

use std::process::{Child, Command, Stdio};

use inzage::lists::ListKind;
use inzage::sandbox::world::World;
use tokio::net::UnixDatagram;

use crate::harness::{Home, text, until};

/// A service manager that started a node.
struct Manager {
    socket: UnixDatagram,
    node: Child,
}

impl Manager {
    /// Starts it as systemd does, with a watchdog of 200 ms.
    fn start(home: &Home) -> Self {
        let path = home.path("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        let node = Command::new(env!("CARGO_BIN_EXE_inzage"))
            .args(["serve", "--config", text(&home.path("gateway.toml"))])
            .env("NOTIFY_SOCKET", &path)
            .env("WATCHDOG_USEC", "200000")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        Self { socket, node }
    }

    /// All that it says up to a message with this line.
    async fn hears(&self, line: &str) -> Vec<String> {
        let mut heard = Vec::new();
        while !heard.iter().any(|message: &String| message.lines().any(|said| said == line)) {
            heard.push(self.next(line).await);
        }
        heard
    }

    async fn next(&self, awaited: &str) -> String {
        let mut message = [0; 512];
        until(awaited, async || {
            let length = self.socket.try_recv(&mut message).ok()?;
            Some(String::from_utf8(message[..length].to_vec()).unwrap())
        })
        .await
    }

    fn signal(&self, name: &str) {
        let id = self.node.id().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &id]).status().unwrap().success());
    }

    /// Asks it to end, and returns its exit code.
    async fn stop(&mut self) -> Option<i32> {
        self.signal("TERM");
        self.hears("STOPPING=1").await;
        until("the end of the node", async || self.node.try_wait().unwrap()).await.code()
    }
}

impl Drop for Manager {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.node.kill();
        let _ = self.node.wait();
    }
}

/// Exit code and answer of `inzage healthcheck`.
async fn health(home: &Home, world: &World, more: &[&str]) -> (Option<i32>, String) {
    let ops = world.layout.ops_url().replace("http://", "");
    let ended = home.run(&[&["healthcheck", "--ops", &ops], more].concat()).await;
    (ended.code, ended.out + &ended.err)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_manager_hears_of_start_life_and_end() {
    let home = Home::new();
    let world = home.world().await;
    let mut manager = Manager::start(&home);
    let before = manager.hears("READY=1").await;
    assert!(before[0].starts_with("STATUS=opening"), "{before:?}");
    let (code, answer) = health(&home, &world, &[]).await;
    assert_eq!(code, Some(0), "ready means ready: {answer}");
    assert!(answer.starts_with("{\"ready\":true,"), "{answer}");
    let config = home.path("gateway.toml");
    assert_eq!(home.run(&["healthcheck", "--config", text(&config)]).await.code, Some(0));
    manager.hears("WATCHDOG=1").await;
    manager.hears("WATCHDOG=1").await;
    assert_eq!(manager.stop().await, Some(0));
    let (code, answer) = health(&home, &world, &["--live"]).await;
    assert_eq!((code, answer.contains("does not answer")), (Some(1), true), "{answer}");
    world.stop().await.unwrap();
}

/// The manager waits for a reload, and hears when it was refused.
#[tokio::test(flavor = "multi_thread")]
async fn a_service_manager_hears_of_a_reload() {
    let home = Home::new();
    let world = home.world().await;
    let config = home.path("gateway.toml");
    let mut manager = Manager::start(&home);
    manager.hears("READY=1").await;
    let written = std::fs::read_to_string(&config).unwrap();
    for (phone, status) in
        [("088 111 11 11", "STATUS=serving"), ("call me", "STATUS=serving with the configuration of before")]
    {
        std::fs::write(&config, written.replace("088 000 00 00", phone)).unwrap();
        manager.signal("HUP");
        manager.hears("RELOADING=1").await;
        let ended = manager.hears("READY=1").await.pop().unwrap();
        assert!(ended.lines().any(|line| line.starts_with(status)), "{ended}");
    }
    assert_eq!(manager.stop().await, Some(0));
    world.stop().await.unwrap();
}

/// A start may take as long as it goes on: the manager is asked for time, and not told that the node is ready.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_without_lists_is_alive_and_asks_for_time() {
    let home = Home::new();
    let world = home.world().await;
    let config = home.path("gateway.toml");
    let written = std::fs::read_to_string(&config).unwrap();
    let nobody = ListKind::ALL.into_iter().fold(written, |text, list| {
        let url = world.layout.list_url(list);
        let (host, path) = url.trim_start_matches("https://").split_once('/').unwrap();
        let name = host.split_once(':').map_or(host, |(name, _)| name);
        text.replace(&url, &format!("https://{name}:1/{path}"))
    });
    std::fs::write(&config, nobody).unwrap();
    let mut manager = Manager::start(&home);
    let heard = manager.hears("STATUS=waiting for the lists of MedMij").await;
    assert!(heard.iter().all(|message| message.contains("EXTEND_TIMEOUT_USEC=60000000")), "{heard:?}");
    assert!(!heard.iter().any(|message| message.contains("READY=1")), "{heard:?}");
    let (code, answer) = health(&home, &world, &[]).await;
    assert_eq!((code, answer.contains("\"state\":\"starting\"")), (Some(1), true), "{answer}");
    assert_eq!(health(&home, &world, &["--live"]).await.0, Some(0));
    assert_eq!(manager.stop().await, Some(0));
    world.stop().await.unwrap();
}
