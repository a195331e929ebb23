//! Who calls whom in a linked program, out of its relocations (`--emit-relocs`).
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use object::read::elf::ElfFile32;
use object::{Object, ObjectSection, ObjectSymbol, RelocationTarget, SymbolKind};

/// Where the program begins.
const START: &str = "_start";

/// The calls of a program.
pub(crate) struct Callers {
    program: PathBuf,
    /// By their addresses: where they end, and their names.
    functions: BTreeMap<u64, (u64, String)>,
    /// By the function that is referred to: from which function, and at which address.
    references: BTreeMap<u64, Vec<(u64, u64)>>,
}

/// A place outside of the language's own library that reaches what was looked for.
pub(crate) struct Site {
    /// The function of the library's that is called there.
    pub(crate) panic: String,
    /// The place and what it was inlined into, the innermost first.
    pub(crate) frames: Vec<String>,
    /// The functions from there back to where the program begins.
    pub(crate) way: Vec<String>,
}

impl Callers {
    /// Reads a program.
    ///
    /// # Errors
    /// It can't be read.
    pub(crate) fn read(program: &Path) -> Result<Self> {
        let bytes = fs::read(program).with_context(|| format!("cannot read {}", program.display()))?;
        let file = ElfFile32::<object::Endianness>::parse(&*bytes)?;
        // A Thumb function's address is odd.
        let functions: BTreeMap<_, _> = (file.symbols())
            .filter(|symbol| symbol.kind() == SymbolKind::Text && symbol.size() > 0)
            .filter_map(|symbol| {
                let (start, name) = (symbol.address() & !1, symbol.name().ok()?);
                let name = addr2line::demangle_auto(name.into(), None).into_owned();
                Some((start, (start + symbol.size(), name)))
            })
            .collect();
        let mut callers = Self { program: program.to_owned(), functions, references: BTreeMap::new() };
        for section in file.sections().filter(|section| section.kind() == object::SectionKind::Text) {
            for (offset, relocation) in section.relocations() {
                let RelocationTarget::Symbol(index) = relocation.target() else { continue };
                let target = file.symbol_by_index(index)?.address() & !1;
                if let Some(from) = callers.function_at(offset)
                    && from != target
                {
                    callers.references.entry(target).or_default().push((from, offset));
                }
            }
        }
        Ok(callers)
    }

    /// Every place outside of the language's own library that reaches the function `name`.
    ///
    /// # Errors
    /// There is no such function, or the program's line numbers can't be read.
    pub(crate) fn sites_of(&self, name: &str) -> Result<Vec<Site>> {
        let (&goal, _) = (self.functions.iter().find(|(_, (_, found))| found == name))
            .with_context(|| format!("{} has no function {name}", self.program.display()))?;
        let lines = addr2line::Loader::new(&self.program).map_err(|error| anyhow!("no line numbers: {error}"))?;
        let (mut sites, mut seen, mut next) = (Vec::new(), BTreeSet::from([goal]), VecDeque::from([goal]));
        while let Some(function) = next.pop_front() {
            for &(from, at) in self.references.get(&function).into_iter().flatten() {
                if self.name(from).contains("core::") && !self.name(from).starts_with("<comfyglow")
                    || self.name(from).contains("rust_begin_unwind")
                {
                    if seen.insert(from) {
                        next.push_back(from);
                    }
                    continue;
                }
                let panic = self.name(function).to_owned();
                sites.push(Site { panic, frames: frames(&lines, at)?, way: self.way_from(from) });
            }
        }
        Ok(sites)
    }

    /// The shortest way back to where the program begins.
    fn way_from(&self, function: u64) -> Vec<String> {
        let (mut from, mut next) = (BTreeMap::from([(function, function)]), VecDeque::from([function]));
        while let Some(at) = next.pop_front() {
            if self.name(at) == START {
                let mut way = vec![at];
                while let Some(&back) = way.last().and_then(|last| from.get(last))
                    && way.last() != Some(&back)
                {
                    way.push(back);
                }
                return way.into_iter().rev().map(|function| self.name(function).to_owned()).collect();
            }
            for &(caller, _) in self.references.get(&at).into_iter().flatten() {
                from.entry(caller).or_insert_with(|| {
                    next.push_back(caller);
                    at
                });
            }
        }
        vec![self.name(function).to_owned()]
    }

    fn function_at(&self, address: u64) -> Option<u64> {
        let (&start, (end, _)) = self.functions.range(..=address).next_back()?;
        (address < *end).then_some(start)
    }

    fn name(&self, function: u64) -> &str {
        self.functions.get(&function).map_or("?", |(_, name)| name)
    }
}

/// The lines that the code at an address is made of, the innermost first.
fn frames(lines: &addr2line::Loader, address: u64) -> Result<Vec<String>> {
    let read = || -> std::result::Result<_, Box<dyn std::error::Error>> {
        let (mut found, mut frames) = (Vec::new(), lines.find_frames(address)?);
        while let Some(frame) = frames.next()? {
            let name = frame.function.as_ref().and_then(|function| function.demangle().ok());
            let file = frame.location.as_ref().and_then(|location| location.file).unwrap_or("?");
            let line = frame.location.as_ref().and_then(|location| location.line).unwrap_or(0);
            found.push(format!("{} ({}:{line})", name.as_deref().unwrap_or("?"), short(file)));
        }
        Ok(found)
    };
    read().map_err(|error| anyhow!("no line numbers at {address:#x}: {error}"))
}

/// A source file's path from its package on.
fn short(file: &str) -> &str {
    let folders: Vec<_> = file.match_indices('/').map(|(at, _)| at).collect();
    let source = file.rfind("/src/").unwrap_or(0);
    folders.iter().rev().find(|&&at| at < source).map_or(file, |&at| file.get(at + 1..).unwrap_or(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_told_from_its_package_on() {
        assert_eq!(
            short("/home/me/.cargo/registry/src/index/httparse-1.10.1/src/lib.rs"),
            "httparse-1.10.1/src/lib.rs"
        );
        assert_eq!(short("/home/me/glow/core/src/http/head.rs"), "core/src/http/head.rs");
        assert_eq!(short("build.rs"), "build.rs");
    }
}
