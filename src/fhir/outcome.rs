//! OperationOutcome: what a FHIR client gets instead of data.

use serde_json::json;

/// What is said.
#[derive(Debug, Clone, Copy)]
pub struct Issue<'a> {
    /// FHIR issue type.
    pub issue: &'a str,
    /// Our code.
    pub code: &'a str,
    /// Who can do something about it.
    pub who: &'a str,
    /// For people, in Dutch.
    pub text: &'a str,
    /// For developers, in English.
    pub diagnostics: &'a str,
    /// The reference number of the request.
    pub reference: &'a str,
    /// Which element of what was sent it is about.
    pub expression: Option<&'a str>,
}

/// The code system of our codes.
pub const FAULT_SYSTEM: &str = "urn:inzage:fault";
/// The code system that says who can act.
pub const WHO_SYSTEM: &str = "urn:inzage:who-acts";

/// Writes it.
#[must_use]
pub fn operation_outcome(issue: Issue<'_>) -> Vec<u8> {
    let mut outcome = json!({
        "resourceType": "OperationOutcome",
        "issue": [{
            "severity": "error",
            "code": issue.issue,
            "details": {
                "coding": [
                    {"system": FAULT_SYSTEM, "code": issue.code},
                    {"system": WHO_SYSTEM, "code": issue.who},
                ],
                "text": issue.text,
            },
            "diagnostics": format!("{} (reference {})", issue.diagnostics, issue.reference),
        }],
    });
    if let (Some(expression), Some(issue)) = (issue.expression, outcome.pointer_mut("/issue/0")) {
        issue["expression"] = json!([expression]);
    }
    outcome.to_string().into_bytes()
}
