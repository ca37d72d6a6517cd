//! What may stand in no text, found the slow way.

use super::Model;
use super::words::{has_host, mask_hosts, narrow, run};

impl Model<'_> {
    pub(super) fn hide_bsn(&self, text: &str) -> String {
        let chars: Vec<char> = text.chars().collect();
        let mut out = String::new();
        let mut at = 0;
        while at < chars.len() {
            let zeros = chars[..at].iter().rev().take_while(|char| **char == '0').count();
            let is_fresh = zeros < 8 && (zeros == at || !chars[at - zeros - 1].is_ascii_digit());
            let forms = [Some(self.bsn), self.bsn.strip_prefix('0')];
            // The nine digits first: only when they are not there at all is the form without a leading zero tried.
            let end = forms.into_iter().flatten().find_map(|digits| {
                let end = run(&chars, at, digits)?;
                let found: String = chars[at..end].iter().collect();
                let is_date = found.len() == 10 && found.parse::<jiff::civil::Date>().is_ok();
                (!(is_date && digits.len() == 8)).then_some(end)
            });
            let end = end.filter(|end| is_fresh && chars.get(*end).is_none_or(|char| narrow(*char).is_none()));
            if let Some(end) = end {
                out.push_str("*********");
                out.push_str(&tags(&chars[at..end].iter().collect::<String>()));
                at = end;
            } else {
                out.push(chars[at]);
                at += 1;
            }
        }
        out
    }

    pub(super) fn hide_host(&self, text: &str) -> String {
        if !has_host(text) {
            return text.to_owned();
        }
        match text.strip_prefix(self.shaping.record.his_base) {
            Some(rest) if rest.is_empty() || rest.starts_with(['/', '?', '#']) => {
                format!("{}{}", self.shaping.record.our_base, mask_hosts(rest))
            }
            Some(_) | None => mask_hosts(text),
        }
    }
}

/// The names of the tags in a text, as tags.
fn tags(text: &str) -> String {
    let mut tags = String::new();
    for (at, _) in text.match_indices('<') {
        let inner: String = text[at + 1..].chars().take_while(|char| !"<>".contains(*char)).collect();
        let name: String = inner.chars().take_while(|char| char.is_ascii_alphanumeric() || *char == '/').collect();
        let is_closed = text[at + 1 + inner.len()..].starts_with('>');
        if is_closed && name.len() < 8 && name.chars().any(|char| char.is_ascii_alphabetic()) {
            let slash = if inner.ends_with('/') && !name.ends_with('/') { "/" } else { "" };
            tags.extend(["<", &name, slash, ">"]);
        }
    }
    tags
}
