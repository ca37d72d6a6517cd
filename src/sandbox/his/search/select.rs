//! Finds the elements of a resource that a search parameter looks at.

use serde_json::Value;

use super::date::Range;
use super::table::Step;

/// The elements at a path; lists on the way are taken apart.
pub(super) fn nodes<'a>(value: &'a Value, path: &[Step]) -> Vec<&'a Value> {
    let mut found = vec![value];
    for step in path {
        found = found.into_iter().flat_map(|value| follow(value, *step)).collect();
    }
    found
}

fn follow(value: &Value, step: Step) -> Vec<&Value> {
    match step {
        Step::Member(name) => match value.get(name) {
            Some(Value::Array(items)) => items.iter().collect(),
            Some(one) => vec![one],
            None => Vec::new(),
        },
        Step::Extension(url) => {
            let extensions = value.get("extension").and_then(Value::as_array).into_iter().flatten();
            extensions.filter(|extension| extension.get("url").and_then(Value::as_str) == Some(url)).collect()
        }
    }
}

/// The dates and Periods at a path. What cannot be read is left out: it matches nothing.
pub(super) fn ranges(value: &Value, path: &[Step]) -> Vec<Range> {
    nodes(value, path).into_iter().filter_map(range).collect()
}

fn range(node: &Value) -> Option<Range> {
    let text = |name| node.get(name).and_then(Value::as_str);
    node.as_str().map_or_else(|| Range::between(text("start"), text("end")), Range::parse)
}

const PERIOD_OF_USE: [Step; 2] = [
    Step::Extension("http://nictiz.nl/fhir/StructureDefinition/zib-Medication-PeriodOfUse"),
    Step::Member("valuePeriod"),
];
const DURATION_OF_USE: [Step; 2] = [
    Step::Extension("http://nictiz.nl/fhir/StructureDefinition/zib-MedicationUse-Duration"),
    Step::Member("valueDuration"),
];

/// From when to when a medicine is used (Nictiz search parameter `periodofuse`): the PeriodOfUse extension, its end, when
/// missing, computed from the duration of use, its start, when missing, taken from `authoredOn`.
pub(super) fn period_of_use(request: &Value) -> Option<Range> {
    let period = nodes(request, &PERIOD_OF_USE).into_iter().next();
    let duration = nodes(request, &DURATION_OF_USE).into_iter().next();
    let side = |name| period.and_then(|period| period.get(name)).and_then(Value::as_str);
    let (start, end) = (side("start"), side("end"));
    let Some(duration) = duration.filter(|_| end.is_none()) else {
        return Range::between(start, end);
    };
    let start = Range::parse(start.or_else(|| request.get("authoredOn")?.as_str())?)?;
    let unit = duration.get("code").or_else(|| duration.get("unit")).and_then(Value::as_str).unwrap_or_default();
    let ended = duration.get("value").and_then(Value::as_f64).and_then(|value| start.lasting(value, unit));
    Some(ended.unwrap_or_else(|| start.open_ended()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::date::DateTerm;
    use super::*;

    #[test]
    fn a_medicine_is_in_use_by_its_period_or_its_duration() {
        let url = |path: &[Step; 2]| match path[0] {
            Step::Extension(url) => url,
            Step::Member(_) => unreachable!(),
        };
        let period = |period: Value| json!({"url": url(&PERIOD_OF_USE), "valuePeriod": period});
        let days = |value: u32| json!({"url": url(&DURATION_OF_USE), "valueDuration": {"value": value, "code": "d"}});
        let cases = [
            (vec![period(json!({"start": "2026-06-01"}))], true),
            (vec![period(json!({"start": "2026-06-01", "end": "2026-06-09"}))], false),
            (vec![period(json!({"start": "2026-06-01", "end": "2026-06-10"}))], true),
            (vec![period(json!({"start": "2026-06-01"})), days(9)], false),
            (vec![period(json!({"start": "2026-06-01"})), days(10)], true),
            (vec![days(30)], true),
            (vec![days(3)], false),
            (vec![], false),
        ];
        let today = DateTerm::parse("ge2026-06-10").unwrap();
        for (extensions, expected) in cases {
            let request = json!({"authoredOn": "2026-06-01", "extension": extensions});
            let found = period_of_use(&request).is_some_and(|range| today.matches(range));
            assert_eq!(found, expected, "{request}");
        }
    }
}
