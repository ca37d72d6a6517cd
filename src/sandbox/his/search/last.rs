//! `Observation/$lastn`: the newest observations of each code.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::store::Resource;
use super::date::Range;
use super::select::ranges;
use super::table::{Path, Step};

const EFFECTIVE: [Path; 2] = [&[Step::Member("effectiveDateTime")], &[Step::Member("effectivePeriod")]];

/// The `max` newest of each code, newest first, codes in order. One without a date comes last.
pub(super) fn newest<'a>(found: &[&'a Resource], max: usize) -> Vec<&'a Resource> {
    let mut by_code: BTreeMap<String, Vec<&'a Resource>> = BTreeMap::new();
    for observation in found {
        by_code.entry(code(observation.value())).or_default().push(observation);
    }
    for observations in by_code.values_mut() {
        observations.sort_by_key(|observation| std::cmp::Reverse(moment(observation.value())));
        observations.truncate(max);
    }
    by_code.into_values().flatten().collect()
}

/// What groups observations: the first coding, or the text of one that has none.
fn code(observation: &Value) -> String {
    let text = |path| observation.pointer(path).and_then(Value::as_str).unwrap_or_default();
    match text("/code/coding/0/code") {
        "" => text("/code/text").to_owned(),
        code => format!("{}|{code}", text("/code/coding/0/system")),
    }
}

fn moment(observation: &Value) -> Option<jiff::Timestamp> {
    EFFECTIVE.iter().flat_map(|path| ranges(observation, path)).map(Range::start).next()
}
