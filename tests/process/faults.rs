//! Real faults around a process: a device of a given size, and system calls that fail. Both need rights that not every
//! machine gives; a test that cannot have them says so and ends.

use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use inzage::sandbox::client::new_id;

use crate::harness::{Home, Process, text, until};

const FILLER: &str = "filler";

/// A device in memory, mounted until it is dropped.
pub(crate) struct Device(PathBuf);

impl Device {
    /// Mounts one of 1 MiB; `None`, with the reason printed, when that is not allowed here.
    pub(crate) fn mount(at: PathBuf) -> Option<Self> {
        Self::mount_of("1m", at)
    }

    /// The same of another size, as `mount` takes it.
    pub(crate) fn mount_of(size: &str, at: PathBuf) -> Option<Self> {
        fs::create_dir_all(&at).unwrap();
        let options = format!("size={size},mode=0700");
        let mounting = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "inzage-test"]).arg(&at).output();
        match mounting {
            Ok(done) if done.status.success() => Some(Self(at)),
            Ok(done) => skip(String::from_utf8_lossy(&done.stderr).trim()),
            Err(error) => skip(&format!("mount: {error}")),
        }
    }

    /// Leaves no room on it.
    pub(crate) fn fill(&self) {
        let mut filler = File::create(self.0.join(FILLER)).unwrap();
        loop {
            match filler.write_all(&[b'x'; 4096]) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::StorageFull => return,
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// Gives the room back.
    pub(crate) fn free(&self) {
        fs::remove_file(self.0.join(FILLER)).unwrap();
    }

    /// Lets nobody write to it.
    pub(crate) fn make_read_only(&self) {
        let done = Command::new("mount").args(["-o", "remount,ro"]).arg(&self.0).status().unwrap();
        assert!(done.success());
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        // Lazily: a process that is about to end may still hold it.
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

/// A thread of a process, and the file whose system calls are hit.
pub(crate) struct Target<'a> {
    /// Which process.
    pub(crate) process: &'a Process,
    /// The name of the thread.
    pub(crate) thread: &'a str,
    /// The file.
    pub(crate) file: PathBuf,
}

/// System calls that fail until this is dropped.
pub(crate) struct Injection(Child);

impl Injection {
    /// `fault` in the language of strace, such as `fdatasync:error=EIO`. `None`, with the reason printed, when there is no
    /// strace or it may not be used.
    pub(crate) async fn begin(home: &Home, target: Target<'_>, fault: &str) -> Option<Self> {
        let log = home.path(&format!("{}.strace", new_id()));
        let thread = thread(target.process.id(), target.thread);
        let tracing = Command::new("strace")
            .args(["-p", &thread, "-e", &format!("inject={fault}"), "-P", text(&target.file)])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log).unwrap())
            .spawn();
        let mut strace = match tracing {
            Ok(child) => child,
            Err(error) => return skip(&format!("strace: {error}")),
        };
        let attached = until("strace", async || {
            let said = fs::read_to_string(&log).unwrap();
            let ended = strace.try_wait().unwrap().is_some();
            (ended || said.contains("attached")).then_some((said, ended))
        });
        match attached.await {
            (_, false) => Some(Self(strace)),
            (said, true) => skip(said.trim()),
        }
    }
}

impl Drop for Injection {
    fn drop(&mut self) {
        // Asked to end it lets go of the process in order.
        let _ = Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status();
        let _ = self.0.wait();
    }
}

/// A limit of a process, as prlimit(1) names it, until this is dropped.
pub(crate) struct Limit {
    process: u32,
    name: &'static str,
    before: String,
}

impl Limit {
    /// Sets it to `most`; `None`, with the reason printed, when that is not allowed here.
    pub(crate) fn set(process: &Process, name: &'static str, most: u64) -> Option<Self> {
        let process = process.id();
        let told = Command::new("prlimit")
            .args(["--pid", &process.to_string(), &format!("--{name}"), "--noheadings", "--output=SOFT"])
            .output();
        let before = match told {
            Ok(told) if told.status.success() => String::from_utf8(told.stdout).unwrap().trim().to_owned(),
            Ok(told) => return skip(String::from_utf8_lossy(&told.stderr).trim()),
            Err(error) => return skip(&format!("prlimit: {error}")),
        };
        let limit = Self { process, name, before };
        limit.apply(&most.to_string());
        Some(limit)
    }

    /// The soft one only: it can be raised again.
    fn apply(&self, most: &str) {
        let set = format!("--{}={most}:", self.name);
        let done = Command::new("prlimit").args(["--pid", &self.process.to_string(), &set]).status().unwrap();
        assert!(done.success());
    }
}

impl Drop for Limit {
    fn drop(&mut self) {
        self.apply(&self.before);
    }
}

fn thread(process: u32, name: &str) -> String {
    let threads = fs::read_dir(format!("/proc/{process}/task")).unwrap().map(|thread| thread.unwrap().path());
    let named = |thread: &PathBuf| fs::read_to_string(thread.join("comm")).unwrap().trim() == name;
    let found = threads.into_iter().find(named).unwrap();
    found.file_name().unwrap().to_str().unwrap().to_owned()
}

/// The one segment of a young log.
pub(crate) fn segment(audit: &Path) -> PathBuf {
    let paths = fs::read_dir(audit).unwrap().map(|entry| entry.unwrap().path());
    paths.filter(|path| path.extension().is_some_and(|end| end == "log")).max().unwrap()
}

/// Says why a test ends early.
#[expect(clippy::print_stdout, reason = "who runs the tests is told what was not tested")]
pub(crate) fn skip<T>(reason: &str) -> Option<T> {
    println!("skipped, this machine does not allow it: {reason}");
    None
}
