//! `proxy_protocol` of a listener: which load balancers say for whom they connect.

use super::kind::{self, choice};
use super::log::Read;
use super::section::Section;
use crate::edge::{Balancers, Others};

const WORDS: &[(&str, Others)] = &[("serve", Others::Serve), ("refuse", Others::Refuse)];

/// Absent, nobody is asked.
pub(super) fn read(listener: &mut Section<'_, '_>) -> Read<Balancers> {
    let read = listener.optional_table("proxy_protocol", |section| {
        let from = section.required("from", &kind::networks());
        let others = section.or_default("others", &choice(WORDS), Others::default());
        Ok(Balancers::new(from?, others?))
    });
    Ok(read?.unwrap_or_default())
}
