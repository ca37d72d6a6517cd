//! Which events are logged: our own at a level that can change while we run, those of the libraries at WARN. Like the subscriber,
//! the level is one for the whole process. What is not logged costs what it cost before: the answer is kept at each place
//! that logs, and asked for again when the level changes.

use std::sync::atomic::{AtomicU8, Ordering};

use tracing::subscriber::Interest;
use tracing::{Level, Metadata, Subscriber, callsite};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::Context;

/// How many of these levels are logged.
static LOGGED: AtomicU8 = AtomicU8::new(0);

const LEVELS: [Level; 5] = [Level::ERROR, Level::WARN, Level::INFO, Level::DEBUG, Level::TRACE];

/// Logs our own events from now on at this level.
pub fn set(level: Level) {
    let logged = LEVELS.into_iter().filter(|one| *one <= level).count();
    LOGGED.store(u8::try_from(logged).unwrap_or(u8::MAX), Ordering::Release);
    callsite::rebuild_interest_cache();
}

fn ours() -> Option<Level> {
    let logged = usize::from(LOGGED.load(Ordering::Acquire));
    logged.checked_sub(1).and_then(|last| LEVELS.get(last)).copied()
}

/// The filter.
pub(super) struct Levels;

impl Levels {
    fn logs(metadata: &Metadata<'_>) -> bool {
        let is_ours = metadata.target().split("::").next() == Some("inzage");
        let most = if is_ours { ours() } else { Some(Level::WARN) };
        most.is_some_and(|most| *metadata.level() <= most)
    }
}

impl<S: Subscriber> Layer<S> for Levels {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if Self::logs(metadata) { Interest::always() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        Self::logs(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        ours().map(|ours| LevelFilter::from_level(ours.max(Level::WARN)))
    }
}
