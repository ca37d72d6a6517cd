//! Lines written many at a time: a write for each was half of what a line of a request costs. What is a warning or worse is
//! written at once with all before it, and so is everything at an end in order. A process that is killed loses the lines of its
//! last 10 ms that are neither; nothing is proved by them.

use std::io::Write;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tracing::Level;

use super::line::Out;
use crate::background;

/// How long a line waits at most.
const GATHER: Duration = Duration::from_millis(10);
/// So many bytes are written by whoever adds to them: a reader that does not read holds up those who write, and no memory fills.
const WAITING_BYTES: usize = 256 * 1024;

/// Lines on their way to `W`.
pub(super) struct Gathered<W>(Arc<Inner<W>>);

struct Inner<W> {
    waiting: Mutex<Waiting>,
    changed: Condvar,
    /// Held from taking lines until they are written, so that they keep their order.
    out: Mutex<W>,
}

struct Waiting {
    lines: Vec<u8>,
    /// Nothing waits any more.
    ended: bool,
}

impl<W: Write + Send + 'static> Gathered<W> {
    /// Starts the thread that writes. Without a thread every line is written at once.
    pub(super) fn start(out: W) -> Self {
        let waiting = Mutex::new(Waiting { lines: Vec::new(), ended: false });
        let inner = Arc::new(Inner { waiting, changed: Condvar::new(), out: Mutex::new(out) });
        let writing = Arc::clone(&inner);
        if background::spawn("inzage-log", move || writing.run()).is_err() {
            inner.waiting().ended = true;
        }
        Self(inner)
    }

    /// Writes what waits; from now on nothing does.
    pub(super) fn end(&self) {
        self.0.waiting().ended = true;
        self.0.changed.notify_all();
        self.0.write();
    }
}

impl<W> Clone for Gathered<W> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<W: Write + Send + 'static> Out for Gathered<W> {
    fn put(&self, line: &[u8], level: Level) {
        let inner = &self.0;
        let mut waiting = inner.waiting();
        let first = waiting.lines.is_empty();
        waiting.lines.extend_from_slice(line);
        let at_once = waiting.ended || level <= Level::WARN || waiting.lines.len() > WAITING_BYTES;
        drop(waiting);
        if at_once {
            inner.write();
        } else if first {
            inner.changed.notify_one();
        }
    }
}

impl<W: Write> Inner<W> {
    fn run(&self) {
        loop {
            let waiting = self.waiting();
            let idle = |waiting: &mut Waiting| waiting.lines.is_empty() && !waiting.ended;
            let waiting = self.changed.wait_while(waiting, idle).unwrap_or_else(PoisonError::into_inner);
            let gathered = self.changed.wait_timeout_while(waiting, GATHER, |waiting| !waiting.ended);
            if gathered.unwrap_or_else(PoisonError::into_inner).0.ended {
                return self.write();
            }
            self.write();
        }
    }

    fn write(&self) {
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = std::mem::take(&mut self.waiting().lines);
        // There is nobody to tell that it cannot be told.
        let _ = out.write_all(&lines).and_then(|()| out.flush());
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::mpsc::{self, Receiver, Sender};

    use super::*;

    /// Tells what each write held.
    struct Told(Sender<Vec<u8>>);

    impl Write for Told {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if !bytes.is_empty() {
                let _ = self.0.send(bytes.to_vec());
            }
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn gathered() -> (Gathered<Told>, Receiver<Vec<u8>>) {
        let (tell, told) = mpsc::channel();
        (Gathered::start(Told(tell)), told)
    }

    #[test]
    fn a_line_is_written_by_itself_after_a_while() {
        let (gathered, told) = gathered();
        gathered.put(b"one\n", Level::INFO);
        assert_eq!(told.recv().unwrap(), b"one\n");
    }

    #[test]
    fn a_warning_is_written_at_once_with_what_came_before() {
        let (gathered, told) = gathered();
        let lines: Vec<_> = (0..100).map(|number| format!("{number}\n")).collect();
        lines.iter().for_each(|line| gathered.put(line.as_bytes(), Level::INFO));
        gathered.put(b"warning\n", Level::WARN);
        let written: Vec<u8> = told.try_iter().flatten().collect();
        assert_eq!(String::from_utf8(written).unwrap(), format!("{}warning\n", lines.concat()));
    }

    #[test]
    fn after_the_end_nothing_waits() {
        let (gathered, told) = gathered();
        gathered.put(b"one\n", Level::INFO);
        gathered.end();
        assert_eq!(told.try_iter().flatten().collect::<Vec<_>>(), b"one\n");
        gathered.put(b"two\n", Level::INFO);
        assert_eq!(told.try_recv().unwrap(), b"two\n");
    }

    #[test]
    fn no_memory_fills() {
        let (gathered, told) = gathered();
        let line = [b'x'; 1_000];
        (0..1_000).for_each(|_| gathered.put(&line, Level::INFO));
        assert!(gathered.0.waiting().lines.len() <= WAITING_BYTES);
        gathered.end();
        assert_eq!(told.try_iter().map(|lines| lines.len()).sum::<usize>(), 1_000_000);
    }
}
