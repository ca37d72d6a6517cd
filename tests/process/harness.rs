//! Processes of the binary under test, a folder for each test, and a world around them that runs in the test.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use inzage::clock::{SharedClock, SystemClock};
use inzage::sandbox::client::new_id;
use inzage::sandbox::ports::{Base, Sockets};
use inzage::sandbox::world::{SandboxError, Wish, World};
use inzage::secret::random;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// How long another process may take for what is asked of it, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);
/// How often it is asked.
const EVERY: Duration = Duration::from_millis(10);

/// A folder of the test's own; kept when the test fails, so that its logs can be read.
pub(crate) struct Home(PathBuf);

impl Home {
    /// Makes it.
    pub(crate) fn new() -> Self {
        let dir = std::env::temp_dir().join(format!("inzage-process-{}", new_id()));
        fs::create_dir_all(&dir).unwrap();
        Self(dir)
    }

    /// A path in it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// The audit log of the gateway that belongs to the sandbox in this folder.
    pub(crate) fn audit(&self) -> PathBuf {
        self.path("gateway/audit")
    }

    /// Starts everything but the gateway in this process, in this folder. A port that was free a moment ago can be held for
    /// an instant by a process that another test is just starting: between fork and exec it has our sockets too.
    pub(crate) async fn world(&self) -> World {
        let wish = |base| Wish {
            dir: self.0.clone(),
            his_data: None,
            base: Base::Fixed(base),
            with_gateway: false,
            settings: String::new(),
        };
        for _ in 0..5 {
            match World::start(&wish(free_base()), clock()).await {
                Err(SandboxError::Port(_)) => {}
                started => return started.unwrap(),
            }
        }
        panic!("five ranges of free ports were in use")
    }

    /// Starts `inzage serve` on the configuration of the world in this folder.
    pub(crate) fn serve(&self) -> Process {
        Process::start(self, &["serve", "--config", text(&self.path("gateway.toml"))])
    }

    /// Runs a command that ends by itself.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Ended {
        Process::start(self, arguments).ended().await
    }

    /// Every audit record as `inzage audit show` prints it.
    pub(crate) async fn records(&self) -> Vec<Value> {
        let ended = self.run(&["audit", "show", text(&self.audit()), "--json"]).await;
        assert_eq!(ended.code, Some(0), "{}", ended.err);
        ended.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            fs::remove_dir_all(&self.0).ok();
        }
    }
}

/// A process of the binary; killed when it is dropped.
pub(crate) struct Process {
    child: Child,
    out: PathBuf,
    err: PathBuf,
}

/// What a process left behind.
pub(crate) struct Ended {
    /// Its exit code; `None` when a signal ended it.
    pub(crate) code: Option<i32>,
    /// Standard output.
    pub(crate) out: String,
    /// Standard error.
    pub(crate) err: String,
}

impl Process {
    /// Starts one; what it prints goes to files in the folder.
    pub(crate) fn start(home: &Home, arguments: &[&str]) -> Self {
        let id = new_id();
        let (out, err) = (home.path(&format!("{id}.out")), home.path(&format!("{id}.err")));
        let child = Command::new(env!("CARGO_BIN_EXE_inzage"))
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(File::create(&out).unwrap())
            .stderr(File::create(&err).unwrap())
            .env("TMPDIR", &home.0)
            .spawn()
            .unwrap();
        Self { child, out, err }
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until `{ops}/readyz` is 200.
    pub(crate) async fn ready(mut self, ops: &str) -> Self {
        self.becomes_ready(ops).await;
        self
    }

    /// The same for one that may have been ready before.
    pub(crate) async fn becomes_ready(&mut self, ops: &str) {
        self.until("readyz", async || (status(ops, "/readyz").await == Some(200)).then_some(())).await;
    }

    /// Waits for what this process does; its early end is a failure.
    pub(crate) async fn until<T>(&mut self, what: &str, mut attempt: impl AsyncFnMut() -> Option<T>) -> T {
        until(what, async || {
            assert!(self.runs(), "no {what}, the process ended: {}{}", self.printed(), self.complaints());
            attempt().await
        })
        .await
    }

    /// Waits for the greeting of a sandbox.
    pub(crate) async fn greeting(&mut self) -> String {
        let out = self.out.clone();
        let greeting = async || fs::read_to_string(&out).ok().filter(|text| text.contains("Ctrl-C"));
        self.until("greeting", greeting).await
    }

    /// What it printed so far.
    fn printed(&self) -> String {
        fs::read_to_string(&self.out).unwrap()
    }

    /// What it complained of so far.
    pub(crate) fn complaints(&self) -> String {
        fs::read_to_string(&self.err).unwrap()
    }

    /// Whether it still runs.
    pub(crate) fn runs(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// The highest number of a descriptor that it has open.
    pub(crate) fn highest_descriptor(&self) -> u64 {
        let open = fs::read_dir(format!("/proc/{}/fd", self.id())).unwrap();
        open.map(|entry| entry.unwrap().file_name().to_str().unwrap().parse().unwrap()).max().unwrap()
    }

    /// How much time of a processor it used so far.
    pub(crate) fn processor_time(&self) -> Duration {
        const TICKS_PER_SECOND: u64 = 100;
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.id())).unwrap();
        // proc_pid_stat(5): utime and stime are fields 14 and 15; the name, field 2, may hold anything but ends with `)`.
        let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_ascii_whitespace().collect();
        let ticks: u64 = fields[11..=12].iter().map(|field| field.parse::<u64>().unwrap()).sum();
        Duration::from_millis(ticks * 1_000 / TICKS_PER_SECOND)
    }

    /// Sends a signal, such as `TERM`.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for its end.
    pub(crate) async fn ended(mut self) -> Ended {
        Ended { code: self.code().await, out: self.printed(), err: self.complaints() }
    }

    /// Waits for its end, for the exit code.
    pub(crate) async fn code(&mut self) -> Option<i32> {
        until("the end of a process", async || self.child.try_wait().unwrap()).await.code()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Ended {
    /// The last line of standard output.
    pub(crate) fn last_line(&self) -> &str {
        self.out.lines().last().unwrap_or_default()
    }
}

/// Asks again and again until there is an answer. Only for what another process does, of which nobody can tell us: inside
/// one process a test waits for the event itself.
pub(crate) async fn until<T>(what: &str, mut attempt: impl AsyncFnMut() -> Option<T>) -> T {
    let asking = async {
        let mut tick = tokio::time::interval(EVERY);
        loop {
            tick.tick().await;
            if let Some(answer) = attempt().await {
                return answer;
            }
        }
    };
    tokio::time::timeout(PATIENCE, asking).await.unwrap_or_else(|_| panic!("no {what} within {PATIENCE:?}"))
}

/// The status of a GET over plain HTTP; `None` when nobody answers.
pub(crate) async fn status(base: &str, path: &str) -> Option<u16> {
    get(base, path).await?.split(' ').nth(1)?.parse().ok()
}

/// The answer to a GET over plain HTTP, from its status line; `None` when nobody answers.
pub(crate) async fn get(base: &str, path: &str) -> Option<String> {
    let host = base.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(host).await.ok()?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.ok()?;
    Some(answer)
}

/// The first of a range of free ports for one sandbox. It stays ours until this process ends, also against other runs of
/// these tests, by a socket on its last port, which no sandbox uses: what a killed gateway leaves is free when it is started
/// again. The ranges lie below the ports that the system gives out by itself.
pub(crate) fn free_base() -> u16 {
    const FIRST: u16 = 11_000;
    const STEP: u16 = 60;
    const RANGES: u16 = 350;
    static CLAIMS: Mutex<Vec<TcpListener>> = Mutex::new(Vec::new());
    let start = u16::from_le_bytes(random()) % RANGES;
    for base in (0..RANGES).map(|number| FIRST + (start + number) % RANGES * STEP) {
        let Ok(claim) = TcpListener::bind(("127.0.0.1", base + STEP - 1)) else { continue };
        if Sockets::bind(Base::Fixed(base), true).is_ok() {
            CLAIMS.lock().unwrap().push(claim);
            return base;
        }
    }
    panic!("there is no free range of ports")
}

/// The clock of the machine.
pub(crate) fn clock() -> SharedClock {
    Arc::new(SystemClock)
}

/// A path of ours as an argument.
pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
