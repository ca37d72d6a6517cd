//! Finishes a searchset: links and total of our own, full URLs and References on our base, only the entries that stay.

use super::bundle::{Bundle, Entry, Mode};
use super::edits::{Edits, MASKED, quoted};
use super::reference::Target;
use super::visible::{Index, drop_unreferenced};
use super::walk::{EXCHANGE, Site, Walk};
use super::{ShapeFault, Shaped, Shaping, scratch};

/// Makes the changes that depend on which entries stay, then all of them.
pub(super) fn finish<'o>(
    bundle: &Bundle<'o>,
    mut walk: Walk<'_, 'o>,
    shaping: &Shaping<'_>,
    next: Option<&str>,
    stays: &mut [bool],
    text: &str,
) -> Result<Shaped, ShapeFault> {
    walk_frame(bundle, &mut walk)?;
    let Walk { mut edits, mut sites, leads_outside, .. } = walk;
    // Those in the frame were met last and belong to no entry: first, as sorted sites are looked up by entry.
    sites.sort_by_key(|site| site.entry);
    let index = Index::new(bundle, stays, leads_outside, shaping.record.his_base)?;
    drop_unreferenced(bundle, &index, &sites, shaping.record.his_base, stays)?;
    let hides_any = stays.contains(&false);
    let leaves = |entry: usize| stays.get(entry) == Some(&true);
    for site in sites.iter().filter(|site| site.entry.is_none_or(leaves)) {
        let target = site.target(shaping.record.his_base)?;
        let is_hidden = hides_any && index.find(target).any(|entry| !leaves(entry));
        let target = if leads_outside { index.resolved(target, leaves) } else { target };
        edit_site(&mut edits, site, target, is_hidden, shaping);
    }
    for (entry, _) in bundle.entries.iter().zip(&*stays).filter(|(_, stays)| **stays) {
        entry.iter().for_each(|entry| edit_entry(&mut edits, entry, shaping.record.our_base));
    }
    let count = |mode: Mode| {
        let kept = bundle
            .entries
            .iter()
            .zip(&*stays)
            .filter(|(entry, stays)| **stays && entry.as_ref().is_some_and(|entry| entry.mode == mode));
        u32::try_from(kept.count()).unwrap_or(u32::MAX)
    };
    let (entries, includes) = (count(Mode::Match), count(Mode::Include));
    edit_bundle(&mut edits, bundle, shaping, next, stays, entries);
    let all = u32::try_from(bundle.resources().count()).unwrap_or(u32::MAX);
    scratch::keep_sites(sites);
    Ok(Shaped { body: edits.apply(text)?, entries, withheld: all - entries - includes, next: None })
}

const EPISODE: &str = "EpisodeOfCare";
/// What every episode is called outside the answer that holds it.
const EPISODE_DISPLAY: &str = "Zorgepisode";

/// Members of the Bundle that never pass: those that speak of the HIS's own document, which ours no longer is, and those
/// that STU3 does not know, so that nobody can tell what they hold.
pub(super) fn is_dropped(name: &str) -> bool {
    !matches!(name, "entry" | "implicitRules" | "language" | "link" | "resourceType" | "total" | "type")
}

/// Walks what passes of the frame.
pub(super) fn walk_frame<'o>(bundle: &Bundle<'o>, walk: &mut Walk<'_, 'o>) -> Result<(), ShapeFault> {
    for member in bundle.value.members() {
        match member.name() {
            "entry" | "link" | "resourceType" | "total" | "type" => {}
            name if is_dropped(name) => {}
            _ => walk.frame(&member)?,
        }
    }
    Ok(())
}

fn edit_bundle(
    edits: &mut Edits,
    bundle: &Bundle<'_>,
    shaping: &Shaping<'_>,
    next: Option<&str>,
    stays: &[bool],
    entries: u32,
) {
    let links = links(shaping.self_link, next);
    match bundle.link {
        Some(link) => edits.replace(link.span(), &links),
        None => insert_first(edits, bundle.value.start(), &format!(r#""link":{links},"#)),
    }
    if let Some(total) = bundle.total {
        edits.replace(total.span(), &entries.to_string());
    }
    let is_empty = !stays.contains(&true);
    edits.drop_members(bundle.value, |name| match name {
        "entry" => is_empty,
        "total" => bundle.has_other_pages(shaping.page),
        name => is_dropped(name),
    });
    if let Some(list) = bundle.entry {
        edits.drop_items(list, stays.iter().map(|stays| !stays));
    }
}

/// The links of our own, JSON.
pub(super) fn links(self_link: &str, next: Option<&str>) -> String {
    let next = next.map(|next| format!(r#",{{"relation":"next","url":{}}}"#, quoted(next))).unwrap_or_default();
    format!(r#"[{{"relation":"self","url":{}}}{next}]"#, quoted(self_link))
}

/// Gives an entry that leaves its address with us, and takes out what speaks of the HIS's own exchange.
pub(super) fn edit_entry(edits: &mut Edits, entry: &Entry<'_>, our_base: &str) {
    let ours = [our_base, "/", entry.resource_type, "/", entry.id];
    let is_ours = |url: &str| ours.iter().try_fold(url, |url, part| url.strip_prefix(part)) == Some("");
    match &entry.full_url {
        Some((_, url)) if is_ours(url) || url.starts_with("urn:uuid:") || url.starts_with("urn:oid:") => {}
        Some((value, _)) => edits.replace_joined(value.span(), "", &ours, ""),
        None => {
            let first = entry.value.start() + 1;
            edits.replace_joined(first..first, r#""fullUrl":"#, &ours, ",");
        }
    }
    edits.drop_known(entry.value, EXCHANGE);
}

/// Inserts members, each with its comma, at the start of an object that has at least one that stays.
fn insert_first(edits: &mut Edits, object_start: usize, members: &str) {
    edits.replace(object_start + 1..object_start + 1, members);
}

/// Changes a Reference that leaves.
pub(super) fn edit_site(
    edits: &mut Edits,
    site: &Site<'_>,
    target: Target<'_>,
    is_hidden: bool,
    shaping: &Shaping<'_>,
) {
    edit_reference(edits, site, target, is_hidden, shaping.record.our_base);
    if !is_hidden && renames(target, shaping.resource) {
        rename_episode(edits, site);
    }
}

/// Whether a Reference to this target does not say in the words of the HIS what it is called.
pub(super) fn renames(target: Target<'_>, searched: &str) -> bool {
    searched != EPISODE && matches!(target, Target::Local { resource_type: EPISODE, .. })
}

/// Which episodes are shown is judged where they are searched. Elsewhere a Reference may name one that is not, so its title
/// does not go along; the id tells who collected the episode too.
pub(super) fn rename_episode(edits: &mut Edits, site: &Site<'_>) {
    if let Some(display) = site.object.member("display") {
        edits.replace_string(display, EPISODE_DISPLAY);
    }
    if let Some(beside) = site.object.member("_display") {
        edits.replace(beside.span(), MASKED);
    }
}

pub(super) fn edit_reference(edits: &mut Edits, site: &Site<'_>, target: Target<'_>, is_hidden: bool, our_base: &str) {
    let has_address = site.dangles || matches!(target, Target::Elsewhere(_));
    let hides_display = site.dangles || is_hidden;
    if has_address || hides_display {
        edits.drop_or_mask(site.object, "reference", |name| match name {
            "reference" => has_address,
            "display" | "_display" => hides_display,
            _ => false,
        });
    }
    match target {
        Target::Local { path, absolute: true, .. } => {
            edits.replace_joined(site.value.span(), "", &[our_base, "/", path], "");
        }
        Target::Local { .. } | Target::Contained(_) | Target::Urn(_) | Target::Elsewhere(_) => {}
    }
}
