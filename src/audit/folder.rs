//! What may lie in a log folder: every name, in one place. Whoever reads a folder refuses the rest.

/// How many digits the first index of a segment has in its names.
const DIGITS: usize = 20;

/// The folder of the full hash tiles (C2SP tlog-tiles: `tile/<L>/<N>`).
pub(super) const TILES: &str = "tile";
/// The newest signed checkpoint.
pub(super) const CHECKPOINT: &str = "checkpoint";
/// Signed checkpoints of the past, one after the other.
pub(super) const CHECKPOINTS: &str = "checkpoints";
/// The public keys that the notes here verify with, one a line: the present one first.
pub(super) const KEYS: &str = "verifier-keys";
/// The signed statement of what was removed after its retention.
pub(super) const PRUNED: &str = "pruned";

const TEMPORARY: &str = ".tmp";

/// Something that belongs in a log folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entry {
    /// The records from this index on.
    Segment(u64),
    /// The same, compressed.
    Packed(u64),
    /// The signed manifest of the compressed segment.
    Manifest(u64),
    /// The folder [`TILES`].
    Tiles,
    /// [`CHECKPOINT`].
    Checkpoint,
    /// [`CHECKPOINTS`].
    Checkpoints,
    /// [`KEYS`].
    Keys,
    /// [`PRUNED`].
    Pruned,
    /// What one of the above is written to before it is renamed: worth nothing.
    Temporary,
}

impl Entry {
    /// What a name in the folder stands for; `None` when nothing of this name belongs there.
    pub(super) fn parse(name: &str) -> Option<Self> {
        if let Some(rest) = name.strip_suffix(TEMPORARY) {
            let replaced = matches!(
                Self::parse(rest)?,
                Self::Packed(_) | Self::Manifest(_) | Self::Checkpoint | Self::Keys | Self::Pruned
            );
            return replaced.then_some(Self::Temporary);
        }
        match name {
            TILES => Some(Self::Tiles),
            CHECKPOINT => Some(Self::Checkpoint),
            CHECKPOINTS => Some(Self::Checkpoints),
            KEYS => Some(Self::Keys),
            PRUNED => Some(Self::Pruned),
            _ => Self::of_segment(name),
        }
    }

    fn of_segment(name: &str) -> Option<Self> {
        let (digits, kind) = name.strip_prefix("segment-")?.split_at_checked(DIGITS)?;
        let first = digits.bytes().all(|c| c.is_ascii_digit()).then(|| digits.parse().ok())??;
        match kind {
            ".log" => Some(Self::Segment(first)),
            ".log.zst" => Some(Self::Packed(first)),
            ".manifest" => Some(Self::Manifest(first)),
            _ => None,
        }
    }

    /// Whether it is a folder; all others are files.
    pub(super) const fn is_folder(self) -> bool {
        matches!(self, Self::Tiles)
    }
}

/// The name of the segment whose first record is `first`.
pub(super) fn segment(first: u64) -> String {
    format!("segment-{first:020}.log")
}

/// The name of its compressed form.
pub(super) fn packed(first: u64) -> String {
    format!("segment-{first:020}.log.zst")
}

/// The name of its manifest.
pub(super) fn manifest(first: u64) -> String {
    format!("segment-{first:020}.manifest")
}

/// What a file is called while it is written. Where it is found later, its writer was interrupted.
pub(super) fn temporary(name: &str) -> String {
    format!("{name}{TEMPORARY}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_one_form() {
        assert_eq!(segment(42), "segment-00000000000000000042.log");
        for first in [0, 42, u64::MAX] {
            assert_eq!(Entry::parse(&segment(first)), Some(Entry::Segment(first)));
            assert_eq!(Entry::parse(&packed(first)), Some(Entry::Packed(first)));
            assert_eq!(Entry::parse(&manifest(first)), Some(Entry::Manifest(first)));
        }
        for name in [
            "",
            "x",
            "segment-42.log",
            "segment-+0000000000000000042.log",
            "segment-99999999999999999999.log",
            "segment-00000000000000000042",
            "segment-00000000000000000042.log.gz",
            "segment-0000000000000000004é.log",
            "Checkpoint",
        ] {
            assert_eq!(Entry::parse(name), None, "{name}");
        }
    }

    #[test]
    fn what_is_replaced_whole_has_a_temporary_name() {
        for name in [packed(1), manifest(1), CHECKPOINT.to_owned(), KEYS.to_owned(), PRUNED.to_owned()] {
            assert_eq!(Entry::parse(&temporary(&name)), Some(Entry::Temporary), "{name}");
        }
        for name in [segment(1), CHECKPOINTS.to_owned(), TILES.to_owned(), "x".to_owned(), temporary(CHECKPOINT)] {
            assert_eq!(Entry::parse(&temporary(&name)), None, "{name}");
        }
        for name in [CHECKPOINT, CHECKPOINTS, KEYS, PRUNED] {
            assert!(Entry::parse(name).is_some_and(|entry| !entry.is_folder()), "{name}");
        }
        assert!(Entry::parse(TILES).is_some_and(Entry::is_folder));
    }
}
