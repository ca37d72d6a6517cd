//! A crash leaves no copy of memory behind: it would hold keys, tokens and records of people.

use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

use crate::config::Environment;

/// No core file, and outside a sandbox nothing for a program that collects dumps either (`prctl(2)`, PR_SET_DUMPABLE): that also
/// keeps debuggers of the same user out, whom tests in a sandbox need. A system that refuses is a warning; the service manager
/// can forbid it too.
pub(super) fn forbid(environment: Environment) {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    let mut done = setrlimit(Resource::Core, none);
    if environment != Environment::Sandbox {
        done = done.and(set_dumpable_behavior(DumpableBehavior::NotDumpable));
    }
    if let Err(error) = done {
        tracing::warn!(%error, "a crash may leave a copy of memory");
    }
}
