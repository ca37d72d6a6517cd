//! Takes out of a resource what the guideline hides: sections of a Composition, contained resources, free narrative.

use super::names::Name;
use super::outline::{Kind, Value};
use super::walk::Walk;
use super::{Rules, ShapeFault, guideline};

impl<'o> Walk<'_, 'o> {
    /// Whether the resource of the entry under way may be shown; when it may, its hidden parts are marked to go.
    pub(super) fn cut(
        &mut self,
        resource: Value<'o>,
        resource_type: &str,
        id: &str,
        rules: &Rules,
    ) -> Result<bool, ShapeFault> {
        let is_composition = resource_type == "Composition";
        let contained_left = self.cut_contained(resource, is_composition, rules)?;
        let has_section = !is_composition || self.cut_sections(resource, false)?;
        if !has_section || !guideline::shows(resource, resource_type, id, rules)? {
            return Ok(false);
        }
        self.drop_parts(resource, is_composition, contained_left);
        Ok(true)
    }

    /// Removes members of a resource in one go: narrative that no rule can judge, a list that became empty, and a `meta`
    /// that would have become so.
    fn drop_parts(&mut self, resource: Value<'o>, in_composition: bool, contained_left: bool) {
        let meta_empties =
            resource.member("meta").is_some_and(|meta| meta.members().all(|member| member.known() == Name::Source));
        let parts = [(Name::Text, in_composition), (Name::Contained, !contained_left), (Name::Meta, meta_empties)];
        let gone = parts.iter().filter(|(_, goes)| *goes).fold(0, |gone, (name, _)| gone | name.bit());
        self.edits.drop_known(resource, gone);
    }

    /// Removes contained resources that would be withheld as entries. Returns whether any is left.
    fn cut_contained(&mut self, resource: Value<'o>, in_composition: bool, rules: &Rules) -> Result<bool, ShapeFault> {
        const UNREADABLE: ShapeFault = ShapeFault::Unreadable { element: "contained" };
        let Some(list) = resource.member("contained") else { return Ok(true) };
        if list.kind() != Kind::Array {
            return Err(UNREADABLE);
        }
        let first = self.shown.len();
        for contained in list.items() {
            let resource_type = contained.member("resourceType").and_then(Value::plain).ok_or(UNREADABLE)?;
            let id = contained.member("id").map(|id| id.plain().ok_or(UNREADABLE)).transpose()?;
            // A Composition is never contained by the standard; nobody could tell what its sections are about. A contained
            // id is not a logical id, so it cannot name a flagged episode.
            let shows = resource_type != "Composition" && guideline::shows(contained, resource_type, "", rules)?;
            self.shown.push(shows);
            if shows {
                self.drop_parts(contained, in_composition, true);
            } else {
                self.gone.push(contained.span());
                self.gone_ids.extend(id);
            }
        }
        Ok(self.drop_unshown(list, first))
    }

    /// Removes the elements of a list that are not shown, by what was noted of them from `first` on. Returns whether any is
    /// left.
    fn drop_unshown(&mut self, list: Value<'o>, first: usize) -> bool {
        let own = self.shown.get(first..).unwrap_or_default();
        self.edits.drop_items(list, own.iter().map(|shows| !shows));
        let is_left = own.contains(&true);
        self.shown.truncate(first);
        is_left
    }

    /// Removes sections, in sections too. Returns whether any is left.
    fn cut_sections(&mut self, element: Value<'o>, is_nested: bool) -> Result<bool, ShapeFault> {
        const UNREADABLE: ShapeFault = ShapeFault::Unreadable { element: "section" };
        let Some(list) = element.member("section") else { return Ok(false) };
        if list.kind() != Kind::Array {
            return Err(UNREADABLE);
        }
        let first = self.shown.len();
        for section in list.items() {
            if section.kind() != Kind::Object {
                return Err(UNREADABLE);
            }
            let shows = guideline::shows_section(section, is_nested)?;
            self.shown.push(shows);
            if !shows {
                self.gone.push(section.span());
            } else if !self.cut_sections(section, true)? {
                self.edits.drop_known(section, Name::Section.bit());
            }
        }
        Ok(self.drop_unshown(list, first))
    }
}
