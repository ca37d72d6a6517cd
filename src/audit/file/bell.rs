//! Wakes those who wait for records. To wake a task from a thread outside its runtime takes a system call each, on the one
//! thread that all records go through; so the writer wakes one task of each runtime, and that wakes the others from within.

use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::runtime::{Handle, Id};

/// The bells of all runtimes that wait for this log.
#[derive(Default)]
pub(super) struct Bells(Mutex<Vec<(Id, Arc<Bell>)>>);

impl Bells {
    /// That of the runtime; hung up there when it has none.
    pub(super) fn of(&self, runtime: &Handle) -> Arc<Bell> {
        let mut bells = lock(&self.0);
        if let Some((_, bell)) = bells.iter().find(|(id, bell)| *id == runtime.id() && bell.is_up()) {
            return Arc::clone(bell);
        }
        bells.retain(|(_, bell)| bell.is_up());
        let bell = Arc::new(Bell(Mutex::new(State { up: true, lists: Vec::new(), ringer: None })));
        bells.push((runtime.id(), Arc::clone(&bell)));
        drop(bells);
        let ringing = Ringing(Arc::clone(&bell));
        drop(runtime.spawn(async move { poll_fn(|context| ringing.0.poll(context)).await }));
        bell
    }
}

impl Drop for Bells {
    fn drop(&mut self) {
        lock(&self.0).drain(..).for_each(|(_, bell)| bell.take_down());
    }
}

/// That of one runtime.
pub(super) struct Bell(Mutex<State>);

struct State {
    /// The task of the bell lives.
    up: bool,
    /// Who is to be woken.
    lists: Vec<Vec<Waker>>,
    /// Wakes the task of the bell.
    ringer: Option<Waker>,
}

impl Bell {
    /// Wakes these, in their runtime; from here when it does not take tasks any more.
    pub(super) fn ring(&self, wakers: Vec<Waker>) {
        let mut state = lock(&self.0);
        if !state.up {
            drop(state);
            return wakers.into_iter().for_each(Waker::wake);
        }
        state.lists.push(wakers);
        let ringer = state.ringer.take();
        drop(state);
        if let Some(ringer) = ringer {
            ringer.wake();
        }
    }

    fn is_up(&self) -> bool {
        lock(&self.0).up
    }

    /// Wakes whoever is to be woken; ready when it was taken down.
    fn poll(&self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            let mut state = lock(&self.0);
            if state.lists.is_empty() {
                state.ringer = Some(context.waker().clone());
                return if state.up { Poll::Pending } else { Poll::Ready(()) };
            }
            let lists = std::mem::take(&mut state.lists);
            drop(state);
            lists.into_iter().flatten().for_each(Waker::wake);
        }
    }

    /// From now on everybody is woken from where they are woken.
    fn take_down(&self) {
        let mut state = lock(&self.0);
        state.up = false;
        let (lists, ringer) = (std::mem::take(&mut state.lists), state.ringer.take());
        drop(state);
        lists.into_iter().flatten().chain(ringer).for_each(Waker::wake);
    }
}

/// The task of a bell. It ends with its runtime or with the log.
struct Ringing(Arc<Bell>);

impl Drop for Ringing {
    fn drop(&mut self) {
        self.0.take_down();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use tokio::runtime::{Builder, Runtime};

    use super::*;

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    impl Woken {
        fn times(&self) -> usize {
            self.0.load(Ordering::SeqCst)
        }
    }

    fn runtime() -> Runtime {
        Builder::new_current_thread().build().unwrap()
    }

    fn wakers(woken: &Arc<Woken>, count: usize) -> Vec<Waker> {
        vec![Waker::from(Arc::clone(woken)); count]
    }

    #[test]
    fn a_runtime_has_one_bell_and_wakes_by_itself() {
        let (bells, runtime, woken) = (Bells::default(), runtime(), Arc::<Woken>::default());
        let bell = bells.of(runtime.handle());
        assert!(Arc::ptr_eq(&bell, &bells.of(runtime.handle())));
        assert!(!Arc::ptr_eq(&bell, &bells.of(self::runtime().handle())));
        bell.ring(wakers(&woken, 3));
        bell.ring(wakers(&woken, 1));
        assert_eq!(woken.times(), 0, "nobody but the runtime wakes them");
        runtime.block_on(tokio::task::yield_now());
        assert_eq!(woken.times(), 4);
    }

    #[test]
    fn who_waits_when_the_runtime_ends_is_woken_and_so_is_who_comes_later() {
        let (bells, runtime, woken) = (Bells::default(), runtime(), Arc::<Woken>::default());
        let bell = bells.of(runtime.handle());
        bell.ring(wakers(&woken, 2));
        drop(runtime);
        assert_eq!(woken.times(), 2);
        bell.ring(wakers(&woken, 1));
        assert_eq!(woken.times(), 3);
    }

    #[test]
    fn the_task_of_a_bell_ends_with_the_log() {
        let (bells, runtime, woken) = (Bells::default(), runtime(), Arc::<Woken>::default());
        let bell = bells.of(runtime.handle());
        runtime.block_on(tokio::task::yield_now());
        assert_eq!(runtime.metrics().num_alive_tasks(), 1);
        drop(bells);
        runtime.block_on(tokio::task::yield_now());
        assert_eq!(runtime.metrics().num_alive_tasks(), 0);
        bell.ring(wakers(&woken, 1));
        assert_eq!(woken.times(), 1);
    }
}
