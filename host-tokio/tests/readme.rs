//! The README's commands are commands, and its first one runs.

use std::process::{Command, Output};

const README: &str = include_str!("../../README.md");

/// The lines of the README's shell blocks, without comments.
fn commands() -> Vec<&'static str> {
    let mut in_shell = false;
    let mut commands = Vec::new();
    for line in README.lines() {
        if line.starts_with("```") {
            in_shell = line == "```sh";
        } else if in_shell && !line.is_empty() {
            commands.push(line.split(" #").next().unwrap_or(line).trim());
        }
    }
    commands
}

fn comfyglow(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_comfyglow")).args(args).output().expect("the command can be run")
}

#[test]
fn the_two_first_commands_are_the_demo_and_the_tests() {
    assert_eq!(commands()[..2], ["cargo run -- demo", "cargo test --workspace"]);
}

/// `cargo run -- demo`, as cargo runs it, faster.
#[test]
fn the_demo_runs() {
    let ran = comfyglow(&["demo", "--speed", "50"]);
    assert!(ran.status.success(), "{ran:?}");
    let stdout = String::from_utf8_lossy(&ran.stdout);
    assert!(stdout.contains("KSampler") && stdout.contains('✔'), "{stdout}");
}

/// Each is a command that has these options; `cli_*.rs` run them for what they do.
#[test]
fn each_command_is_understood() {
    let ours: Vec<_> = commands().into_iter().filter_map(|line| line.strip_prefix("comfyglow ")).collect();
    assert!(ours.len() >= 4, "{ours:?}");
    for line in ours {
        let words: Vec<_> = line.split(" | ").next().unwrap_or(line).split_whitespace().collect();
        let known = comfyglow(&[words[0], "--help"]);
        let help = String::from_utf8_lossy(&known.stdout);
        assert!(known.status.success(), "{line}: {known:?}");
        for option in words.iter().filter(|word| word.starts_with("--")) {
            assert!(help.contains(option), "{line}: `{}` knows no {option}", words[0]);
        }
    }
}
