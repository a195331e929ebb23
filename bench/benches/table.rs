//! `cargo bench`: one table of how fast messages are read, beside other parsers.
//!
//! `-- --quick` for a rough one; `-- --only session/whole --rounds 100` does nothing but a hundred passes of one, for a
//! profiler; `-- --list` names them all. `cargo xtask bench-instructions` counts instead of measuring.
use std::{fmt::Write as _, fs, hint::black_box, path::PathBuf, time::Duration};

use anyhow::{Context as _, Result};
use clap::Parser;
use comfyglow_bench::{
    Corpus,
    measure::{Contender, Effort, Speed, counted, side_by_side},
    parsers,
    stacks::{self, Frames},
};

/// Reads ComfyUI's messages beside other parsers, and prints how long each took.
#[derive(Parser)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own")]
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
    /// Measure nothing: name each contender and make one pass of it for callgrind to count, behind one that it doesn't.
    #[arg(long)]
    counted: bool,
    /// Also write what has a target to this file, one a line: name, multiple, target, with tabs between.
    #[arg(long, value_name = "FILE")]
    figures: Option<PathBuf>,
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
    if args.counted {
        for row in rows {
            for contender in &mut row.contenders {
                black_box((contender.pass)());
                counted(contender);
                println!("{}\t{}\t{}", row.name, contender.name, row.messages);
            }
        }
        return Ok(());
    }

    for corpus in [&session].into_iter().chain(&respelled).chain(&kinds) {
        parsers::check(corpus)?;
    }
    for size in READS {
        stacks::check(&frames, size)?;
    }
    let (rounds, turn) = if args.quick { (15, 200) } else { (200, 500) };
    let effort = Effort { rounds: args.rounds.unwrap_or(rounds), turn: Duration::from_micros(turn) };
    println!(
        "Parsing a message, as multiples of sonic-rs (its time in ns): comfyglow's decoder whole and in pieces of so many \
         bytes, all events subscribed to; then the others, whole"
    );
    let mut figures = print("parsing", &mut parsing, effort)?;
    println!(
        "\nFrom a socket's bytes to a state, as multiples of tokio-tungstenite with serde_json, typed: comfyglow's session \
         as `watch` and `replay` drive it, all events subscribed to, a subscriber told of all"
    );
    figures += &print("to a state", &mut stacks, effort)?;
    println!(
        "\nAll parsers found the same in each message, both stacks the same state. Time on a processor, medians of {} \
         interleaved rounds; half of the rounds lie in the range below a median.",
        effort.rounds
    );
    if let Some(file) = &args.figures {
        fs::write(file, figures).with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(())
}

/// Measures row by row and prints each when it is done; returns the figures that have a target.
fn print(what: &str, rows: &mut [Row<'_>], effort: Effort) -> Result<String> {
    let mut figures = String::new();
    let Some(names) = rows.first().map(|row| row.contenders.iter().map(|c| c.name.clone()).collect::<Vec<_>>()) else {
        return Ok(figures);
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
        let target = |name: &str| row.targets.iter().find(|(of, _)| *of == name).map(|(_, most)| *most);
        let line = |about: &str, cell: &dyn Fn(&str, &Speed) -> Option<String>| {
            print!("    {about:16} {:6} {:9}", "", "");
            for (name, speed) in names.iter().zip(&speeds).skip(1) {
                print!("  {:>1$}", cell(name, speed).unwrap_or_default(), width(name));
            }
            println!();
        };
        if !row.targets.is_empty() {
            line("from", &|_, speed| Some(format!("{:.2}", speed.middle_half.0)));
            line("to", &|_, speed| Some(format!("{:.2}", speed.middle_half.1)));
            line("to be at most", &|name, _| target(name).map(|most| format!("{most:.2}")));
        }
        for (name, Speed { ratio, .. }) in names.iter().zip(&speeds) {
            if let Some(most) = target(name) {
                writeln!(figures, "{what}, {}, {name}\t{ratio:.3}\t{most}", row.name)?;
            }
        }
    }
    Ok(figures)
}

#[expect(clippy::cast_precision_loss, reason = "a few thousand messages")]
fn messages(count: usize) -> f64 {
    count as f64
}
