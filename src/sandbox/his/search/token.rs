//! Search parameters of type token (FHIR STU3 search section 2.21.1.2.10): codes, codings and identifiers.

use serde_json::Value;

/// One value of a token parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// `code`: this code, whatever the system.
    Code(String),
    /// `system|code`.
    InSystem { system: String, code: String },
    /// `system|`: any code of this system.
    AnyIn(String),
    /// `|code`: this code without a system.
    WithoutSystem(String),
}

impl Token {
    pub(super) fn parse(term: &str) -> Option<Self> {
        let parts: Vec<String> = split(term, '|').iter().map(|part| unescape(part)).collect();
        match parts.as_slice() {
            [code] if !code.is_empty() => Some(Self::Code(code.clone())),
            [system, code] => match (system.is_empty(), code.is_empty()) {
                (true, true) => None,
                (false, true) => Some(Self::AnyIn(system.clone())),
                (true, false) => Some(Self::WithoutSystem(code.clone())),
                (false, false) => Some(Self::InSystem { system: system.clone(), code: code.clone() }),
            },
            _ => None,
        }
    }

    /// Whether a Coding, CodeableConcept, Identifier or plain code carries this. A plain code has the system its element is
    /// bound to, and counts as one without a system as well.
    pub(super) fn matches(&self, node: &Value, bound: Option<&str>) -> bool {
        if let Some(code) = node.as_str() {
            return self.fits(bound, code) || self.fits(None, code);
        }
        if let Some(codings) = node.get("coding").and_then(Value::as_array) {
            return codings.iter().any(|coding| self.matches(coding, None));
        }
        let text = |name| node.get(name).and_then(Value::as_str);
        text("code").or_else(|| text("value")).is_some_and(|code| self.fits(text("system"), code))
    }

    fn fits(&self, found_system: Option<&str>, found: &str) -> bool {
        match self {
            Self::Code(code) => code == found,
            Self::InSystem { system, code } => found_system == Some(system) && code == found,
            Self::AnyIn(system) => found_system == Some(system),
            Self::WithoutSystem(code) => found_system.is_none() && code == found,
        }
    }
}

/// The alternatives of a parameter value: separated by commas that are not escaped. Escapes stay.
pub(super) fn alternatives(value: &str) -> Vec<String> {
    split(value, ',')
}

fn split(text: &str, separator: char) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut escaped = false;
    for c in text.chars() {
        if c == separator && !escaped {
            parts.push(String::new());
        } else if let Some(part) = parts.last_mut() {
            part.push(c);
        }
        escaped = c == '\\' && !escaped;
    }
    parts
}

fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        plain.push(if c == '\\' { characters.next().unwrap_or('\\') } else { c });
    }
    plain
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_four_forms_match_what_they_should() {
        let concept = json!({"coding": [{"system": "urn:s", "code": "1"}, {"system": "urn:t", "code": "2"}]});
        let bare = json!({"coding": [{"code": "1"}]});
        let identifier = json!({"system": "urn:s", "value": "1"});
        let plain = json!("1");
        let cases = [
            // term, concept, bare coding, identifier, plain code bound to urn:s
            ("1", [true, true, true, true]),
            ("2", [true, false, false, false]),
            ("urn:s|1", [true, false, true, true]),
            ("urn:t|1", [false, false, false, false]),
            ("urn:s|", [true, false, true, true]),
            ("urn:u|", [false, false, false, false]),
            ("|1", [false, true, false, true]),
        ];
        for (term, expected) in cases {
            let token = Token::parse(term).unwrap();
            let found = [
                token.matches(&concept, None),
                token.matches(&bare, None),
                token.matches(&identifier, None),
                token.matches(&plain, Some("urn:s")),
            ];
            assert_eq!(found, expected, "{term}");
        }
    }

    #[test]
    fn empty_and_overlong_terms_are_refused() {
        for term in ["", "|", "a|b|c"] {
            assert_eq!(Token::parse(term), None, "{term}");
        }
    }

    #[test]
    fn escaped_separators_belong_to_the_value() {
        assert_eq!(alternatives(r"a\,b,c"), [r"a\,b", "c"]);
        assert_eq!(Token::parse(r"a\|b\\"), Some(Token::Code(r"a|b\".to_owned())));
        assert_eq!(Token::parse(r"a\,b"), Some(Token::Code("a,b".to_owned())));
    }
}
