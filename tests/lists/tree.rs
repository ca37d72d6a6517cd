//! Just enough XML to change a list that is known to be well formed: where each element starts and ends.

use std::ops::Range;

/// A list as text, and its elements in the order of their start tags.
pub(crate) struct Tree {
    /// The file.
    pub(crate) text: String,
    /// The elements; the first is the root.
    pub(crate) elements: Vec<Element>,
}

/// One element.
pub(crate) struct Element {
    /// Its name.
    pub(crate) name: String,
    /// Its start tag.
    pub(crate) start: Range<usize>,
    /// Its end tag.
    pub(crate) end: Range<usize>,
    /// The element around it.
    pub(crate) parent: Option<usize>,
    /// The elements in it.
    pub(crate) children: Vec<usize>,
}

impl Tree {
    /// Finds the elements of a list without prefixes and empty-element tags.
    pub(crate) fn of(text: &str) -> Self {
        let mut elements: Vec<Element> = Vec::new();
        let mut open: Vec<usize> = Vec::new();
        let mut at = 0;
        while let Some(found) = text[at..].find('<') {
            let start = at + found;
            let rest = &text[start..];
            let stop = |mark: &str| start + rest.find(mark).expect("well formed") + mark.len();
            at = match rest {
                _ if rest.starts_with("<!--") => stop("-->"),
                _ if rest.starts_with("<![CDATA[") => stop("]]>"),
                _ if rest.starts_with("<?") => stop("?>"),
                _ => stop(">"),
            };
            if rest.starts_with("</") {
                let closed = open.pop().expect("well formed");
                elements[closed].end = start..at;
            } else if !rest.starts_with("<!") && !rest.starts_with("<?") {
                let name = rest[1..].split(['>', ' ', '\n', '\r', '\t']).next().unwrap().to_owned();
                let (this, parent) = (elements.len(), open.last().copied());
                elements.push(Element { name, start: start..at, end: at..at, parent, children: Vec::new() });
                if let Some(parent) = parent {
                    elements[parent].children.push(this);
                }
                open.push(this);
            }
        }
        assert!(open.is_empty(), "well formed");
        Self { text: text.to_owned(), elements }
    }

    /// From start tag to end tag.
    pub(crate) fn whole(&self, at: usize) -> Range<usize> {
        self.elements[at].start.start..self.elements[at].end.end
    }

    /// Between the tags.
    pub(crate) fn inner(&self, at: usize) -> Range<usize> {
        self.elements[at].start.end..self.elements[at].end.start
    }

    /// The names from the root to an element.
    pub(crate) fn path(&self, at: usize) -> String {
        let above = self.elements[at].parent.map(|parent| self.path(parent) + "/").unwrap_or_default();
        above + &self.elements[at].name
    }

    /// The first and the last element of each path.
    pub(crate) fn typical(&self) -> Vec<usize> {
        let paths: Vec<_> = (0..self.elements.len()).map(|at| self.path(at)).collect();
        let first = |at: usize| !paths[..at].contains(&paths[at]);
        let last = |at: usize| !paths[at + 1..].contains(&paths[at]);
        (0..paths.len()).filter(|at| first(*at) || last(*at)).collect()
    }
}
