//! `cargo bench -p comfyglow-bench`: one table of how fast messages are read, beside other parsers.
//!
//! `-- --quick` for a rough one; `-- --only session/whole --rounds 100` does nothing but a hundred passes of one, for a
//! profiler; `-- --list` names them all.
use std::{hint::black_box, time::Duration};

use anyhow::{Context as _, Result};
use clap::Parser;
use comfyglow_bench::{
    Corpus,
    measure::{Contender, Effort, Speed, side_by_side},
    parsers,
    stacks::{self, Frames},
};

/// Reads ComfyUI's messages beside other parsers, and prints how long each took.
#[derive(Parser)]
struct Args {
    /// Fewer and shorter turns: rough, in a few seconds.
    #[arg(long)]
    quick: bool,
    /// Measure nothing: pass over the messages of this contender only.
    #[arg(long, value_name = "CORPUS/CONTENDER")]
    only: Option<String>,
    /// How many passes `--only` makes, and how many turns each contender has in the table.
    #[arg(long, value_name = "N")]
    rounds: Option<usize>,
    /// Name the contenders that `--only` knows.
    #[arg(long)]
    list: bool,
    /// Passed by `cargo bench`.
    #[arg(long, hide = true)]
    bench: bool,
}

/// Reads of a socket, in bytes: a TCP segment's, and a small microcontroller's.
const READS: [usize; 2] = [1_460, 64];

/// Contenders that do the same, side by side.
struct Row<'a> {
    name: String,
    messages: usize,
    bytes: usize,
    contenders: Vec<Contender<'a>>,
    /// What our contenders are to reach, as multiples of the first.
    targets: Vec<(&'static str, f64)>,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let session = Corpus::session()?;
    let (respelled, kinds) = (session.respelled()?, Corpus::kinds()?);
    let frames = Frames::of(&session)?;

    let mut parsing = Vec::new();
    for corpus in [&session].into_iter().chain(&respelled).chain(&kinds) {
        let targets = match corpus.name.as_str() {
            "session" => vec![("whole", 0.35), ("1460", 0.4), ("64", 0.6)],
            _ if corpus.messages.len() > 1 => vec![("whole", 1.1)],
            _ => Vec::new(),
        };
        let contenders = parsers::contenders(corpus);
        parsing.push(Row {
            name: corpus.name.clone(),
            messages: corpus.messages.len(),
            bytes: corpus.bytes(),
            contenders,
            targets,
        });
    }
    let stack = |size| Row {
        name: format!("reads of {size}"),
        messages: frames.messages,
        bytes: frames.bytes(),
        contenders: stacks::contenders(&frames, size),
        targets: vec![("comfyglow", 0.4)],
    };
    let mut stacks: Vec<_> = READS.map(stack).into();

    let mut rows = parsing.iter_mut().chain(&mut stacks);
    if args.list {
        for row in rows {
            row.contenders.iter().for_each(|contender| println!("{}/{}", row.name, contender.name));
        }
        return Ok(());
    }
    if let Some(only) = &args.only {
        let contender = rows
            .find_map(|row| {
                row.contenders.iter_mut().find(|contender| *only == format!("{}/{}", row.name, contender.name))
            })
            .with_context(|| format!("there is no {only}: --list names all"))?;
        for _ in 0..args.rounds.unwrap_or(1) {
            black_box((contender.pass)());
        }
        return Ok(());
    }

    for corpus in [&session].into_iter().chain(&respelled).chain(&kinds) {
        parsers::check(corpus)?;
    }
    for size in READS {
        stacks::check(&frames, size)?;
    }
    let (rounds, turn) = if args.quick { (15, 200) } else { (100, 1_000) };
    let effort = Effort { rounds: args.rounds.unwrap_or(rounds), turn: Duration::from_micros(turn) };
    println!(
        "Parsing a message, as multiples of sonic-rs: comfyglow's decoder whole and in pieces; then the others, whole"
    );
    print(&mut parsing, effort);
    println!("\nFrom a socket's bytes to a state, as multiples of tokio-tungstenite with serde_json, typed");
    print(&mut stacks, effort);
    Ok(())
}

/// Measures row by row and prints each when it is done.
fn print(rows: &mut [Row<'_>], effort: Effort) {
    let Some(names) = rows.first().map(|row| row.contenders.iter().map(|c| c.name.clone()).collect::<Vec<_>>()) else {
        return;
    };
    let width = |name: &str| name.len().max(6);
    print!("{:20} {:>6} {:>9}", "", "bytes", "ns");
    names.iter().skip(1).for_each(|name| print!("  {name:>0$}", width(name)));
    println!();
    for row in rows {
        let speeds = side_by_side(&mut row.contenders, effort);
        let each = |total: usize| total / row.messages.max(1);
        let nanos = speeds.first().map_or(f64::NAN, |first| first.nanos) / messages(row.messages);
        print!("{:20} {:6} {nanos:9.0}", row.name, each(row.bytes));
        for (name, Speed { ratio, .. }) in names.iter().zip(&speeds).skip(1) {
            print!("  {ratio:>0$.2}", width(name));
        }
        println!();
        if !row.targets.is_empty() {
            print!("{:20} {:6} {:9}", "    to be at most", "", "");
            for name in names.iter().skip(1) {
                let target = row.targets.iter().find(|(of, _)| of == name);
                print!("  {:>1$}", target.map_or_else(String::new, |(_, most)| format!("{most:.2}")), width(name));
            }
            println!();
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a few thousand messages")]
fn messages(count: usize) -> f64 {
    count as f64
}
