//! Charts of shares, drawn as SVG: a bar for each month with its number above it, and a line at the goal. What a chart shows stands
//! in its description and in the table below it too.

use crate::language::Language;

/// Width of a chart, in units of its own.
const WIDTH: f64 = 640.0;
/// Height of its plot, from the top.
const HEIGHT: f64 = 200.0;
/// Where the plot begins: left of it stand the numbers of the axis.
const LEFT: f64 = 46.0;
/// Above the highest bar.
const TOP: f64 = 26.0;
/// Most bars whose numbers fit above them.
const NUMBERED_MAX: usize = 12;

/// Bars, and a goal.
pub struct Chart {
    /// A name, one on the page.
    pub name: &'static str,
    /// For people.
    pub title: &'static str,
    /// All numbers in words, for who does not see the picture.
    pub description: String,
    /// In order.
    pub bars: Vec<Bar>,
    /// Numbers of the axis: how far down, and the text.
    pub axis: Vec<(String, String)>,
    /// How far down the goal is, and its text.
    pub goal: (String, String),
}

/// A bar; without a number it is only a name.
pub struct Bar {
    /// Its left side.
    pub x: String,
    /// Its width.
    pub width: String,
    /// Its middle.
    pub middle: String,
    /// Its top and height, and the number above it; `None`: it is not told.
    pub told: Option<(String, String, String)>,
    /// Where the number stands.
    pub above: String,
    /// What it is of.
    pub name: String,
}

impl Chart {
    /// A bar for each named share. The axis goes from 0 to `top`, or as far as is needed.
    #[must_use]
    pub fn bars(
        name: &'static str,
        title: &'static str,
        shares: &[(String, Option<f64>)],
        goal: f64,
        top: f64,
        language: Language,
    ) -> Self {
        let top = shares.iter().filter_map(|(_, share)| *share).fold(top, f64::max);
        let down = |share: f64| TOP + (HEIGHT - TOP) * (1.0 - share / top);
        let each = (WIDTH - LEFT) / count(shares.len().max(NUMBERED_MAX));
        let text = |share: f64| text(share, language);
        let bar = |(at, (name, share)): (usize, &(String, Option<f64>))| {
            let x = LEFT + each * count(at);
            let told = share.map(|share| (units(down(share)), units(HEIGHT - down(share)), text(share)));
            Bar {
                x: units(x + each * 0.14),
                width: units(each * 0.72),
                middle: units(x + each / 2.0),
                told,
                above: units(share.map_or(HEIGHT, down) - 5.0),
                name: name.clone(),
            }
        };
        let said = |(name, share): &(String, Option<f64>)| match (share, language) {
            (Some(share), _) => format!("{name}: {}", text(*share)),
            (None, Language::Dutch) => format!("{name}: niet getoond"),
            (None, Language::English) => format!("{name}: not shown"),
        };
        let goal_said = if language == Language::Dutch { "doel" } else { "goal" };
        Self {
            name,
            title,
            description: shares.iter().map(said).collect::<Vec<_>>().join("; "),
            bars: shares.iter().enumerate().map(bar).collect(),
            axis: [0.0, 0.5, 1.0].map(|part| (units(down(top * part)), text(top * part))).to_vec(),
            goal: (units(down(goal)), format!("{goal_said} {}", text(goal))),
        }
    }
}

fn text(share: f64, language: Language) -> String {
    let per_cent = share * 100.0;
    let text = if (per_cent - per_cent.round()).abs() < 0.05 {
        format!("{per_cent:.0} %")
    } else {
        format!("{per_cent:.1} %")
    };
    if language == Language::Dutch { text.replace('.', ",") } else { text }
}

fn units(number: f64) -> String {
    format!("{number:.1}")
}

#[expect(clippy::cast_precision_loss, reason = "a handful of bars")]
const fn count(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bar_lies_in_the_picture() {
        let shares = vec![("jan".to_owned(), Some(0.04)), ("feb".to_owned(), None), ("mrt".to_owned(), Some(0.4))];
        let chart = Chart::bars("c", "C", &shares, 0.2, 0.25, Language::Dutch);
        assert_eq!(chart.description, "jan: 4 %; feb: niet getoond; mrt: 40 %");
        for (y, height, _) in chart.bars.iter().filter_map(|bar| bar.told.clone()) {
            let (y, height): (f64, f64) = (y.parse().unwrap(), height.parse().unwrap());
            assert!(y >= TOP && (y + height - HEIGHT).abs() < 0.2, "{y} {height}");
        }
        assert!(chart.bars[1].told.is_none());
        let goal: f64 = chart.goal.0.parse().unwrap();
        assert!((goal - (TOP + (HEIGHT - TOP) / 2.0)).abs() < 0.1);
    }
}
