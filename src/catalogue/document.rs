//! The catalogue as a document for everybody who meets a code: `deploy/docs/errors.md`.

use std::fmt::Write as _;

use super::{Again, Entry, GROUPS, Who};

const HEAD: &str = "# Errors\n\n\
    Every code that can stand in an answer of the gateway, in its access log or in an explanation, with who can act on it. A code\n\
    and its meaning stay the same over releases. `inzage errors` prints this document; it is written from `src/catalogue.rs`.\n\n\
    *Again* says whether the same request may be answered otherwise: never before somebody has acted, later, or after so many\n\
    seconds, which the answer then says in `Retry-After`. What people are told stands in `issue.details.text` of the\n\
    OperationOutcome, and what developers are told in `issue.diagnostics`.\n";

/// The document, in Markdown.
#[must_use]
pub fn document() -> String {
    let mut text = HEAD.to_owned();
    for (heading, group) in GROUPS {
        // Writing into a string does not fail.
        let _ = write!(text, "\n## {heading}\n");
        for entry in *group {
            push(&mut text, entry);
        }
    }
    text
}

fn push(text: &mut String, entry: &Entry) {
    let _ = write!(
        text,
        "\n### `{}`\n\n- Who can act: {}. Again: {}.\n- People: {} / *{}*\n- Developers: {}.\n",
        entry.code(),
        acts(entry.who()),
        again(entry.again()),
        entry.nl(),
        entry.en(),
        entry.diagnostics(),
    );
}

/// Who it is, in the document.
const fn acts(who: Who) -> &'static str {
    match who {
        Who::Patient => "the patient",
        Who::Practice => "the practice",
        Who::Pgo => "the maker of the app or website",
        Who::His => "the supplier of the practice's system",
        Who::Us => "the operator of the gateway",
    }
}

fn again(again: Again) -> String {
    match again {
        Again::Never => "not before that".to_owned(),
        Again::Later => "later".to_owned(),
        Again::After(seconds) => format!("after {seconds} s"),
    }
}
