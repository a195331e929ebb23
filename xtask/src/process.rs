//! Other programs: what is run is shown, what fails is named.
use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// The cargo that runs this program, so that a `+toolchain` given by the user holds for all steps.
pub(crate) fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// The compiler in use, that of [`cargo`].
pub(crate) fn rustc() -> Command {
    Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
}

/// Runs `command` to its end, its output going where ours goes.
///
/// # Errors
/// The program can't be started, or ends with a status other than 0.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    println!("$ {}", shown(command));
    let status = command.stdin(Stdio::null()).status().with_context(|| cannot_start(command))?;
    if !status.success() {
        bail!("`{}` ended with {status}", shown(command));
    }
    Ok(())
}

/// Runs `command` to its end and returns what it wrote to its standard output.
///
/// # Errors
/// The program can't be started, ends with a status other than 0 (its standard error is in the message), or writes
/// something other than UTF-8.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).output().with_context(|| cannot_start(command))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("`{}` ended with {}: {}", shown(command), output.status, said.trim());
    }
    String::from_utf8(output.stdout).with_context(|| format!("`{}` wrote text that isn't UTF-8", shown(command)))
}

/// The command as one would type it: what it adds to the environment, its name without folders, its arguments.
fn shown(command: &Command) -> String {
    let quoted = |text: &OsStr| match text.to_string_lossy() {
        text if text.is_empty() || text.contains(' ') => format!("\"{text}\""),
        text => text.into_owned(),
    };
    let set = command.get_envs().filter_map(|(name, value)| Some(format!("{}={}", quoted(name), quoted(value?))));
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let words = std::iter::once(program).chain(command.get_args()).map(quoted);
    set.chain(words).collect::<Vec<_>>().join(" ")
}

fn cannot_start(command: &Command) -> String {
    format!("cannot start `{}`: is it installed, and on the PATH?", command.get_program().to_string_lossy())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_shown_as_one_types_it() {
        let mut command = Command::new("/usr/bin/cargo");
        command.args(["doc", "--no-deps", "--features", ""]).env("RUSTDOCFLAGS", "-D warnings").env_remove("HOME");
        assert_eq!(shown(&command), "RUSTDOCFLAGS=\"-D warnings\" cargo doc --no-deps --features \"\"");
    }

    #[test]
    fn a_failure_names_the_command() {
        let error = run(&mut Command::new("false")).unwrap_err();
        assert_eq!(error.to_string(), "`false` ended with exit status: 1");
        let error = run(&mut Command::new("no-such-program")).unwrap_err();
        assert!(error.to_string().starts_with("cannot start `no-such-program`"), "{error}");
    }
}
