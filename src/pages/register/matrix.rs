//! The pages of the matrix of combinations, in Dutch and English: the same values as the API shows.

mod text;

use askama::Template;

use self::text::Text;
use super::Frame;
use crate::form::encode_pairs;
use crate::language::Language;
use crate::operations::DeskMatrixError;
use crate::operations::matrix::{CombinationView, MatrixView, StepView, Wish};
use crate::practices::programme::EntryKind;
use crate::report::matrix::board::Window;

/// Width of the bar of a step and of the space behind it, and the height of a full bar, in pixels.
const BAR: usize = 10;
const GAP: usize = 4;
const HEIGHT: u64 = 40;

/// The combinations.
#[derive(Template)]
#[template(path = "matrix/list.html", config = "src/pages/askama.toml")]
pub struct MatrixPage<'a> {
    /// Who looks.
    pub frame: Frame<'a>,
    /// What they asked for.
    pub wish: &'a Wish,
    /// What there is.
    pub found: &'a MatrixView,
}

/// One combination.
#[derive(Template)]
#[template(path = "matrix/one.html", config = "src/pages/askama.toml")]
pub struct OnePage<'a> {
    /// Who looks.
    pub frame: Frame<'a>,
    /// The combination.
    pub one: &'a CombinationView,
    /// Of which days.
    pub window: Window,
}

/// Something is not shown.
#[derive(Template)]
#[template(path = "matrix/failed.html", config = "src/pages/askama.toml")]
pub struct FailedPage<'a> {
    /// Who looks.
    pub frame: Frame<'a>,
    /// Why.
    pub error: DeskMatrixError,
}

macro_rules! pages {
    ($($name:ident),+) => {$(
        impl $name<'_> {
            /// The page as HTML.
            #[must_use]
            pub fn render_html(&self) -> String {
                self.render().unwrap_or_default()
            }

            const fn t(&self) -> &'static Text {
                Text::of(self.frame.language())
            }
        }
    )+};
}
pages!(MatrixPage, OnePage, FailedPage);

/// A bar of the funnel.
struct Bar {
    x: usize,
    /// From where the filled part begins, and how high it is.
    y: u64,
    height: u64,
}

/// The bars of a funnel: of each step the share of the attempts that took it, of those that tell whether it works.
fn bars(steps: &[StepView]) -> Vec<Bar> {
    let bar = |(place, step): (usize, &StepView)| {
        let judged = step.succeeded.saturating_add(step.failed);
        let height = step.succeeded.saturating_mul(HEIGHT).checked_div(judged).unwrap_or(0);
        Bar { x: place * (BAR + GAP), y: HEIGHT - height, height }
    };
    steps.iter().enumerate().map(bar).collect()
}

fn width(steps: &[StepView]) -> usize {
    steps.len() * (BAR + GAP)
}

/// What the funnel shows, in words.
fn spoken(steps: &[StepView], language: Language) -> String {
    let words: Vec<_> = steps
        .iter()
        .map(|step| {
            format!("{} {}/{}", step.text.text(language), step.succeeded, step.succeeded.saturating_add(step.failed))
        })
        .collect();
    words.join("; ")
}

impl MatrixPage<'_> {
    fn query(&self, after: Option<usize>) -> String {
        let wish = self.wish;
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let pairs = [
            ("window", wish.window.as_str().to_owned()),
            ("installation", text(&wish.installation)),
            ("client", text(&wish.client)),
            ("service", text(&wish.service)),
            ("coalition", text(&wish.coalition)),
            ("failing", if wish.failing { "true".to_owned() } else { String::new() }),
            ("after", after.map(|after| after.to_string()).unwrap_or_default()),
            ("lang", self.frame.language().tag().to_owned()),
        ];
        let given = pairs.into_iter().filter(|(_, value)| !value.is_empty());
        encode_pairs(&given.map(|(name, value)| (name.to_owned(), value)).collect::<Vec<_>>())
    }

    /// What the next page is asked by.
    fn next(&self) -> Option<String> {
        self.found.next.map(|after| self.query(Some(after)))
    }

    fn one(&self, id: &str) -> String {
        let (window, language) = (self.wish.window.as_str(), self.frame.language().tag());
        format!("/matrix/{id}?window={window}&lang={language}")
    }

    fn given(value: &Option<String>) -> &str {
        value.as_deref().unwrap_or_default()
    }
}

impl OnePage<'_> {
    fn has_samples(&self) -> bool {
        self.one.steps.iter().any(|step| !step.samples.is_empty())
    }

    fn in_window(&self, window: &Window) -> String {
        format!("/matrix/{}?window={}&lang={}", self.one.id, window.as_str(), self.frame.language().tag())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operations::register::SaidView;

    fn step(name: &str, succeeded: u64, failed: u64) -> StepView {
        StepView {
            step: name.to_owned(),
            text: SaidView { nl: name.to_owned(), en: name.to_owned() },
            tried: succeeded + failed,
            succeeded,
            ended: 0,
            aborted: 0,
            failed,
            codes: Vec::new(),
            successes: None,
            failures: None,
            samples: Vec::new(),
        }
    }

    #[test]
    fn a_bar_is_as_high_as_the_share_that_took_the_step() {
        let steps = [step("found", 10, 0), step("login", 5, 5), step("token", 0, 7), step("complete", 0, 0)];
        let heights: Vec<_> = bars(&steps).iter().map(|bar| (bar.y, bar.height)).collect();
        assert_eq!(heights, [(0, 40), (20, 20), (40, 0), (40, 0)]);
        assert_eq!((bars(&steps)[3].x, width(&steps)), (42, 56));
        assert_eq!(spoken(&steps[..2], Language::English), "found 10/10; login 5/10");
    }
}
