//! The servers that are compared: each a process of its own, alone on core 0. The load generator and the emulated HIS are on
//! core 1.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use crate::figures::now;
use crate::wire::{Order, Ran, Said};

/// Core of the subjects.
const SUBJECT: &str = "0";
/// Core of load and HIS.
const LOAD: &str = "1";
const START: Duration = Duration::from_secs(60);
/// How long one that is asked to end may take.
const GRACE: Duration = Duration::from_secs(10);

/// A process that ends with this program, however this ends.
pub(crate) struct Process(Child);

impl Process {
    /// Asks it to end, and waits until it has.
    fn end(&mut self) {
        let asked = Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status();
        assert!(asked.unwrap().success());
        self.0.wait().unwrap();
    }
}

/// Asks first: nginx killed outright leaves its worker behind.
impl Drop for Process {
    fn drop(&mut self) {
        let mut ask = Command::new("kill");
        let is_asked = ask.args(["-TERM", &self.0.id().to_string()]).stderr(Stdio::null()).status().is_ok();
        let end = now() + GRACE;
        while is_asked && now() < end && matches!(self.0.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(10));
        }
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// On this core, and told to end when we are gone. `setpriv` and `taskset` become the program, so its pid is that of the child.
fn pinned(core: &str, program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "TERM", "taskset", "-c", core]).arg(program);
    command
}

/// A server that answers on a port.
pub(crate) struct Subject {
    pub(crate) name: &'static str,
    pub(crate) port: u16,
    process: Process,
    program: PathBuf,
    arguments: Vec<String>,
    folder: PathBuf,
}

impl Subject {
    /// Starts a program on core 0 and waits until it listens. What it prints goes to a file.
    pub(crate) fn start(name: &'static str, program: &str, arguments: &[&str], port: u16, folder: &Path) -> Self {
        let program = PathBuf::from(program);
        let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect::<Vec<_>>();
        let process = launch(name, &program, &arguments, folder);
        let mut subject = Self { name, port, process, program, arguments, folder: folder.to_owned() };
        subject.wait();
        subject
    }

    /// Ends it in order and starts it again, so that its memory is that of a new process.
    pub(crate) fn restart(&mut self) {
        self.process.end();
        self.process = launch(self.name, &self.program, &self.arguments, &self.folder);
        self.wait();
    }

    fn wait(&mut self) {
        let end = now() + START;
        while TcpStream::connect(address(self.port)).is_err() {
            let ended = self.process.0.try_wait().unwrap();
            let said = || fs::read_to_string(self.folder.join(format!("{}.err", self.name))).unwrap_or_default();
            assert!(ended.is_none() && now() < end, "{} does not listen: {}", self.name, said());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.0.id()
    }

    /// A line on its standard input.
    pub(crate) fn say(&mut self, line: &str) {
        writeln!(self.process.0.stdin.as_mut().unwrap(), "{line}").unwrap();
    }
}

fn launch(name: &str, program: &Path, arguments: &[String], folder: &Path) -> Process {
    let mut command = pinned(SUBJECT, program);
    command.args(arguments).stdin(Stdio::piped()).stdout(log(folder, name, "out")).stderr(log(folder, name, "err"));
    Process(command.spawn().unwrap())
}

fn log(folder: &Path, name: &str, kind: &str) -> File {
    File::create(folder.join(format!("{name}.{kind}"))).unwrap()
}

pub(crate) fn address(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

/// A port that is free now.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind(address(0)).unwrap().local_addr().unwrap().port()
}

/// A role of this program on core 1, spoken to over standard input and output.
struct Role {
    _process: Process,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Role {
    fn start(arguments: &[&str]) -> Self {
        let mut command = pinned(LOAD, &own_path());
        let mut child = command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (input, output) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Self { _process: Process(child), input, output }
    }

    fn say(&mut self, line: &str) {
        writeln!(self.input, "{line}").unwrap();
    }

    fn hear(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }
}

pub(crate) fn own_path() -> PathBuf {
    std::env::current_exe().unwrap()
}

/// The emulated HIS.
pub(crate) struct Stub {
    role: Role,
    pub(crate) port: u16,
}

impl Stub {
    /// Starts it with the certificate of this base name.
    pub(crate) fn start(folder: &Path, file: &str, host: &str) -> Self {
        let mut role = Role::start(&["stub", folder.to_str().unwrap(), file, host]);
        let port = role.hear().parse().expect("the emulated HIS says its port");
        Self { role, port }
    }

    /// From now on each answer takes so long.
    pub(crate) fn take(&mut self, pause: Duration) {
        self.role.say(&pause.as_micros().to_string());
    }
}

/// The load generator.
pub(crate) struct Load(Role);

impl Load {
    pub(crate) fn start() -> Self {
        Self(Role::start(&["load"]))
    }

    /// Gives an order and waits for what comes of it.
    pub(crate) fn order(&mut self, order: &Order) -> Result<Ran, String> {
        self.0.say(&serde_json::to_string(order).unwrap());
        match serde_json::from_str(&self.0.hear()).map_err(|_| "the load generator ended".to_owned())? {
            Said::Done => Ok(Ran::default()),
            Said::Ran(ran) => Ok(ran),
            Said::Failed(why) => Err(why),
        }
    }
}
