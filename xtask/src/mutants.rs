//! `cargo xtask mutants`: each fault of `tests/MUTANTS.md` is found by the test that is named there.
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use crate::process::{cargo, output, run as execute};
use crate::project::Project;
use crate::steps::{Outcome, Steps};

/// The list of all mutants.
const LIST: &str = "tests/MUTANTS.md";

/// Put faults into the code, one at a time, and see that a test finds each.
///
/// `tests/MUTANTS.md` lists them: what changes, and which test finds it. The sources are copied below `target` and changed
/// there. The exit status is 1 if a fault is found by nobody, no longer fits the code, or its test fails without it.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only those whose title contains this.
    #[arg(value_name = "TITLE")]
    title: Option<String>,
    /// Only list them, and see that each fits the code.
    #[arg(long)]
    list: bool,
}

/// A change of the code that makes it wrong.
#[derive(Debug, PartialEq, Eq)]
struct Mutant {
    title: String,
    /// The file, from the workspace's folder.
    file: String,
    /// The words behind `cargo` of the command that finds it.
    test: Vec<String>,
    /// The lines before and after.
    before: String,
    after: String,
}

/// Tries them.
///
/// # Errors
/// One survived, or doesn't fit the code any more.
pub(crate) fn run(args: &Args) -> Result<()> {
    let project = Project::read()?;
    let list = fs::read_to_string(project.root.join(LIST)).with_context(|| format!("{LIST} can't be read"))?;
    let mut mutants = read(&list)?;
    if let Some(title) = &args.title {
        mutants.retain(|mutant| mutant.title.contains(title.as_str()));
    }
    ensure!(!mutants.is_empty(), "no mutant has such a title");
    for mutant in &mutants {
        apply(mutant, &fs::read_to_string(project.root.join(&mutant.file)).unwrap_or_default())?;
        if args.list {
            println!("{:60} {}", mutant.title, mutant.test.join(" "));
        }
    }
    if args.list {
        return Ok(());
    }
    let copy = copy(&project)?;
    let mut steps = Steps::new();
    let mut tests: Vec<_> = mutants.iter().map(|mutant| &mutant.test).collect();
    tests.sort();
    tests.dedup();
    for test in tests {
        steps.step(&test.join(" "), "passes without any of them", || {
            let said = output(&mut command(test, &copy))?;
            ensure!(!found(&said), "it fails");
            ensure!(said.lines().any(|line| line.starts_with("test ") && line.ends_with("... ok")), "no such test ran");
            Ok(Outcome::Done)
        });
    }
    for mutant in &mutants {
        steps.step(&mutant.title, &mutant.file, || {
            kill(mutant, &copy)?;
            Ok(Outcome::Done)
        });
    }
    steps.finish()
}

/// Puts the fault in, runs the test, and takes it out again.
fn kill(mutant: &Mutant, copy: &Path) -> Result<()> {
    let file = copy.join(&mutant.file);
    let original = fs::read_to_string(&file)?;
    fs::write(&file, apply(mutant, &original)?)?;
    let tried = command(&mutant.test, copy).stdin(Stdio::null()).output();
    fs::write(&file, original)?;
    let tried = tried?;
    let said = String::from_utf8_lossy(&tried.stdout);
    if found(&said) {
        let tests: Vec<_> = said.lines().filter(|line| line.ends_with("FAILED") && line.starts_with("test ")).collect();
        println!("found: {}", tests.join(", "));
        return Ok(());
    }
    ensure!(tried.status.success(), "it can't be built: {}", String::from_utf8_lossy(&tried.stderr));
    bail!("it survived `cargo {}`", mutant.test.join(" "))
}

/// Whether a test failed, by what cargo wrote to its standard output.
fn found(said: &str) -> bool {
    said.contains("test result: FAILED")
}

/// Cargo in the copy, with a folder of its own for what is built.
fn command(test: &[String], copy: &Path) -> Command {
    let mut command = cargo();
    command.args(test).current_dir(copy).env("CARGO_TARGET_DIR", copy.with_file_name("target"));
    // What failed once is not to be found by that alone, and nobody debugs it.
    command.env("PROPTEST_FAILURE_PERSISTENCE", "off").env("CARGO_PROFILE_DEV_DEBUG", "0").env("RUST_BACKTRACE", "0");
    command
}

/// Copies what git knows, and what is new beside it, below `target`.
fn copy(project: &Project) -> Result<PathBuf> {
    let copy = project.target_dir.join("mutants/tree");
    let listed = ["ls-files", "--cached", "--others", "--exclude-standard"];
    for name in output(Command::new("git").args(listed).current_dir(&project.root))?.lines() {
        let (from, to) = (project.root.join(name), copy.join(name));
        // What is the same stays, so that cargo needn't build it again.
        let Ok(content) = fs::read(&from) else { continue };
        if fs::read(&to).is_ok_and(|there| there == content) {
            continue;
        }
        fs::create_dir_all(to.parent().unwrap_or(&copy))?;
        fs::write(&to, content)?;
    }
    execute(cargo().args(["metadata", "--no-deps", "--format-version", "1"]).current_dir(&copy).stdout(Stdio::null()))?;
    Ok(copy)
}

/// The code with the fault.
///
/// # Errors
/// The lines to change don't stand there, or more than once.
fn apply(mutant: &Mutant, code: &str) -> Result<String> {
    let places = code.matches(&mutant.before).count();
    let Mutant { title, file, .. } = mutant;
    ensure!(places == 1, "{LIST}, {title}: the lines to change stand {places} times in {file}");
    Ok(code.replacen(&mutant.before, &mutant.after, 1))
}

/// Reads the list: a heading, `file` and `cargo …` in a sentence, and the change.
fn read(list: &str) -> Result<Vec<Mutant>> {
    let mut mutants = Vec::new();
    for section in list.split("\n### ").skip(1) {
        let title = section.lines().next().unwrap_or_default().to_owned();
        let mutant = read_one(&title, section).with_context(|| format!("{LIST}, {title}"))?;
        mutants.push(mutant);
    }
    Ok(mutants)
}

fn read_one(title: &str, section: &str) -> Result<Mutant> {
    let (said, rest) = section.split_once("\n```diff\n").context("there is no change")?;
    let (change, _) = rest.split_once("\n```").context("the change has no end")?;
    let mut quoted = said.split('`').skip(1).step_by(2);
    let file = quoted.next().context("there is no file")?.to_owned();
    let test = quoted.find_map(|words| words.strip_prefix("cargo ")).context("there is no test")?;
    let side = |sign: char| -> String {
        let lines = change.lines().filter_map(|line| line.strip_prefix(' ').or_else(|| line.strip_prefix(sign)));
        lines.flat_map(|line| [line, "\n"]).collect()
    };
    let (before, after) = (side('-'), side('+'));
    ensure!(before != after, "nothing changes");
    let test = test.split_whitespace().map(str::to_owned).collect();
    Ok(Mutant { title: title.to_owned(), file, test, before, after })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECTION: &str = "# Head\n\n### It never ends\n\nIn `a/b.rs`; `cargo test -p a ends` finds it.\n\n```diff\n fn f() {\n-    1\n+    2\n }\n```\n";

    #[test]
    fn a_mutant_is_read_and_applied() {
        let mutants = read(SECTION).unwrap();
        let [mutant] = mutants.as_slice() else { panic!("{mutants:?}") };
        assert_eq!((mutant.title.as_str(), mutant.file.as_str()), ("It never ends", "a/b.rs"));
        assert_eq!(mutant.test, ["test", "-p", "a", "ends"]);
        assert_eq!(apply(mutant, "x\nfn f() {\n    1\n}\n").unwrap(), "x\nfn f() {\n    2\n}\n");
        let error = apply(mutant, "fn f() {}").unwrap_err().to_string();
        assert!(error.contains("stand 0 times in a/b.rs"), "{error}");
        assert!(read("\n### x\n\nno change\n").is_err());
    }

    #[test]
    fn the_lists_mutants_fit_the_code() {
        let project = Project::read().unwrap();
        let mutants = read(&fs::read_to_string(project.root.join(LIST)).unwrap()).unwrap();
        assert!(mutants.len() >= 10, "{}", mutants.len());
        for mutant in mutants {
            apply(&mutant, &fs::read_to_string(project.root.join(&mutant.file)).unwrap()).unwrap();
        }
    }
}
