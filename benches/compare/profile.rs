//! Where the gateway's time goes under the load of bar A: perf looks at the process while it is asked.

use std::path::Path;
use std::process::Command;

use crate::scene::Scene;
use crate::trial::{self, Shape};

/// Warms up, and then lets perf watch the gateway for some seconds under this load. The recording is a file for `perf report`.
pub(crate) fn record(scene: &mut Scene, shape: Shape, seconds: f64, file: &Path) {
    let line = trial::Line::open(scene, "inzage", shape);
    line.run(scene, 1.0).unwrap_or_else(|why| panic!("{why}"));
    let pid = scene.subject("inzage").pid().to_string();
    // Without frame pointers in the release build a stack is unwound from a copy of its top.
    let options = ["record", "--quiet", "--call-graph", "dwarf,8192", "--freq", "599"];
    let mut perf = Command::new("perf");
    perf.args(options).args(["--pid", &pid, "--output"]).arg(file).args(["--", "sleep", &format!("{seconds}")]);
    let mut perf = perf.spawn().unwrap();
    let ran = line.run(scene, seconds).unwrap_or_else(|why| panic!("{why}"));
    println!("{} requests in {:.1} s", ran.requests, ran.seconds);
    assert!(perf.wait().unwrap().success(), "perf record failed");
}
