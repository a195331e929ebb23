//! Debian's Rust compiler with the source of `core`, beside the compiler in use and touching nothing of it.
//!
//! It is for machines whose own compiler has the host's target only. Debian packs the compiler, its libraries and the
//! source; with them cargo's `build-std` makes `core` for any target that LLVM knows. The packages are unpacked into
//! a folder below the target directory, which may be deleted at any time: dpkg never knows of it.
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use cargo_metadata::semver::Version;

use crate::process::{cargo, output, run, rustc};
use crate::project::Project;

/// The compiler that Debian builds its browsers with, newer than its `rustc`.
const COMPILER: &str = "rustc-web";
/// The source of Rust's own libraries, of the same version.
const SOURCE: &str = "rust-web-src";
/// The compiler's lints, of the same version.
const CLIPPY: &str = "rust-web-clippy";
/// Where they are unpacked to.
const CARGO_CLIPPY: &str = "tree/usr/bin/cargo-clippy";

/// A compiler that can build `core` for other targets.
pub(crate) struct Compiler {
    rustc: PathBuf,
}

impl Compiler {
    /// Lets the cargo of `command` use this compiler, and `-Z build-std` with it.
    pub(crate) fn give_to(&self, command: &mut Command) {
        command.env("RUSTC", &self.rustc).env("RUSTC_BOOTSTRAP", "1");
    }
}

/// `cargo clippy` with the lints of Debian's compiler, fetched as by [`compiler`].
///
/// # Errors
/// As those of [`compiler`].
pub(crate) fn clippy(project: &Project, target: &str) -> Result<Command> {
    let home = home(project);
    // A tree that was unpacked before lints were needed builds well, but has none.
    let compiler = obtain(project, target, home.join(CARGO_CLIPPY).exists())?;
    let libraries = only(&home.join("tree/usr/lib"), |name| name.contains("-linux-gnu"))?;
    let mut command = Command::new(home.join(CARGO_CLIPPY));
    // It starts the cargo that is named so, and its driver that is beside it.
    command.arg("clippy").env("CARGO", cargo().get_program()).env("LD_LIBRARY_PATH", libraries);
    compiler.give_to(&mut command);
    Ok(command)
}

/// Debian's compiler, fetched if it isn't there yet.
///
/// # Errors
/// Debian's tools aren't here, its package lists or packages can't be had, or the compiler doesn't run.
pub(crate) fn compiler(project: &Project, target: &str) -> Result<Compiler> {
    obtain(project, target, true)
}

/// Where it is unpacked.
fn home(project: &Project) -> PathBuf {
    project.target_dir.join("debian-rust")
}

/// The compiler, fetched if it isn't there yet, or not `whole`.
fn obtain(project: &Project, target: &str, whole: bool) -> Result<Compiler> {
    let home = home(project);
    let compiler = Compiler { rustc: home.join("rustc") };
    let there = version(&compiler);
    if whole && there.as_ref().is_ok_and(|version| *version >= project.msrv) {
        println!("{} is there", home.display());
        return Ok(compiler);
    }
    // Too old, or not all there; one that is there and doesn't run lacks a library, and would lack it again.
    if there.is_ok() || !whole || !compiler.rustc.exists() {
        let remedy = format!("`rustup target add {target}` is the ordinary way to get it");
        if !has("apt-get") || !has("dpkg") {
            bail!("the compiler in use has no library for {target}, and there is no apt for Debian's: {remedy}");
        }
        fetch(&home, &project.msrv).with_context(|| {
            format!("the compiler in use has no library for {target} ({remedy}), nor is Debian's here")
        })?;
    }
    if let Err(error) = version(&compiler) {
        println!("Debian's compiler doesn't run yet: {error:#}");
        install_llvm(&home)?;
        version(&compiler).context("Debian's compiler doesn't run")?;
    }
    Ok(compiler)
}

/// Fetches and unpacks into `home`: all of it, or nothing.
fn fetch(home: &Path, msrv: &Version) -> Result<()> {
    let fits = |offered: &Option<Version>| offered.as_ref().is_some_and(|offered| offered >= msrv);
    if !fits(&candidate()?) {
        println!("The package lists here offer no {COMPILER} of {msrv} or newer: are they old?");
        update_lists()?;
        ensure!(fits(&candidate()?), "this Debian's {COMPILER} is older than {msrv}, or there is none");
    }
    let fresh = home.with_extension("new");
    let (packages, tree) = (fresh.join("packages"), fresh.join("tree"));
    remove(&fresh)?;
    fs::create_dir_all(&packages).with_context(|| format!("cannot create {}", packages.display()))?;
    if let Err(error) = download(&packages) {
        // Package lists that are a few days old name files that Debian has replaced since.
        println!("{error:#}; once more, with new package lists");
        update_lists()?;
        download(&packages)?;
    }
    for package in fs::read_dir(&packages)? {
        run(Command::new("dpkg").arg("-x").arg(package?.path()).arg(&tree))?;
    }
    finish(&fresh, &tree)?;
    fs::remove_dir_all(&packages)?;
    remove(home)?;
    fs::rename(&fresh, home).with_context(|| format!("cannot move {} to {}", fresh.display(), home.display()))
}

/// The compiler's version that apt would install, none where it knows of none.
fn candidate() -> Result<Option<Version>> {
    let policy = output(apt("apt-cache").args(["policy", COMPILER]))?;
    Ok(candidate_in(&policy))
}

/// Debian's `1.96.0+dfsg1-1~deb12u2` as 1.96.0.
fn candidate_in(policy: &str) -> Option<Version> {
    let version = policy.lines().find_map(|line| line.trim().strip_prefix("Candidate: "))?;
    let upstream = version.split(['+', '-', '~']).next()?;
    Version::parse(upstream).ok()
}

/// Brings apt's package lists up to date.
fn update_lists() -> Result<()> {
    as_root(&["update"]).context("the package lists are missing or old")
}

/// Downloads the compiler's packages into the folder `packages`.
fn download(packages: &Path) -> Result<()> {
    let mut names = vec![COMPILER.to_owned(), SOURCE.to_owned(), CLIPPY.to_owned()];
    // The libraries carry their version in their names: each is found where it is asked for.
    for wanted in ["libstd-rust-web-dev", "libstd-rust-web-1.", "libllvm"] {
        let mut found = None;
        for name in &names {
            let depends = output(apt("apt-cache").args(["depends", name]))?;
            found = found.or_else(|| dependency(&depends, wanted).map(str::to_owned));
        }
        names.push(found.with_context(|| format!("no package of {COMPILER}'s depends on {wanted}…"))?);
    }
    if linker_in_use()?.is_none() {
        names.extend(llvm_version(&names).map(|version| format!("lld-{version}")));
    }
    println!("Downloading Debian's compiler, some 140 MB");
    // As root, apt would warn that its unprivileged user can't write here.
    let unsandboxed = ["-o", "APT::Sandbox::User=root"];
    run(apt("apt-get").arg("download").args(unsandboxed).args(names).current_dir(packages))
}

/// The dependency in `apt-cache depends` whose name begins with `wanted`.
fn dependency<'a>(depends: &'a str, wanted: &str) -> Option<&'a str> {
    let mut names = depends.lines().filter_map(|line| line.trim().strip_prefix("Depends: "));
    names.find(|name| name.starts_with(wanted))
}

/// 22, where `libllvm22` is among the names.
fn llvm_version(names: &[String]) -> Option<&str> {
    names.iter().find_map(|name| name.strip_prefix("libllvm"))
}

/// Makes a compiler of the unpacked packages: its linker under the name it looks for, and a `rustc` that finds its
/// libraries.
fn finish(fresh: &Path, tree: &Path) -> Result<()> {
    let lib = tree.join("usr/lib");
    let libraries = only(&lib, |name| name.contains("-linux-gnu"))?;
    let host = only(&lib.join("rustlib"), |name| name.contains("-linux-"))?;
    let linker = match linker_in_use()? {
        Some(linker) => linker,
        // From rustlib/HOST/bin, as the tree is moved when it is whole.
        None => Path::new("../../..")
            .join(only(&lib, |name| name.starts_with("llvm-"))?.strip_prefix(&lib)?)
            .join("bin/lld"),
    };
    fs::create_dir_all(host.join("bin"))?;
    run(Command::new("ln").arg("-s").arg(&linker).arg(host.join("bin/rust-lld")))?;
    // Of the source only the libraries are needed; the rest is five times that.
    let source = only(&tree.join("usr/src"), |name| name.starts_with("rustc-"))?;
    for entry in fs::read_dir(&source)? {
        let entry = entry?;
        if entry.file_name() != "library" {
            remove(&entry.path())?;
        }
    }
    let libraries = libraries.strip_prefix(fresh)?.display();
    let script = format!(
        "#!/bin/sh\nhome=\"${{0%/*}}\"\n\
         LD_LIBRARY_PATH=\"$home/{libraries}\" exec \"$home/tree/usr/bin/rustc\" \"$@\"\n"
    );
    let rustc = fresh.join("rustc");
    fs::write(&rustc, script)?;
    run(Command::new("chmod").arg("+x").arg(rustc))
}

/// The one entry of a folder whose name fits.
fn only(folder: &Path, fits: impl Fn(&str) -> bool) -> Result<PathBuf> {
    let entries = fs::read_dir(folder).with_context(|| format!("Debian's packages have no {}", folder.display()))?;
    let mut fitting = entries.filter_map(Result::ok).filter(|entry| fits(&entry.file_name().to_string_lossy()));
    let entry = fitting.next().with_context(|| format!("nothing in {} is what it should hold", folder.display()))?;
    Ok(entry.path())
}

/// The `rust-lld` of the compiler in use, if it brings one.
fn linker_in_use() -> Result<Option<PathBuf>> {
    let libdir = output(rustc().args(["--print", "target-libdir"]))?;
    let linker = Path::new(libdir.trim()).join("../bin/rust-lld");
    Ok(linker.canonicalize().ok())
}

/// The version of an unpacked compiler: an error where it isn't there or doesn't run.
fn version(compiler: &Compiler) -> Result<Version> {
    ensure!(compiler.rustc.exists(), "{} isn't there", compiler.rustc.display());
    let said = output(Command::new(&compiler.rustc).arg("--version"))?;
    let version = said.split_whitespace().nth(1).unwrap_or_default();
    Version::parse(version).with_context(|| format!("`rustc --version` says {said:?}"))
}

/// Installs what LLVM's library depends on: it is all that the compiler takes from the system.
fn install_llvm(home: &Path) -> Result<()> {
    let llvm = only(&home.join("tree/usr/share/doc"), |name| name.starts_with("libllvm"))?;
    let llvm = llvm.file_name().unwrap_or_default().to_string_lossy().into_owned();
    as_root(&["install", "--yes", "--no-install-recommends", &llvm]).context("a library of the system's is missing")
}

/// Makes sure that `program` is there, which Debian's `package` has.
///
/// # Errors
/// It isn't, and can't be installed without rights or apt.
pub(crate) fn program(program: &str, package: &str) -> Result<()> {
    if has(program) {
        return Ok(());
    }
    ensure!(has("apt-get"), "{program} isn't here: install it (Debian's package is {package})");
    let install = ["install", "--yes", "--no-install-recommends", package];
    if as_root(&install).is_err() {
        // Old package lists, most likely.
        as_root(&["update"]).and_then(|()| as_root(&install)).with_context(|| format!("{program} isn't here"))?;
    }
    Ok(())
}

/// Runs apt-get with rights that only root has.
fn as_root(arguments: &[&str]) -> Result<()> {
    if output(Command::new("id").arg("-u"))?.trim() != "0" {
        bail!("this needs root: run `sudo apt-get {}`, then this again", arguments.join(" "));
    }
    run(apt("apt-get").args(arguments).env("DEBIAN_FRONTEND", "noninteractive"))
}

/// One of apt's programs, speaking the language that is read here.
fn apt(program: &str) -> Command {
    let mut command = Command::new(program);
    command.env("LC_ALL", "C");
    command
}

fn has(program: &str) -> bool {
    output(Command::new(program).arg("--version")).is_ok()
}

fn remove(path: &Path) -> Result<()> {
    let removed = match fs::symlink_metadata(path) {
        Ok(what) if what.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(_) => Ok(()),
    };
    removed.with_context(|| format!("cannot remove {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_that_apt_offers() {
        let policy = "rustc-web:\n  Installed: (none)\n  Candidate: 1.96.0+dfsg1-1~deb12u2\n  Version table:\n";
        assert_eq!(candidate_in(policy), Some(Version::new(1, 96, 0)));
        assert_eq!(candidate_in("rustc-web:\n  Installed: (none)\n  Candidate: (none)\n"), None);
        assert_eq!(candidate_in(""), None);
    }

    #[test]
    fn dependencies_by_their_beginnings() {
        let depends = "libstd-rust-web-1.96\n  Depends: libc6\n  Depends: libllvm22\n  Conflicts: <rustup>\n";
        assert_eq!(dependency(depends, "libllvm"), Some("libllvm22"));
        assert_eq!(dependency(depends, "rustup"), None);
        assert_eq!(llvm_version(&["libc6".to_owned(), "libllvm22".to_owned()]), Some("22"));
    }
}
