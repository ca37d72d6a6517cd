//! The four MedMij lists as one immutable, consistent set.
