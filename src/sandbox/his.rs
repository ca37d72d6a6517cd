//! The emulated HIS.
