//! Notices that a file is another than before: told by the system, in the folders where the files lie, and by a look at all of
//! them each minute, for what the system does not tell: drives over a network, or what a link points to.
//!
//! Folders and not files, because files are replaced: by an editor, by who renews certificates, by Kubernetes, which swaps a link
//! beside them.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::{mpsc, watch as channel};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::{Cause, Reloads};
use crate::config::{Config, folders};

/// How often all files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// How long nothing must change before it is read: a certificate and its key are two files.
const SETTLED: Duration = Duration::from_secs(1);
/// How long that is waited for, at most.
const UNSETTLED_MOST: Duration = Duration::from_secs(10);

/// The files to watch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Files {
    folders: BTreeSet<PathBuf>,
    names: BTreeSet<OsString>,
}

impl Files {
    /// Those of a configuration, and itself.
    pub(super) fn of(config: &Config) -> Self {
        let name = |path: &Path| path.file_name().map(ToOwned::to_owned);
        Self { folders: folders(config.watched()), names: config.watched().filter_map(name).collect() }
    }

    /// Whether it may be about one of them. Reading them is no change.
    fn concerns(&self, event: &Event) -> bool {
        let named = |path: &PathBuf| {
            let name = path.file_name().unwrap_or_default();
            // `..data`, the link that Kubernetes swaps.
            self.names.contains(name) || name.as_encoded_bytes().starts_with(b"..")
        };
        event.need_rescan() || (!event.kind.is_access() && event.paths.iter().any(named))
    }
}

/// Asks for a reload whenever a file may be another, until `stop`.
pub(super) async fn watch(mut files: channel::Receiver<Files>, reloads: Reloads, stop: CancellationToken) {
    loop {
        let (told, mut tells) = mpsc::channel(1);
        let these = files.borrow_and_update().clone();
        // It talks to the system.
        let watcher = tokio::task::spawn_blocking(move || listen(these, &told)).await;
        let others = async { files.changed().await.is_ok() };
        let asking = ask_when_told(&mut tells, &reloads);
        let go_on = tokio::select! {
            others = others => others,
            () = asking => true,
            () = stop.cancelled() => false,
        };
        drop(watcher);
        if !go_on {
            return;
        }
    }
}

/// The system tells as long as this is held. What it cannot tell of is looked at all the same.
fn listen(files: Files, told: &mpsc::Sender<()>) -> Option<RecommendedWatcher> {
    let folders = files.folders.clone();
    let told = told.clone();
    let tell = move |event: notify::Result<Event>| {
        if event.is_ok_and(|event| files.concerns(&event)) {
            // One that waits to be heard is enough.
            let _ = told.try_send(());
        }
    };
    let mut watcher = notify::recommended_watcher(tell).map_err(|error| unheard(&error)).ok()?;
    for folder in folders {
        if let Err(error) = watcher.watch(&folder, RecursiveMode::NonRecursive) {
            unheard(&error);
        }
    }
    Some(watcher)
}

fn unheard(error: &notify::Error) {
    tracing::warn!(%error, "changes of some files are noticed by the look each minute only");
}

/// Ends never, but with the task.
async fn ask_when_told(tells: &mut mpsc::Receiver<()>, reloads: &Reloads) {
    loop {
        match timeout(LOOK_EVERY, tells.recv()).await {
            Ok(Some(())) => settle(tells).await,
            // Nobody tells: the look each minute is left.
            Ok(None) => sleep(LOOK_EVERY).await,
            Err(_elapsed) => {}
        }
        reloads.ask(Cause::Files);
    }
}

/// Waits until nothing was told for a while.
async fn settle(tells: &mut mpsc::Receiver<()>) {
    let quiet = async { while let Ok(Some(())) = timeout(SETTLED, tells.recv()).await {} };
    let _ = timeout(UNSETTLED_MOST, quiet).await;
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use notify::event::{AccessKind, CreateKind, EventKind};
    use tokio::time::{Instant, sleep};

    use super::*;

    fn files() -> Files {
        let names = ["front.pem", "inzage.toml"].map(OsString::from);
        Files { folders: BTreeSet::new(), names: names.into() }
    }

    #[test]
    fn only_a_change_of_a_named_file_or_of_a_hidden_link_counts() {
        let created = |path: &str| Event::new(EventKind::Create(CreateKind::Any)).add_path(Path::new(path).to_owned());
        let files = files();
        assert!(files.concerns(&created("/etc/inzage/front.pem")) && files.concerns(&created("/etc/inzage/..data")));
        assert!(!files.concerns(&created("/etc/inzage/front.pem.new")) && !files.concerns(&created("/etc/inzage/.x")));
        let read = Event::new(EventKind::Access(AccessKind::Any)).add_path("/etc/inzage/front.pem".into());
        assert!(!files.concerns(&read));
    }

    #[tokio::test(start_paused = true)]
    async fn a_storm_is_read_once_it_is_over_and_silence_each_minute() {
        let (reloads, mut asks) = Reloads::new();
        let (told, mut tells) = mpsc::channel(1);
        let started = Instant::now();
        let asking = tokio::spawn(async move { ask_when_told(&mut tells, &reloads).await });
        for _ in 0..5 {
            told.send(()).await.unwrap();
            sleep(SETTLED / 2).await;
        }
        assert_eq!(asks.recv().await, Some(Cause::Files));
        assert_eq!(started.elapsed(), 4 * (SETTLED / 2) + SETTLED, "a while after the last");
        assert_eq!(asks.recv().await, Some(Cause::Files));
        assert_eq!(started.elapsed(), 4 * (SETTLED / 2) + SETTLED + LOOK_EVERY);
        let storm = tokio::spawn(async move {
            while told.send(()).await.is_ok() {
                sleep(SETTLED / 4).await;
            }
        });
        let began = Instant::now();
        assert_eq!(asks.recv().await, Some(Cause::Files));
        assert_eq!(began.elapsed(), UNSETTLED_MOST, "an endless one is not waited for");
        asking.abort();
        storm.await.ok();
    }
}
