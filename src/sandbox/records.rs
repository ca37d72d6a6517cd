//! The shipped records of invented people.
