//! Compares the imports of the core with what `core/ARCHITECTURE.md` says that its modules import.
//!
//! A comment above the table says what shape the table has.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// Modules that all others may import, beside those that ARCHITECTURE.md names.
const VOCABULARY: [&str; 4] = ["text", "number", "time", "limits"];

#[test]
fn table_lists_exactly_what_the_sources_import() {
    let (table, sources) = (Table::read(&architecture()), sources());
    let differences = differences(&table, &sources);
    assert!(differences.is_empty(), "the table of core/ARCHITECTURE.md is wrong:\n{}", differences.join("\n"));
}

#[test]
fn modules_import_each_other_nowhere() {
    let (table, sources) = (Table::read(&architecture()), sources());
    let circles = circles(&imports(&table, &sources));
    assert!(circles.is_empty(), "modules of the core import each other:\n{}", circles.join("\n"));
}

fn architecture() -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../core/ARCHITECTURE.md");
    fs::read_to_string(file).expect("core/ARCHITECTURE.md can be read")
}

/// The table of modules.
struct Table {
    rows: Vec<Row>,
    vocabulary: BTreeSet<String>,
}

struct Row {
    modules: Vec<String>,
    knows: BTreeSet<String>,
    /// All later rows, too.
    everything_below: bool,
}

impl Table {
    fn read(text: &str) -> Self {
        let mut lines = text.lines();
        let columns = lines.by_ref().find_map(|line| {
            let cells = cells(line);
            let column = |header| cells.iter().position(|cell| cell == header);
            Some((column("module")?, column("knows")?))
        });
        let (module, knows) = columns.expect("there is a table with the columns `module` and `knows`");
        let is_row = |line: &&str| line.starts_with('|');
        let rows = lines.clone().take_while(is_row).map(|line| {
            let cells = cells(line);
            Row {
                modules: quoted(&cells[module]).collect(),
                knows: quoted(&cells[knows]).collect(),
                everything_below: cells[knows].contains("everything below"),
            }
        });
        let below: Vec<_> = lines.clone().skip_while(is_row).take_while(|line| !line.starts_with('#')).collect();
        let below = below.join("\n");
        let named = below.split("\n\n").filter(|paragraph| paragraph.to_lowercase().contains("vocabulary"));
        Self {
            // The first row is the line below the headers.
            rows: rows.filter(|row| !row.modules.is_empty()).collect(),
            vocabulary: named.flat_map(quoted).chain(VOCABULARY.map(str::to_owned)).collect(),
        }
    }

    /// The number of the module's row.
    fn position(&self, module: &str) -> Option<usize> {
        self.rows.iter().position(|row| row.modules.iter().any(|of_row| of_row == module))
    }

    /// What a path belongs to: the row with the longest name it begins with, else the module of the core.
    fn module_of(&self, path: &[String], sources: &BTreeMap<Vec<String>, Source>) -> Option<String> {
        // lib.rs re-exports these two parts of `state`.
        let is_of_state = path.first().is_some_and(|first| matches!(first.as_str(), "reducer" | "record"));
        let path = if is_of_state { &["state".to_owned()][..] } else { path };
        let mut prefixes = (1..=path.len()).rev().map(|length| path[..length].join("/"));
        prefixes.find(|prefix| self.position(prefix).is_some()).or_else(|| {
            let first = path.get(..1)?;
            sources.contains_key(first).then(|| first[0].clone())
        })
    }
}

/// The cells of a table's line, without the spaces around them.
fn cells(line: &str) -> Vec<String> {
    let line = line.trim().trim_start_matches('|').trim_end_matches('|').replace("\\|", "\0");
    line.split('|').map(|cell| cell.trim().to_owned()).collect()
}

/// The names in backticks.
fn quoted(text: &str) -> impl Iterator<Item = String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned)
}

/// A file of the core.
struct Source {
    file: String,
    text: String,
}

/// The core's sources by the path of their module, without tests.
fn sources() -> BTreeMap<Vec<String>, Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../core/src");
    let mut sources = BTreeMap::new();
    let mut folders = vec![Vec::new()];
    while let Some(folder) = folders.pop() {
        let there = folder.iter().fold(root.clone(), |path, name: &String| path.join(name));
        for entry in fs::read_dir(there).expect("the core's sources can be listed") {
            let path = entry.expect("the core's sources can be listed").path();
            let name = path.file_stem().and_then(|name| name.to_str()).expect("a module's name is UTF-8").to_owned();
            let mut module = folder.clone();
            if name == "tests" {
                continue;
            }
            if path.is_dir() {
                module.push(name);
                folders.push(module);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let file = format!("core/src/{}", [folder.as_slice(), &[format!("{name}.rs")]].concat().join("/"));
                if !matches!(name.as_str(), "mod" | "lib") {
                    module.push(name);
                }
                let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{file}: {error}"));
                sources.insert(module, Source { file, text });
            }
        }
    }
    sources
}

/// The place of the first import, by who imports and what.
type Imports = BTreeMap<(String, String), String>;

/// What the modules import of each other. A module and its parts count as one.
fn imports(table: &Table, sources: &BTreeMap<Vec<String>, Source>) -> Imports {
    let mut imports = Imports::new();
    for (path, Source { file, text }) in sources {
        let Some(from) = table.module_of(path, sources) else { continue };
        for (target, line) in paths(text, path) {
            let Some(to) = table.module_of(&target, sources) else { continue };
            if !is_part(&from, &to) && !is_part(&to, &from) {
                imports.entry((from.clone(), to)).or_insert_with(|| format!("{file}:{line}"));
            }
        }
    }
    imports
}

/// Whether `part` is `whole` or below it.
fn is_part(part: &str, whole: &str) -> bool {
    part.strip_prefix(whole).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// How the table differs from the sources, a line each.
fn differences(table: &Table, sources: &BTreeMap<Vec<String>, Source>) -> Vec<String> {
    let imports = imports(table, sources);
    let mut differences = Vec::new();
    let mut rowless = BTreeSet::new();
    for (path, Source { text, .. }) in sources {
        let Some(module) = table.module_of(path, sources) else { continue };
        // A file that imports nothing may leave the rows to the module's parts.
        let mut names = table.rows.iter().flat_map(|row| &row.modules);
        let has_row = names.any(|name| *name == module || (is_part(name, &module) && paths(text, path).is_empty()));
        if !has_row && !table.vocabulary.contains(&module) {
            rowless.insert(module);
        }
    }
    differences.extend(rowless.into_iter().map(|module| format!("`{module}` has no row")));
    for ((from, to), place) in &imports {
        let Some(position) = table.position(from) else { continue };
        let row = &table.rows[position];
        let is_listed = row.knows.contains(to)
            || row.modules.contains(to)
            || (row.everything_below && table.position(to).is_some_and(|below| below > position));
        if !is_listed && !table.vocabulary.contains(to) {
            differences.push(format!("`{from}` imports `{to}` ({place}), its row doesn't list it"));
        }
    }
    for Row { modules, knows, .. } in &table.rows {
        for module in modules {
            if !sources.keys().any(|path| path.join("/") == *module) {
                differences.push(format!("`{module}` has a row, core/src has no such module"));
            }
        }
        for known in knows {
            if !modules.iter().any(|module| imports.contains_key(&(module.clone(), known.clone()))) {
                differences.push(format!("`{}` doesn't import `{known}`, its row lists it", modules.join("`, `")));
            }
        }
    }
    differences
}

/// Pairs of modules that import each other, a line each; where there are none, the imports of longer circles.
fn circles(imports: &Imports) -> Vec<String> {
    let pairs = imports.iter().filter(|((from, to), _)| from < to);
    let pairs = pairs.filter_map(|((one, other), place)| {
        let back = imports.get(&(other.clone(), one.clone()))?;
        Some(format!("`{one}` imports `{other}` ({place}), `{other}` imports `{one}` ({back})"))
    });
    let pairs: Vec<_> = pairs.collect();
    if !pairs.is_empty() {
        return pairs;
    }
    // What nothing leads to, or leads on to nothing, is in no circle.
    let mut left = imports.clone();
    loop {
        let (from, to): (BTreeSet<_>, BTreeSet<_>) = left.keys().cloned().unzip();
        let count = left.len();
        left.retain(|(one, other), _| to.contains(one) && from.contains(other));
        if left.len() == count {
            break;
        }
    }
    left.iter().map(|((from, to), place)| format!("`{from}` imports `{to}` ({place}), in a longer circle")).collect()
}

/// The paths that begin with `crate`, `super` or `self` in the source of `module`, and their lines, without tests.
fn paths(source: &str, module: &[String]) -> Vec<(Vec<String>, usize)> {
    let tokens = without_tests(&tokens(source));
    let text = |index: usize| tokens.get(index).map_or("", |token| token.text);
    let mut paths = Vec::new();
    // Modules written into this one, and how deep in braces each ends.
    let (mut within, mut ends, mut depth) = (module.to_vec(), Vec::new(), 0_usize);
    for index in 0..tokens.len() {
        match text(index) {
            "{" => {
                if index > 1 && text(index - 2) == "mod" {
                    within.push(text(index - 1).to_owned());
                    ends.push(depth);
                }
                depth += 1;
            }
            "}" => {
                depth -= 1;
                if ends.pop_if(|end| *end == depth).is_some() {
                    within.pop();
                }
            }
            "crate" | "super" | "self" if text(index + 1) == "::" => {
                let before = index.checked_sub(1).map_or("", text);
                // `pub(in crate::x)` imports nothing.
                if before != "::" && before != "in" {
                    leaves_of(&tokens, &mut { index }, within.clone(), &mut paths);
                }
            }
            _ => {}
        }
    }
    paths
}

/// Adds the paths of the use tree that begins at `index`, each with its last name's line, and moves on behind it.
fn leaves_of(tokens: &[Token<'_>], index: &mut usize, mut path: Vec<String>, leaves: &mut Vec<(Vec<String>, usize)>) {
    loop {
        let text = |index: usize| tokens.get(index).map_or("", |token| token.text);
        match text(*index) {
            "crate" => path.clear(),
            "self" | "*" => {}
            "super" => drop(path.pop()),
            "{" => {
                while !matches!(text(*index), "}" | "") {
                    *index += 1;
                    if !matches!(text(*index), "}" | "," | "") {
                        leaves_of(tokens, index, path.clone(), leaves);
                    }
                    // A new name behind `as`.
                    while !matches!(text(*index), "," | "}" | "") {
                        *index += 1;
                    }
                }
                *index += 1;
                return;
            }
            name => path.push(name.to_owned()),
        }
        *index += 1;
        // Behind a path in an expression may stand `::<`.
        let goes_on = text(*index + 1).starts_with(|c: char| c == '{' || c == '*' || is_of_name(c));
        if text(*index) != "::" || !goes_on {
            leaves.push((path, tokens[*index - 1].line));
            return;
        }
        *index += 1;
    }
}

/// A name or sign of a source, and its line.
#[derive(Clone, Copy)]
struct Token<'a> {
    text: &'a str,
    line: usize,
}

/// Cuts a source into names and signs, without comments, texts and lifetimes.
fn tokens(source: &str) -> Vec<Token<'_>> {
    let (mut tokens, mut rest, mut line) = (Vec::new(), source, 1);
    while let Some(first) = rest.chars().next() {
        let to = |end: &str, from: usize| rest[from..].find(end).map_or(rest.len(), |at| from + at + end.len());
        let (length, is_code) = if rest.starts_with("//") {
            (to("\n", 0), false)
        } else if rest.starts_with("/*") {
            (to("*/", 2), false)
        } else if let Some(quote) = raw_quote(rest) {
            (to(&format!("\"{}", "#".repeat(quote.matches('#').count())), quote.len()), false)
        } else if first == '"' {
            (quoted_length(rest, '"'), false)
        } else if first == '\'' {
            let is_character = rest.starts_with("'\\") || rest.chars().nth(2) == Some('\'');
            let length = if is_character { quoted_length(rest, '\'') } else { 1 };
            (length, false)
        } else if is_of_name(first) {
            (rest.find(|c| !is_of_name(c)).unwrap_or(rest.len()), true)
        } else if rest.starts_with("::") {
            (2, true)
        } else {
            (first.len_utf8(), !first.is_whitespace())
        };
        let (text, behind) = rest.split_at(length);
        if is_code {
            tokens.push(Token { text, line });
        }
        line += text.matches('\n').count();
        rest = behind;
    }
    tokens
}

fn is_of_name(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

/// What a raw text begins with, where one begins: `r#"`.
fn raw_quote(rest: &str) -> Option<&str> {
    let hashes = rest.strip_prefix('b').unwrap_or(rest).strip_prefix('r')?;
    let text = hashes.trim_start_matches('#').strip_prefix('"')?;
    Some(&rest[..rest.len() - text.len()])
}

/// The length of the text or character that begins here, with its quotes.
fn quoted_length(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    let end = rest.char_indices().skip(1).find(|&(_, c)| {
        let ends = c == quote && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    });
    end.map_or(rest.len(), |(at, _)| at + 1)
}

/// Leaves out what stands behind `#[cfg(test)]`, up to its end.
fn without_tests<'a>(tokens: &[Token<'a>]) -> Vec<Token<'a>> {
    const TEST: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
    let mut left = Vec::new();
    let mut index = 0;
    while index < tokens.len() {
        if !tokens[index..].iter().map(|token| token.text).take(TEST.len()).eq(TEST) {
            left.push(tokens[index]);
            index += 1;
            continue;
        }
        index += TEST.len();
        let mut depth = 0_usize;
        while let Some(token) = tokens.get(index) {
            match token.text {
                "(" | "[" | "{" => depth += 1,
                // Where the item is the last of something larger.
                ")" | "]" | "}" if depth == 0 => break,
                ")" | "]" | "}" => depth -= 1,
                _ => {}
            }
            index += 1;
            if depth == 0 && matches!(token.text, "}" | ";" | ",") {
                break;
            }
        }
    }
    left
}

/// Paths of the module `a/b`, joined, and their lines.
fn paths_of(source: &str) -> Vec<(String, usize)> {
    let module = ["a", "b"].map(str::to_owned);
    paths(source, &module).into_iter().map(|(path, line)| (path.join("/"), line)).collect()
}

#[test]
fn paths_of_use_trees_and_expressions_are_found() {
    let source = "use crate::{\n    c::{self, D, e::{F as G, *}},\n    h,\n};\npub use super::{i::J, K};\n\
        use super::super::l;\nuse self::m::N;\nfn f(x: &crate::o::P<'_>) { crate::q::r::<u8>(x); $crate::s!() }\n\
        mod t { use super::{u}; use super::super::v; }\nuse super::w;\nuse std::x;";
    let found = [
        ("c", 2),
        ("c/D", 2),
        ("c/e/F", 2),
        ("c/e", 2),
        ("h", 3),
        ("a/i/J", 5),
        ("a/K", 5),
        ("l", 6),
        ("a/b/m/N", 7),
        ("o/P", 8),
        ("q/r", 8),
        ("s", 8),
        ("a/b/u", 9),
        ("a/v", 9),
        ("a/w", 10),
    ];
    assert_eq!(paths_of(source), found.map(|(path, line)| (path.to_owned(), line)));
}

#[test]
fn paths_in_tests_comments_and_texts_are_left_out() {
    let source = "//! [`crate::a`]\n/* crate::a */\npub(in crate::a) const A: &str = \"\\\"crate::a\";\n\
        const B: &[u8] = br#\"\"crate::a\"#;\nconst C: [char; 2] = ['\"', '\\''];\n\
        #[cfg(test)]\npub(crate) const D: [crate::a::D; 2] = [crate::a::D; 2];\n#[cfg(test)]\nuse crate::{a};\n\
        struct E<'a> { #[cfg(test)] a: crate::a::A, b: crate::b::B }\n\
        #[cfg(test)]\n#[allow(x)]\nmod tests { use crate::a; fn f() { crate::a(); } }\nuse crate::c;";
    assert_eq!(paths_of(source), [("b/B".to_owned(), 10), ("c".to_owned(), 14)]);
}

#[test]
fn differences_and_circles_of_invented_modules_are_told() {
    let table = Table::read(
        "# Map\n\n| knows | what | module |\n|---|---|---|\n| everything below | a \\| b | `top` |\n\
        | `left`, `text` | | – `left/part`, `other` |\n\
        | `gone`, `right` for its head | | `left` |\n| nothing | | `right` |\n\
        | nothing | | `group/one`, `half/one` |\n| `words` | | `past` |\n\nVocabulary, for every\nmodule: `words`.\n\n\
        `top` is no such thing.\n\n# Next\n\n`vocabulary`\n",
    );
    assert_eq!(
        table.vocabulary.iter().map(String::as_str).collect::<Vec<_>>().join(" "),
        "limits number text time words"
    );
    let source = |module: &str, text: &str| {
        let path: Vec<_> = module.split('/').map(str::to_owned).collect();
        (path, Source { file: format!("{module}.rs"), text: text.to_owned() })
    };
    let sources = BTreeMap::from([
        source("top", "use crate::{left, right::{self, Right}, extra};"),
        source("left", "use crate::{left::part::Part, words, time};\nuse crate::right::Right;"),
        source("left/part", "use super::Left;\nuse crate::other;"),
        source("other", "use crate::{left::{Left, part}, text};"),
        source("right", "\nuse crate::left::shade;"),
        source("right/deep", "use super::super::top;"),
        source("extra", "use crate::top;"),
        source("group", "pub mod one;"),
        source("group/one", "use super::One;"),
        source("half", "pub mod one;\npub mod two;"),
        source("half/one", ""),
        source("half/two", "use crate::words;"),
        source("words", ""),
        source("text", ""),
        source("time", ""),
    ]);
    assert_eq!(
        differences(&table, &sources),
        [
            "`extra` has no row",
            "`half` has no row",
            "`right` imports `left` (right.rs:2), its row doesn't list it",
            "`right` imports `top` (right/deep.rs:1), its row doesn't list it",
            "`top` imports `extra` (top.rs:1), its row doesn't list it",
            "`left` doesn't import `gone`, its row lists it",
            "`past` has a row, core/src has no such module",
            "`past` doesn't import `words`, its row lists it",
        ]
    );
    assert_eq!(
        circles(&imports(&table, &sources)),
        [
            "`extra` imports `top` (extra.rs:1), `top` imports `extra` (top.rs:1)",
            "`left` imports `right` (left.rs:2), `right` imports `left` (right.rs:2)",
            "`left/part` imports `other` (left/part.rs:2), `other` imports `left/part` (other.rs:1)",
            "`right` imports `top` (right/deep.rs:1), `top` imports `right` (top.rs:1)",
        ]
    );
}

#[test]
fn circles_of_three_modules_are_told() {
    let imports = |pairs: &[[&str; 2]]| -> Imports {
        pairs.iter().map(|pair| ((pair[0].to_owned(), pair[1].to_owned()), "x.rs:1".to_owned())).collect()
    };
    assert_eq!(
        circles(&imports(&[["a", "b"], ["b", "c"], ["c", "a"], ["c", "d"], ["e", "a"]])),
        [
            "`a` imports `b` (x.rs:1), in a longer circle",
            "`b` imports `c` (x.rs:1), in a longer circle",
            "`c` imports `a` (x.rs:1), in a longer circle",
        ]
    );
    assert!(circles(&imports(&[["a", "b"], ["a", "c"], ["b", "d"], ["c", "d"]])).is_empty());
}
