//! The texts with which a practice tells its patients how to look: a leaflet and a text for its website, in Dutch at level B1, from
//! what this gateway really serves of the practice.
//!
//! Source of what is and is not shown: guideline "Online inzage in het H-EPD door patiënt" and the service catalogue, which carries it
//! out. What a practice has chosen (start date, age, results, closed episodes) is read from its configuration, and never assumed.

use jiff::civil::Date;

use crate::practices::ClosedEpisodes;

/// What the texts say of a practice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaflet {
    /// Its name for people.
    pub practice: String,
    /// Where it is.
    pub place: String,
    /// From which day on notes are shown.
    pub access_start: Date,
    /// Age in years from which a person may look for themself.
    pub minimum_age: u8,
    /// For how many months back results are shown.
    pub results_months: u16,
    /// Which closed episodes are shown.
    pub closed_episodes: ClosedEpisodes,
    /// Whether the record of the GP is among the services ([`Leaflet::RECORD`]).
    pub has_record: bool,
    /// Names of the other services with which data can be fetched.
    pub collected: Vec<String>,
    /// Names of the services with which patients can send something.
    pub shared: Vec<String>,
    /// Names of the portals that may be used.
    pub portals: Vec<String>,
    /// Names of the organisations whose apps (PGOs) may be used.
    pub apps: Vec<String>,
    /// Who runs the gateway.
    pub operator: String,
    /// Its telephone number.
    pub phone: Option<String>,
    /// Where patients reach it.
    pub front: String,
}

/// A part of a text, under its heading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// Over it.
    pub heading: &'static str,
    /// What it says.
    pub blocks: Vec<Block>,
}

/// A block of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    /// A paragraph.
    Text(String),
    /// Things without an order.
    Points(Vec<String>),
    /// Steps in their order.
    Steps(Vec<String>),
}

const MONTHS: [&str; 12] = [
    "januari",
    "februari",
    "maart",
    "april",
    "mei",
    "juni",
    "juli",
    "augustus",
    "september",
    "oktober",
    "november",
    "december",
];

/// Longest line of a plain text, in characters; a longer word stands on a line of its own.
const LINE_MAX: usize = 78;

impl Leaflet {
    /// The id of the service with the record of the GP (Huisartsgegevens).
    pub const RECORD: &'static str = "49";
    /// A heading.
    pub const SEEN: &'static str = "Wat kunt u zien?";
    /// A heading.
    pub const UNSEEN: &'static str = "Wat ziet u niet?";
    /// A heading.
    pub const LOOKING: &'static str = "Hoe kunt u kijken?";
    /// A heading.
    pub const AGE: &'static str = "Vanaf welke leeftijd?";
    /// The title of both texts.
    pub const TITLE: &'static str = "Uw medische gegevens online bekijken";

    /// Under the title.
    #[must_use]
    pub fn subtitle(&self) -> String {
        format!("{}, {}", self.practice, self.place)
    }

    /// What stands on the front.
    #[must_use]
    pub fn introduction(&self) -> String {
        format!(
            "U bent patiënt bij {}. U kunt een deel van uw medische gegevens zelf bekijken op uw computer, telefoon of tablet. \
             Het hoeft niet: u kiest zelf of u dat wilt.",
            self.practice
        )
    }

    /// All parts, in their order.
    #[must_use]
    pub fn sections(&self) -> Vec<Section> {
        let mut all = vec![self.seen()];
        all.extend(self.has_record.then(|| self.unseen()));
        all.extend([self.looking(), self.age(), self.privacy(), self.questions()]);
        all
    }

    fn day(&self) -> String {
        let month = usize::try_from(self.access_start.month().saturating_sub(1)).unwrap_or_default();
        let month = MONTHS.get(month).copied().unwrap_or_default();
        format!("{} {month} {}", self.access_start.day(), self.access_start.year())
    }

    fn seen(&self) -> Section {
        let mut blocks = Vec::new();
        if self.has_record {
            blocks.push(Block::Text("Uit het dossier bij uw huisarts:".to_owned()));
            blocks.push(Block::Points(self.record()));
        }
        if !self.collected.is_empty() {
            blocks.push(Block::Text("Ook op te halen bij de praktijk:".to_owned()));
            blocks.push(Block::Points(self.collected.clone()));
        }
        if !self.shared.is_empty() {
            blocks.push(Block::Text("U kunt de praktijk ook iets sturen:".to_owned()));
            blocks.push(Block::Points(self.shared.clone()));
        }
        Section { heading: Self::SEEN, blocks }
    }

    fn record(&self) -> Vec<String> {
        let closed = match self.closed_episodes {
            ClosedEpisodes::Flagged => {
                Some("afgesloten klachten en aandoeningen waar uw huisarts aandacht voor vraagt")
            }
            ClosedEpisodes::All => Some("afgesloten klachten en aandoeningen"),
            ClosedEpisodes::None => None,
        };
        let mut points = vec![
            format!(
                "de conclusie en het plan van een consult (de E- en P-regel), als die zijn opgeschreven op of na {}",
                self.day()
            ),
            "klachten en aandoeningen waarvoor u nu bij uw huisarts bent".to_owned(),
        ];
        points.extend(closed.map(str::to_owned));
        points.extend([
            "medicijnen die u nu gebruikt".to_owned(),
            "medicijnen waar u niet tegen kunt".to_owned(),
            format!("uitslagen van de laatste {} maanden", self.results_months),
        ]);
        points
    }

    fn unseen(&self) -> Section {
        let points = [
            format!("aantekeningen bij consulten van vóór {}", self.day()),
            "wat u de huisarts vertelde en wat de huisarts bij onderzoek vond (de S- en O-regel)".to_owned(),
            "persoonlijke werkaantekeningen van uw huisarts; die horen niet bij uw dossier".to_owned(),
            "gegevens van andere zorgverleners die niet in het dossier bij uw huisarts staan".to_owned(),
        ];
        Section { heading: Self::UNSEEN, blocks: vec![Block::Points(points.into())] }
    }

    fn looking(&self) -> Section {
        let mut blocks = Vec::new();
        if !self.portals.is_empty() {
            blocks.push(Block::Text("Met een portaal van de praktijk. U logt in op het portaal:".to_owned()));
            blocks.push(Block::Points(self.portals.clone()));
        }
        if !self.apps.is_empty() {
            blocks.push(Block::Text(
                "Met een app of website die u zelf kiest: een persoonlijke gezondheidsomgeving (PGO). Nu doen mee de PGO's van:"
                    .to_owned(),
            ));
            blocks.push(Block::Points(self.apps.clone()));
            blocks.push(Block::Text("Zo gaat het met een PGO:".to_owned()));
            blocks.push(Block::Steps(self.steps()));
        }
        Section { heading: Self::LOOKING, blocks }
    }

    fn steps(&self) -> Vec<String> {
        vec![
            format!("Zoek in de PGO naar {} en kies welke gegevens u wilt ophalen.", self.practice),
            format!("U komt op een pagina van {}. Daar logt u in. Zo is het zeker dat u het bent.", self.operator),
            "U leest welke gegevens de PGO vraagt en zegt ja of nee. Zegt u nee, dan krijgt de PGO niets.".to_owned(),
            "U gaat terug naar de PGO en ziet uw gegevens.".to_owned(),
        ]
    }

    fn age(&self) -> Section {
        let age = self.minimum_age;
        let text = format!(
            "U kunt zelf kijken als u {age} jaar of ouder bent. Voor kinderen jonger dan {age} jaar kan dat niet, ook niet door hun \
             ouders. Wilt u weten wat er over uw kind is opgeschreven? Vraag het ons."
        );
        Section { heading: Self::AGE, blocks: vec![Block::Text(text)] }
    }

    fn privacy(&self) -> Section {
        let points = [
            format!(
                "Gaf u een PGO toestemming voor langere tijd? Die trekt u zelf weer in: {}/toestemmingen",
                self.front
            ),
            format!("Zien wie uw gegevens opvroeg en wanneer: {}/inzagelog", self.front),
            "Een kopie van uw dossier kunt u altijd bij ons vragen.".to_owned(),
        ];
        Section { heading: "Uw toestemming en uw rechten", blocks: vec![Block::Points(points.into())] }
    }

    fn questions(&self) -> Section {
        let phone = self.phone.as_ref().map(|phone| format!(", telefoon {phone}")).unwrap_or_default();
        let points = [
            format!("Over wat er in uw dossier staat: {}, {}.", self.practice, self.place),
            format!("Lukt het inloggen of ophalen niet: {}{phone}.", self.operator),
        ];
        Section { heading: "Vragen?", blocks: vec![Block::Points(points.into())] }
    }

    /// All of it as plain text, for a newsletter or an e-mail: lines of at most 78 characters.
    #[must_use]
    pub fn plain_text(&self) -> String {
        let mut text = format!("{}\n{}\n\n", Self::TITLE, self.subtitle());
        lines(&mut text, "", &self.introduction());
        for Section { heading, blocks } in self.sections() {
            text.push_str(&format!("\n{}\n", heading.to_uppercase()));
            for block in blocks {
                match block {
                    Block::Text(said) => lines(&mut text, "", &said),
                    Block::Points(points) => points.iter().for_each(|point| lines(&mut text, "- ", point)),
                    Block::Steps(steps) => {
                        steps.iter().zip(1..).for_each(|(step, at)| lines(&mut text, &format!("{at}. "), step));
                    }
                }
            }
        }
        text
    }
}

/// Adds a paragraph in lines; those after the first stand under the text of the first.
fn lines(text: &mut String, mark: &str, said: &str) {
    let (mut line, indent) = (mark.to_owned(), " ".repeat(mark.chars().count()));
    let mut is_bare = true;
    for word in said.split_whitespace() {
        let longer = line.chars().count().saturating_add(word.chars().count()).saturating_add(1);
        if !is_bare && longer > LINE_MAX {
            text.push_str(&line);
            text.push('\n');
            line.clone_from(&indent);
            is_bare = true;
        }
        if !is_bare {
            line.push(' ');
        }
        line.push_str(word);
        is_bare = false;
    }
    text.push_str(&line);
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn leaflet() -> Leaflet {
        Leaflet {
            practice: "Huisartsenpraktijk De Linde".to_owned(),
            place: "Zutphen".to_owned(),
            access_start: jiff::civil::date(2021, 3, 1),
            minimum_age: 16,
            results_months: 14,
            closed_episodes: ClosedEpisodes::Flagged,
            has_record: true,
            collected: vec!["Afspraken".to_owned()],
            shared: Vec::new(),
            portals: vec!["Mijn De Linde".to_owned()],
            apps: vec!["Mijn Zorgmap".to_owned()],
            operator: "Inzage".to_owned(),
            phone: Some("088 123 45 67".to_owned()),
            front: "https://inloggen.example".to_owned(),
        }
    }

    /// The words, whatever line they stand on.
    fn words(leaflet: &Leaflet) -> String {
        leaflet.plain_text().split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn it_says_what_the_practice_serves_and_nothing_else() {
        let text = words(&leaflet());
        for said in [
            "op of na 1 maart 2021",
            "laatste 14 maanden",
            "16 jaar of ouder",
            "waar uw huisarts aandacht voor vraagt",
            "S- en O-regel",
            "- Afspraken",
            "- Mijn De Linde",
            "- Mijn Zorgmap",
            "088 123 45 67",
            "https://inloggen.example/inzagelog",
        ] {
            assert!(text.contains(said), "{said}\n{text}");
        }
        assert!(!text.contains("sturen"), "nothing can be shared here");
        let without = Leaflet {
            has_record: false,
            closed_episodes: ClosedEpisodes::None,
            portals: Vec::new(),
            phone: None,
            minimum_age: 18,
            ..leaflet()
        };
        let text = words(&without);
        assert!(
            !["E- en P-regel", "S- en O-regel", "portaal", "088 "].iter().any(|said| text.contains(said)),
            "{text}"
        );
        assert!(text.contains("18 jaar of ouder"));
        let all = words(&Leaflet { closed_episodes: ClosedEpisodes::None, ..leaflet() });
        assert!(!all.contains("afgesloten"), "{all}");
    }

    proptest! {
        #[test]
        fn lines_keep_every_word_and_stay_short(said in "[a-zé,.]{1,20}( [a-zé,.]{1,20}){0,40}") {
            let mut text = String::new();
            lines(&mut text, "- ", &said);
            prop_assert!(text.lines().all(|line| line.chars().count() <= LINE_MAX), "{}", text);
            let words: Vec<_> = text.split_whitespace().skip(1).collect();
            prop_assert_eq!(words, said.split_whitespace().collect::<Vec<_>>());
        }
    }
}
