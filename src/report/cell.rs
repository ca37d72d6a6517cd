//! What is counted by adding one.

use std::fmt;

use super::people::View;
use super::waiting::Bin;
use super::words::Ending;

/// An amount of a practice in a month.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cell {
    /// Requests that came in this way for this service, and ended so.
    Requests(Ending, View),
    /// Requests that succeeded after so long.
    Waiting(Bin),
    /// Viewings that came after their month was closed: nobody is counted by them any more.
    LateViewings,
}

impl Cell {
    /// Reads what [`fmt::Display`] gives.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text.split_once('/') {
            None => (text == "late").then_some(Self::LateViewings),
            Some(("waiting", bin)) => bin.parse().ok().map(|number| Self::Waiting(Bin::new(number))),
            Some((ending, view)) => Some(Self::Requests(Ending::find(ending)?, View::parse(view)?)),
        }
    }
}

/// `succeeded/pgo/49`, `waiting/117` or `late`.
impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Requests(ending, view) => write!(f, "{}/{view}", ending.as_str()),
            Self::Waiting(bin) => write!(f, "waiting/{}", bin.number()),
            Self::LateViewings => f.write_str("late"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_parses_back_and_nothing_else_parses() {
        for text in ["succeeded/pgo/49", "failed/unknown/", "aborted/portal/48", "waiting/0", "waiting/255", "late"] {
            assert_eq!(Cell::parse(text).unwrap().to_string(), text);
        }
        for text in ["", "succeeded", "succeeded/pgo", "done/pgo/49", "waiting/256", "waiting/-1", "late/1"] {
            assert_eq!(Cell::parse(text), None, "{text}");
        }
    }
}
