//! The text of a configuration file with its name, and the line and column of each byte.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::fault::Place;

/// A file as it was read. Prints as its name.
pub(super) struct Source {
    path: PathBuf,
    text: String,
    /// Where each line starts, in bytes.
    lines: Vec<usize>,
}

impl Source {
    pub(super) fn new(path: &Path, text: String) -> Self {
        let starts = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at.saturating_add(1));
        let lines = std::iter::once(0).chain(starts).collect();
        Self { path: path.to_owned(), text, lines }
    }

    pub(super) fn name(&self) -> String {
        self.path.display().to_string()
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Relative paths in the file start here.
    pub(super) fn folder(&self) -> &Path {
        self.path.parent().unwrap_or_else(|| Path::new(""))
    }

    pub(super) fn place(&self, span: Range<usize>) -> Place {
        let line = self.lines.partition_point(|start| *start <= span.start);
        let start = line.checked_sub(1).and_then(|index| self.lines.get(index)).copied().unwrap_or_default();
        let before = self.text.get(start..span.start).unwrap_or_default();
        Place { line, column: before.chars().count().saturating_add(1), span }
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Source").field(&self.path).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_from_one_and_in_characters() {
        let source = Source::new(Path::new("dir/x.toml"), "a = 1\nß = é2\n".to_owned());
        let place = |at| source.place(at..at.saturating_add(1));
        assert_eq!((place(0).line, place(0).column), (1, 1));
        assert_eq!((place(4).line, place(4).column), (1, 5));
        assert_eq!((place(6).line, place(6).column), (2, 1));
        assert_eq!((place(13).line, place(13).column), (2, 6), "after two characters of two bytes");
        assert_eq!(source.folder(), Path::new("dir"));
    }
}
