//! The register against a model of its rules that is written in another way, and its steps and fee by example.

mod files;
mod model;
mod rules;
mod scene;
mod two;
