//! What a client prefers (RFC 7240). `handling` is read by nobody: what is outside a service is refused in any case.

/// The preferences that matter here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Prefer {
    /// `return`.
    pub wants: Return,
}

/// What a client wants back for what it sent (FHIR STU3 http.html, 2.21.0.5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Return {
    /// It says nothing.
    #[default]
    Unsaid,
    /// No body.
    Minimal,
    /// What was made.
    Representation,
    /// How it went.
    OperationOutcome,
}

impl Prefer {
    /// Of all `Prefer` lines. A preference that is not known is ignored, and of one that stands twice the first counts
    /// (RFC 7240 section 2).
    pub fn of<'a>(lines: impl Iterator<Item = &'a str>) -> Self {
        let mut preferences = lines.flat_map(|line| line.split([',', ';'])).map(str::trim);
        let wants = preferences.find_map(|preference| {
            let (name, value) = preference.split_once('=')?;
            name.trim().eq_ignore_ascii_case("return").then(|| Return::of(value.trim().trim_matches('"')))
        });
        Self { wants: wants.unwrap_or_default() }
    }
}

impl Return {
    fn of(value: &str) -> Self {
        let is = |name: &str| value.eq_ignore_ascii_case(name);
        match () {
            () if is("minimal") => Self::Minimal,
            () if is("representation") => Self::Representation,
            () if is("OperationOutcome") => Self::OperationOutcome,
            () => Self::Unsaid,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_return_counts() {
        for (lines, expected) in [
            (&[][..], Return::Unsaid),
            (&["return=representation"], Return::Representation),
            (&["handling=strict, return=minimal"], Return::Minimal),
            (&["handling=lenient; RETURN=\"OperationOutcome\""], Return::OperationOutcome),
            (&["respond-async", "return=representation", "return=minimal"], Return::Representation),
            (&["return=everything", "return"], Return::Unsaid),
        ] {
            assert_eq!(Prefer::of(lines.iter().copied()).wants, expected, "{lines:?}");
        }
    }
}
