//! The list readers from outside: every sample is read, every sample with one defect is refused at that defect, and the
//! published schemas agree. The published samples and schemas are not part of this repository; `INZAGE_CONFORMANCE` names the
//! folder that has them under `data/medmij`.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends with a panic when something is not as it should be"
)]

mod defects;
mod published;
mod samples;
mod tree;
mod values;
