//! The page of go-live.

use askama::Template;

use super::Frame;
use crate::operations::DeskError;
use crate::operations::view::EntranceView;

/// Every stage, with what it means.
const STAGES: &[(&str, &str)] = &[
    ("closed", "closed: nobody"),
    ("field_test", "field test: named test patients only"),
    ("pilot", "pilot: at most so many people, by chosen apps, between two days"),
    ("open", "open: every patient"),
    ("paused", "paused: nobody for now"),
    ("configured", "as the configuration has it"),
];

/// What stands in the form.
#[derive(Debug, Clone, Default)]
pub struct StageForm {
    /// Where.
    pub entrance: String,
    /// The number of the change seen last.
    pub seen: u32,
    /// Which stage.
    pub stage: String,
    /// Of a pilot: how many.
    pub places: String,
    /// Of a pilot: which apps.
    pub clients: String,
    /// Of a pilot: its first day.
    pub from: String,
    /// Of a pilot: its last day.
    pub until: String,
    /// Why.
    pub reason: String,
}

/// Go-live.
#[derive(Template)]
#[template(path = "operations/golive.html", config = "src/pages/askama.toml")]
pub struct GoLivePage<'a> {
    /// Who looks.
    pub frame: Frame<'a>,
    /// What operators set.
    pub entrances: &'a [EntranceView],
    /// What stands in the form.
    pub typed: StageForm,
    /// What is wrong with that.
    pub wrong: Option<DeskError>,
}

impl GoLivePage<'_> {
    /// The page as HTML.
    #[must_use]
    pub fn render_html(&self) -> String {
        self.render().unwrap_or_default()
    }

    /// What a pilot says, in a line.
    fn pilot(&self, entrance: &EntranceView) -> Option<String> {
        let pilot = entrance.details.as_ref().filter(|details| details["stage"] == "pilot")?;
        let text = |name: &str| pilot[name].as_str().unwrap_or_default().to_owned();
        let clients: Vec<_> = pilot["clients"].as_array()?.iter().filter_map(serde_json::Value::as_str).collect();
        let apps = if clients.is_empty() { "all apps".to_owned() } else { clients.join(" ") };
        Some(format!("{} places, {apps}, {} to {}", pilot["places"], text("from"), text("until")))
    }

    /// The practice of an entrance.
    fn provider<'e>(&self, entrance: &'e EntranceView) -> &'e str {
        entrance.entrance.split('~').next().unwrap_or_default()
    }

    /// The form with this entrance filled in.
    fn address(&self, entrance: &EntranceView) -> String {
        let pairs = [("entrance".to_owned(), entrance.entrance.clone())];
        format!("/go-live?{}#set", crate::form::encode_pairs(&pairs))
    }
}
