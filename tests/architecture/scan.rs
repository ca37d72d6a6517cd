//! Reads Rust source as far as the rules need: tokens without comments, strings and test modules, and the paths among them.

use std::collections::HashMap;

/// A word, a number, `::` or one other character.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) text: String,
    /// From 1.
    pub(crate) line: usize,
}

/// A path as written, with the visibility of its `use`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Path {
    pub(crate) segments: Vec<String>,
    pub(crate) line: usize,
    /// The name under which a `use` makes it known; `None` outside `use`.
    pub(crate) name: Option<String>,
    /// Whether it is a `pub use` of any width.
    pub(crate) exported: bool,
}

/// What a file is made of, without its tests.
#[derive(Debug, Default)]
pub(crate) struct Source {
    pub(crate) tokens: Vec<Token>,
    /// Modules that exist for tests only: `#[cfg(test)] mod name;`.
    pub(crate) test_modules: Vec<String>,
    /// Lines that belong to test modules in the file itself.
    pub(crate) test_lines: usize,
}

impl Source {
    pub(crate) fn read(text: &str) -> Self {
        without_tests(&tokens(text))
    }

    /// Every path: in `use` trees, expanded, and in the code.
    pub(crate) fn paths(&self) -> Vec<Path> {
        let mut paths = Vec::new();
        let mut at = 0;
        while at < self.tokens.len() {
            at = if self.is(at, "use") && !self.is(at + 1, "<") {
                self.use_item(at, &mut paths)
            } else {
                self.inline(at, &mut paths)
            };
        }
        paths
    }

    /// The names of `mod name;` in this file.
    pub(crate) fn children(&self) -> Vec<String> {
        let declared = self.tokens.windows(3).filter(|w| w[0].text == "mod" && w[2].text == ";");
        declared.map(|w| w[1].text.clone()).collect()
    }

    /// Macros called, with their lines.
    pub(crate) fn macros(&self) -> Vec<(&str, usize)> {
        let calls = self.tokens.windows(3).filter(|w| is_word(&w[0].text) && w[1].text == "!" && w[2].text != "=");
        calls.map(|w| (w[0].text.as_str(), w[0].line)).collect()
    }

    /// Lines on which `.unwrap()` or `.expect("…")` is called. A parser's own `expect(b':')` takes no message.
    pub(crate) fn unwraps(&self) -> Vec<usize> {
        let method = |w: &&[Token]| {
            let (name, open, first) = (w[1].text.as_str(), w[2].text == "(", w[3].text.as_str());
            w[0].text == "." && open && (name == "unwrap" && first == ")" || name == "expect" && first == "\"")
        };
        self.tokens.windows(4).filter(method).map(|w| w[1].line).collect()
    }

    fn is(&self, at: usize, text: &str) -> bool {
        self.tokens.get(at).is_some_and(|token| token.text == text)
    }

    fn word(&self, at: usize) -> Option<&Token> {
        self.tokens.get(at).filter(|token| is_word(&token.text))
    }

    fn use_item(&self, at: usize, paths: &mut Vec<Path>) -> usize {
        let before = at.checked_sub(1).map_or("", |before| self.tokens[before].text.as_str());
        let exported = before == "pub" || before == ")";
        let end = (at..self.tokens.len()).find(|&end| self.is(end, ";")).unwrap_or(self.tokens.len());
        self.tree(at + 1, &[], exported, paths);
        end + 1
    }

    /// One tree of a `use`; returns the place after it.
    fn tree(&self, mut at: usize, prefix: &[String], exported: bool, paths: &mut Vec<Path>) -> usize {
        let mut segments = prefix.to_vec();
        let line = self.tokens.get(at).map_or(0, |token| token.line);
        loop {
            if self.is(at, "{") {
                at += 1;
                while at < self.tokens.len() && !self.is(at, "}") {
                    at = if self.is(at, ",") { at + 1 } else { self.tree(at, &segments, exported, paths) };
                }
                return at + 1;
            }
            match self.word(at) {
                Some(word) if word.text == "self" && !prefix.is_empty() => {}
                Some(word) => segments.push(word.text.clone()),
                // `use ::name` or a star.
                None => segments.extend(self.is(at, "*").then(|| "*".to_owned())),
            }
            at += usize::from(!self.is(at, "::"));
            if !self.is(at, "::") {
                break;
            }
            at += 1;
        }
        let renamed = if self.is(at, "as") { self.word(at + 1).map(|word| word.text.clone()) } else { None };
        at += if renamed.is_some() { 2 } else { 0 };
        let name = renamed.or_else(|| segments.last().cloned());
        paths.push(Path { segments, line, name, exported });
        at
    }

    fn inline(&self, at: usize, paths: &mut Vec<Path>) -> usize {
        let continues = at.checked_sub(1).is_some_and(|before| self.is(before, "::") || self.is(before, "."));
        let Some(first) = self.word(at).filter(|_| !continues && self.is(at + 1, "::")) else { return at + 1 };
        let mut segments = vec![first.text.clone()];
        let mut end = at + 1;
        while let (true, Some(next)) = (self.is(end, "::"), self.word(end + 1)) {
            segments.push(next.text.clone());
            end += 2;
        }
        paths.push(Path { segments, line: first.line, name: None, exported: false });
        end
    }
}

fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphanumeric() || c == '_')
}

/// Leaves out every item under an attribute `cfg(test)` or `cfg(all(test, …))`, and notes what it was.
fn without_tests(tokens: &[Token]) -> Source {
    let mut source = Source::default();
    let mut at = 0;
    while at < tokens.len() {
        let attribute = attribute_end(tokens, at);
        if !attribute.is_some_and(|end| is_test_only(&tokens[at..end])) {
            source.tokens.push(tokens[at].clone());
            at += 1;
            continue;
        }
        let mut item = attribute.unwrap_or(at);
        while let Some(end) = attribute_end(tokens, item) {
            item = end;
        }
        let end = item_end(tokens, item);
        let words: Vec<_> = tokens[item..end].iter().map(|token| token.text.as_str()).collect();
        if let [.., "mod", name, ";"] = words.as_slice() {
            source.test_modules.push((*name).to_owned());
        }
        source.test_lines += tokens[end - 1].line - tokens[at].line + 1;
        at = end;
    }
    source
}

/// The place after an attribute `#[…]` that begins here.
fn attribute_end(tokens: &[Token], at: usize) -> Option<usize> {
    let is = |at: usize, text: &str| tokens.get(at).is_some_and(|token| token.text == text);
    (is(at, "#") && is(at + 1, "[")).then(|| closed(tokens, at + 1, "[", "]"))
}

fn is_test_only(attribute: &[Token]) -> bool {
    let has = |text: &str| attribute.iter().any(|token| token.text == text);
    has("cfg") && has("test") && !has("not") && !has("any")
}

/// The place after an item: its first `;` or closed block outside parentheses.
fn item_end(tokens: &[Token], at: usize) -> usize {
    let mut at = at;
    while let Some(token) = tokens.get(at) {
        match token.text.as_str() {
            ";" => return at + 1,
            "{" => return closed(tokens, at, "{", "}"),
            "(" => at = closed(tokens, at, "(", ")"),
            _ => at += 1,
        }
    }
    at
}

/// The place after the bracket that closes the one here.
fn closed(tokens: &[Token], at: usize, open: &str, close: &str) -> usize {
    let mut depth = 0;
    for (place, token) in tokens.iter().enumerate().skip(at) {
        depth += i32::from(token.text == open) - i32::from(token.text == close);
        if depth == 0 {
            return place + 1;
        }
    }
    tokens.len()
}

/// The tokens of a file. A string is one token `"`, a character or lifetime none.
pub(crate) fn tokens(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let at = |at: usize| chars.get(at).copied().unwrap_or('\0');
    let (mut tokens, mut place, mut line) = (Vec::new(), 0, 1);
    while place < chars.len() {
        let start = place;
        let mut token = None;
        if at(place) == '/' && at(place + 1) == '/' {
            place += chars[place..].iter().take_while(|c| **c != '\n').count();
        } else if at(place) == '/' && at(place + 1) == '*' {
            place = comment_end(&chars, place);
        } else if let Some(end) = string_end(&chars, place) {
            (token, place) = (Some("\"".to_owned()), end);
        } else if at(place) == '\'' {
            place = quote_end(&chars, place);
        } else if at(place).is_alphanumeric() || at(place) == '_' {
            place += chars[place..].iter().take_while(|c| c.is_alphanumeric() || **c == '_').count();
            token = Some(chars[start..place].iter().collect());
        } else if at(place) == ':' && at(place + 1) == ':' {
            (token, place) = (Some("::".to_owned()), place + 2);
        } else {
            token = (!at(place).is_whitespace()).then(|| at(place).to_string());
            place += 1;
        }
        tokens.extend(token.map(|text| Token { text, line }));
        line += chars[start..place].iter().filter(|c| **c == '\n').count();
    }
    tokens
}

fn comment_end(chars: &[char], start: usize) -> usize {
    let (mut depth, mut at) = (0_usize, start);
    while at < chars.len() {
        match (chars[at], chars.get(at + 1)) {
            ('/', Some('*')) => (depth, at) = (depth + 1, at + 2),
            ('*', Some('/')) => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

/// The place after a string that begins here, with any of the prefixes b, c, r, br, cr.
fn string_end(chars: &[char], start: usize) -> Option<usize> {
    let prefix = chars[start..].iter().take_while(|c| matches!(c, 'b' | 'c' | 'r')).count();
    let raw = prefix > 0 && chars[start + prefix - 1] == 'r';
    let hashes = if raw { chars[start + prefix..].iter().take_while(|c| **c == '#').count() } else { 0 };
    let mut at = start + prefix + hashes;
    if prefix > 2 || chars.get(at) != Some(&'"') {
        return None;
    }
    at += 1;
    while at < chars.len() {
        match chars[at] {
            '\\' if !raw => at += 1,
            '"' if chars[at + 1..].iter().take(hashes).filter(|c| **c == '#').count() == hashes => {
                return Some(at + 1 + hashes);
            }
            _ => {}
        }
        at += 1;
    }
    Some(chars.len())
}

/// The place after a character or a lifetime.
fn quote_end(chars: &[char], start: usize) -> usize {
    match (chars.get(start + 1), chars.get(start + 2)) {
        (Some('\\'), _) => {
            let rest = chars.iter().enumerate().skip(start + 3);
            rest.clone().find(|(_, c)| **c == '\'').map_or(chars.len(), |(at, _)| at + 1)
        }
        (Some(_), Some('\'')) => start + 3,
        _ => start + 1 + chars[start + 1..].iter().take_while(|c| c.is_alphanumeric() || **c == '_').count(),
    }
}

/// All modules of a tree, and what is known in each under which name.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    modules: HashMap<String, HashMap<String, Vec<String>>>,
}

impl Tree {
    /// Adds a module by its path (`a::b`; empty for the root).
    pub(crate) fn add(&mut self, module: &str, source: &Source) {
        let mut names: HashMap<String, Vec<String>> = HashMap::new();
        for child in source.children() {
            names.insert(child.clone(), absolute(module, &["self".to_owned(), child]));
        }
        let known = names.clone();
        for path in source.paths() {
            let Some(name) = path.name else { continue };
            let first = path.segments.first().cloned().unwrap_or_default();
            let segments = match known.get(&first) {
                Some(_) => [vec!["self".to_owned()], path.segments].concat(),
                None => path.segments,
            };
            names.entry(name).or_insert_with(|| absolute(module, &segments));
        }
        self.modules.entry(module.to_owned()).or_default().extend(names);
    }

    /// The full path of what `segments` mean in `module`, from `crate` or an external crate on, through every re-export.
    pub(crate) fn resolve(&self, module: &str, segments: &[String]) -> Vec<String> {
        let first = segments.first().map_or("", String::as_str);
        let start = match self.modules.get(module).and_then(|names| names.get(first)) {
            Some(meant) if !matches!(first, "crate" | "self" | "super") => [meant, &segments[1..]].concat(),
            _ => absolute(module, segments),
        };
        self.follow(start, 8)
    }

    fn follow(&self, path: Vec<String>, depth: usize) -> Vec<String> {
        if path.first().is_none_or(|first| first != "crate") || depth == 0 {
            return path;
        }
        for at in 1..path.len() {
            let module = path[1..at].join("::");
            let Some(names) = self.modules.get(&module) else { continue };
            let inner = path[1..=at].join("::");
            if let (false, Some(meant)) = (self.modules.contains_key(&inner), names.get(&path[at])) {
                return self.follow([meant, &path[at + 1..]].concat(), depth - 1);
            }
        }
        path
    }

    /// The module in which a full path ends; `None` for an external one.
    pub(crate) fn module_of(&self, path: &[String]) -> Option<String> {
        (path.first()? == "crate").then(|| {
            let inside = &path[1..];
            let longest = (0..=inside.len()).rev().map(|end| inside[..end].join("::"));
            longest.into_iter().find(|module| self.modules.contains_key(module)).unwrap_or_default()
        })
    }
}

/// A path with `self` and `super` worked out.
fn absolute(module: &str, segments: &[String]) -> Vec<String> {
    let mut base: Vec<String> = module.split("::").filter(|part| !part.is_empty()).map(str::to_owned).collect();
    let mut rest = segments;
    let mut relative = false;
    while let Some((first, after)) = rest.split_first() {
        match first.as_str() {
            "self" => {}
            "super" => drop(base.pop()),
            _ => break,
        }
        (relative, rest) = (true, after);
    }
    if relative { [vec!["crate".to_owned()], base, rest.to_vec()].concat() } else { segments.to_vec() }
}
