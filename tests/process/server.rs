//! PostgreSQL servers that a test starts by itself, to be stopped, killed and started again. The programs lie in the folder that
//! `INZAGE_TEST_POSTGRES_BIN` names, as `tests/postgres` tells.

use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use inzage::sandbox::client::new_id;
use tokio_postgres::{Client, Config};

use crate::harness::{Home, until};
use crate::postgres::{client, told};

/// A server of the test's own, durable as in production. Ended when it is dropped.
pub(crate) struct Server {
    programs: PathBuf,
    data: PathBuf,
    log: PathBuf,
    port: u16,
    child: Child,
}

impl Server {
    /// Makes its data and starts it, with the programs in the folder that `INZAGE_TEST_POSTGRES_BIN` names.
    pub(crate) async fn start(home: &Home) -> Option<Self> {
        let folder = std::env::temp_dir().join(format!("inzage-postgres-{}", new_id()));
        told("INZAGE_TEST_POSTGRES_BIN")?;
        std::fs::create_dir(&folder).unwrap();
        Self::start_in(home, folder).await
    }

    /// The same with its data in a folder that is there.
    pub(crate) async fn start_in(home: &Home, folder: PathBuf) -> Option<Self> {
        let programs = PathBuf::from(told("INZAGE_TEST_POSTGRES_BIN")?);
        let data = folder.join("data");
        let owner = ["/bin/chown", "postgres", folder.to_str().unwrap()];
        assert!(!is_root() || Command::new(owner[0]).args(&owner[1..]).status().unwrap().success());
        let made = as_user(&programs.join("initdb"))
            .args(["-U", "inzage", "-A", "trust", "-E", "UTF8", "--locale=C", "-D", data.to_str().unwrap()])
            .current_dir(&folder)
            .stdout(Stdio::null())
            .status();
        assert!(made.unwrap().success());
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let log = home.path("postgres.log");
        let child = run(&programs, &data, port, &log);
        let mut server = Self { programs, data, log, port, child };
        server.answers().await;
        Some(server)
    }

    /// Its port on 127.0.0.1.
    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    /// For `--store`.
    pub(crate) fn url(&self) -> String {
        format!("postgres://inzage@127.0.0.1:{}/postgres", self.port)
    }

    /// A connection beside those of the gateway.
    pub(crate) async fn connect(&self) -> Client {
        client(&self.url().parse().unwrap()).await.unwrap()
    }

    /// Starts it again with this certificate and key, and takes encrypted connections only.
    pub(crate) async fn restart_encrypted(&mut self, certificate: &Path, key: &Path) {
        self.stop().await;
        let folder = self.data.parent().unwrap();
        let (own, own_key) = (folder.join("server.pem"), folder.join("server.key"));
        std::fs::copy(certificate, &own).unwrap();
        std::fs::copy(key, &own_key).unwrap();
        let settings =
            format!("ssl = on\nssl_cert_file = '{}'\nssl_key_file = '{}'\n", own.display(), own_key.display());
        let access = "hostssl all all 127.0.0.1/32 trust\n";
        for (file, text) in [("postgresql.auto.conf", settings.as_str()), ("pg_hba.conf", access)] {
            std::fs::write(self.data.join(file), text).unwrap();
        }
        for file in [&own, &own_key] {
            assert!(!is_root() || Command::new("/bin/chown").arg("postgres").arg(file).status().unwrap().success());
        }
        self.child = run(&self.programs, &self.data, self.port, &self.log);
        // It has opened its port when a connection in clear is refused by the server, not by the system.
        let config: Config = self.url().parse().unwrap();
        let refused = async || {
            let error = config.connect(tokio_postgres::NoTls).await.err()?;
            (error.code()?.code() == "28000").then_some(())
        };
        until("refusal by the database", refused).await;
    }

    /// `kill -9` of the server with everything that belongs to it.
    pub(crate) async fn kill(&mut self) {
        let pids = self.pids().await;
        signal("KILL", &pids);
        self.child.wait().unwrap();
    }

    /// Ends the server in order; connections are cut.
    pub(crate) async fn stop(&mut self) {
        signal("INT", &[self.child.id()]);
        until("the end of the database", async || self.child.try_wait().unwrap()).await;
    }

    /// Starts it again and waits until it answers.
    pub(crate) async fn restart(&mut self) {
        self.child = run(&self.programs, &self.data, self.port, &self.log);
        self.answers().await;
    }

    /// Fills its disk and then writes as a busy database does, until nothing more is taken.
    pub(crate) async fn write_without_room(&self, fill: impl FnOnce()) {
        let beside = self.connect().await;
        beside.batch_execute("CREATE TABLE ballast (text text)").await.unwrap();
        fill();
        // Tables grow, and then its log, without which it gives up.
        let grow = "INSERT INTO ballast SELECT string_agg(md5(i::text), '') FROM generate_series(1, 250) i";
        for write in [grow, "SELECT txid_current(), pg_switch_wal()"] {
            while beside.batch_execute(write).await.is_ok() {}
        }
    }

    /// Waits until it answers, and starts it when it has given up.
    pub(crate) async fn revive(&mut self) {
        self.answers().await;
    }

    /// Stops it and all its processes where they are.
    pub(crate) async fn freeze(&self) -> Frozen {
        let pids = self.pids().await;
        signal("STOP", &pids);
        Frozen(pids)
    }

    /// Every process of the server.
    async fn pids(&self) -> Vec<u32> {
        let rows = self.connect().await.query("SELECT pid FROM pg_stat_activity", &[]).await.unwrap();
        let backends = rows.iter().map(|row| u32::try_from(row.get::<_, i32>(0)).unwrap());
        std::iter::once(self.child.id()).chain(backends).collect()
    }

    async fn answers(&mut self) {
        let config: Config = self.url().parse().unwrap();
        until("answer of the database", async || {
            // A killed predecessor may still be on its way out.
            if self.child.try_wait().unwrap().is_some() {
                self.child = run(&self.programs, &self.data, self.port, &self.log);
            }
            client(&config).await.map(drop)
        })
        .await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Fast shutdown; it may have ended already.
        signal("INT", &[self.child.id()]);
        let _ = self.child.wait();
        if let Some(folder) = self.data.parent().filter(|_| !std::thread::panicking()) {
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

/// Processes that stand still until this is dropped.
pub(crate) struct Frozen(Vec<u32>);

impl Drop for Frozen {
    fn drop(&mut self) {
        signal("CONT", &self.0);
    }
}

fn run(programs: &Path, data: &Path, port: u16, log: &Path) -> Child {
    let log = File::options().create(true).append(true).open(log).unwrap();
    as_user(&programs.join("postgres"))
        .args(["-D", data.to_str().unwrap(), "-p", &port.to_string()])
        .args(["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="])
        .current_dir("/")
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap()
}

/// PostgreSQL refuses to run as root. `setpriv` becomes the program, so its process id is that of the server.
fn as_user(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--init-groups", "--"]).arg(program);
    command
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    id.stdout == b"0\n"
}

fn signal(name: &str, pids: &[u32]) {
    let pids: Vec<String> = pids.iter().map(u32::to_string).collect();
    // One of them may have ended by itself.
    let _ = Command::new("kill").arg(format!("-{name}")).args(pids).stderr(Stdio::null()).status();
}
