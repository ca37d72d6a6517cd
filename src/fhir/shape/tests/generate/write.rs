//! Writes a generated Bundle in one of the many forms that JSON allows.

use serde_json::Value;

use super::Choices;

impl Choices<'_> {
    /// Writes a value with members in any order, any white space, and escapes where JSON leaves the choice.
    pub(in super::super) fn write(&mut self, value: &Value, out: &mut String) {
        match value {
            Value::Object(members) => {
                let mut members: Vec<_> = members.iter().collect();
                let turn = self.below(members.len().max(1));
                members.rotate_left(turn);
                self.list(members.into_iter(), ['{', '}'], out, |choices, (name, value), out| {
                    out.push_str(&Value::from(name.as_str()).to_string());
                    choices.space(out);
                    out.push(':');
                    choices.space(out);
                    choices.write(value, out);
                });
            }
            Value::Array(items) => {
                self.list(items.iter(), ['[', ']'], out, |choices, item, out| choices.write(item, out));
            }
            Value::String(text) => self.write_string(text, out),
            Value::Null | Value::Bool(_) | Value::Number(_) => out.push_str(&value.to_string()),
        }
    }

    fn list<T>(
        &mut self,
        items: impl Iterator<Item = T>,
        [open, close]: [char; 2],
        out: &mut String,
        mut write: impl FnMut(&mut Self, T, &mut String),
    ) {
        out.push(open);
        for (index, item) in items.enumerate() {
            if index > 0 {
                out.push(',');
            }
            self.space(out);
            write(self, item, out);
            self.space(out);
        }
        out.push(close);
    }

    fn space(&mut self, out: &mut String) {
        out.push_str(self.pick(&["", "", "", " ", "\n\t"]));
    }

    fn write_string(&mut self, text: &str, out: &mut String) {
        let is_name_of_frame = ["Bundle", "searchset", "self", "next", "history"].contains(&text);
        let plain = Value::from(text).to_string();
        match self.below(8) {
            6 if !is_name_of_frame => out.push_str(&plain.replace('/', "\\/")),
            7 if text.contains([' ', '.']) && !text.contains("://") => {
                let escape = |char: char| match char {
                    '9' | 'h' => format!("\\u{:04x}", u32::from(char)),
                    char => char.to_string(),
                };
                out.push_str(&plain.chars().map(escape).collect::<String>());
            }
            _ => out.push_str(&plain),
        }
    }
}
