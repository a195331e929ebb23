use std::{
    env,
    path::{Path, PathBuf},
    time::Duration,
};

use comfyglow::{
    board::{BoardError, Chip, Dialogue, Firmware, Image, Port, Shown, Wire, Writing, write},
    display::{Ink, Line, filled, look},
    doctor::Mark,
};
use tokio::{sync::mpsc, task};

use super::{
    Exit,
    interrupt::Interrupt,
    setup::{Board, Desk, Given, Stop, Wanted, choose, open, tell_board},
};

/// How long firmware that may be there already may take to answer.
const ALREADY: Duration = Duration::from_secs(3);
/// How long fresh firmware may take to its first answer.
const FRESH: Duration = Duration::from_secs(30);

/// Columns of the bar.
const BAR: usize = 30;

/// Write comfyglow onto an ESP32 with a display, and set it up
///
/// Finds the board and its image, asks for what is missing (Wi-Fi, server), writes and reads back, sets the board up, and
/// follows it to its first connection. What was set before stays. With --dry-run it does all but the writing, and needs no
/// board.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  cargo xtask esp32                        makes the image, in comfyglow's folder
  comfyglow flash --dry-run                what would be done; needs no board
  comfyglow flash                          writes it, asks for Wi-Fi and server
  comfyglow flash ssid=Home --password-file wifi.txt server=192.168.1.20:8188 leds=8

A password on the command line is seen by others; it is asked for, or read from --password-file or the
variable COMFYGLOW_WIFI_PASSWORD. It is never shown.

A line of --json is a step: step (image, port, board, settings, server, plan, writing, saved, network, connection,
result), result (ok, better, wrong, skipped), message, advice or null.

Exit statuses:
  0 the display shows what its server does, or --dry-run found nothing wrong, 2 wrong usage, or an image that can't be
  used, 4 the board is set up, but doesn't reach its network or server, 6 the board can't be reached or written,
  130 Ctrl-C")]
pub(super) struct Args {
    #[command(flatten)]
    given: Given,
    /// The board's serial port, such as /dev/ttyACM0 or COM3 [default: it is looked for]
    #[arg(long, value_name = "PORT")]
    port: Option<String>,
    /// The board's chip, such as esp32c3 or esp32c6 [default: the board tells]
    #[arg(long, value_name = "CHIP", value_parser = chip)]
    chip: Option<Chip>,
    /// The image to write, an ELF file [default: target/esp32/comfyglow-CHIP.elf, as cargo xtask esp32 makes it]
    #[arg(long, value_name = "FILE")]
    image: Option<PathBuf>,
    /// Do all but the writing
    #[arg(long)]
    dry_run: bool,
    /// Print each step as a line of JSON, and ask nothing
    #[arg(long)]
    json: bool,
    /// How long the board may take to its first connection
    #[arg(long, value_name = "SECONDS", default_value_t = 60.0, value_parser = super::doctor::seconds)]
    timeout: f64,
}

fn chip(text: &str) -> Result<Chip, String> {
    text.parse().map_err(|_| "it is one of Espressif's, such as esp32c3 or esp32c6".to_owned())
}

pub(super) async fn run(args: Args) -> anyhow::Result<Exit> {
    let mut interrupt = Interrupt::new()?;
    let mut desk = Desk::new(args.json);
    let result = tokio::select! {
        result = flash(&args, &mut desk) => result,
        signal = interrupt.wait() => Ok(signal),
    };
    Ok(desk.end(result))
}

async fn flash(args: &Args, desk: &mut Desk) -> Result<Exit, Stop> {
    let mut wanted = Wanted::given(&args.given, desk)?;
    let images = images(args)?;
    for image in &images {
        desk.well("image", format!("for an {}, {} KB", image.chip, image.size().div_ceil(1024)));
    }
    let port = match choose(args.port.as_deref(), desk).await {
        Ok(port) => Some(port),
        Err(Stop::Step { message, advice, .. }) if args.dry_run => {
            desk.tell("port", Mark::Better, &message, Some(&advice));
            None
        }
        Err(stop) => return Err(stop),
    };
    let shown = match &port {
        Some(port) => already(port, desk).await?,
        None => None,
    };
    let has_radio = shown.as_ref().is_none_or(Shown::has_radio);
    let shown = shown.unwrap_or_default();
    match wanted.complete(&shown, has_radio, desk).await {
        // What is missing stops nobody who only looks.
        Err(Stop::Step { message, advice, .. }) if args.dry_run => {
            desk.tell("settings", Mark::Better, &message, Some(&advice));
        }
        result => result?,
    }
    wanted.check_server(&shown, desk).await?;
    tell_plan(&images, port.as_ref(), &wanted, desk);
    let (Some(port), false) = (port, args.dry_run) else {
        desk.well("result", "Nothing was written: this was a dry run.");
        return Ok(Exit::Success);
    };
    written(&port, images, desk).await?;
    let (dialogue, firmware) = open_again(&port).await?;
    tell_board(&port, &firmware, desk);
    let board = Board { dialogue, patience: Duration::from_secs_f64(args.timeout) };
    board.finish(&wanted, desk).await
}

/// The images that may be meant: the one that is named, or those that were made, each for a chip.
fn images(args: &Args) -> Result<Vec<Image>, Stop> {
    let wrong = Stop::board("image");
    if let Some(file) = &args.image {
        return Ok(vec![Image::read(file, args.chip).map_err(wrong)?]);
    }
    let chips =
        args.chip.map_or_else(|| vec![Chip::Esp32c3, Chip::Esp32c6, Chip::Esp32, Chip::Esp32s3], |chip| vec![chip]);
    let made = chips.iter().filter_map(|chip| Some((*chip, made(&Image::file(*chip))?)));
    let images: Result<Vec<_>, _> = made.map(|(chip, file)| Image::read(&file, Some(chip))).collect();
    let images = images.map_err(&wrong)?;
    if images.is_empty() {
        let file = chips.first().map(|chip| Image::file(*chip).display().to_string()).unwrap_or_default();
        return Err(wrong(BoardError::NoImage(file)));
    }
    Ok(images)
}

/// A file of the project's, looked for from here upwards.
pub(super) fn made(file: &Path) -> Option<PathBuf> {
    let here = env::current_dir().ok()?;
    here.ancestors().map(|folder| folder.join(file)).find(|file| file.is_file())
}

/// What is set on a board that has comfyglow already.
async fn already(port: &Port, desk: &mut Desk) -> Result<Option<Shown>, Stop> {
    let (dialogue, firmware) = match open(port, ALREADY).await {
        Ok(open) => open,
        Err(BoardError::Silent { .. } | BoardError::Newer(_)) => {
            desk.tell(
                "board",
                Mark::Skipped,
                &format!("no comfyglow answers yet at {} ({})", port.name, port.what),
                None,
            );
            return Ok(None);
        }
        Err(error) => return Err(Stop::board("port")(error)),
    };
    tell_board(port, &firmware, desk);
    let mut board = Board { dialogue, patience: ALREADY };
    let shown = board.shown(desk).await;
    board.dialogue.close().await;
    shown.map(Some)
}

/// Tells what will be written, and where.
fn tell_plan(images: &[Image], port: Option<&Port>, wanted: &Wanted, desk: &mut Desk) {
    let place = port.map_or("the board", |port| &port.name);
    for image in images {
        for part in &image.parts {
            let (name, size) = (part.name, part.bytes.len().div_ceil(1024));
            desk.well("plan", format!("{}: {name}, {size} KB at {:#08x} of {place}'s flash", image.chip, part.offset));
        }
        let written: Vec<_> = image.parts.iter().map(|part| part.offset).collect();
        for kept in image.partitions.iter().filter(|partition| !written.contains(&partition.offset)) {
            let (name, size) = (&kept.name, kept.size.div_ceil(1024));
            desk.tell(
                "plan",
                Mark::Skipped,
                &format!("{name}, {size} KB at {:#08x}, stays as it is", kept.offset),
                None,
            );
        }
    }
    let words = wanted.words();
    let words = if words.is_empty() { "stay as they are".to_owned() } else { words };
    desk.well("plan", format!("settings, over the serial line: {words}"));
}

/// Writes the board's image, and shows how far it is.
async fn written(board: &Port, images: Vec<Image>, desk: &mut Desk) -> Result<(), Stop> {
    let (tell, mut news) = mpsc::unbounded_channel();
    let (of_thread, all) = (board.clone(), images.clone());
    let writing = task::spawn_blocking(move || {
        write(&of_thread, &all, &mut |writing| {
            // Nobody listens any more: what is begun goes on.
            let _ = tell.send(writing);
        })
    });
    desk.draw(Some("  waiting for the chip".to_owned()));
    let mut parts = Vec::new();
    while let Some(writing) = news.recv().await {
        match writing {
            Writing::Begun(chip) => {
                parts =
                    images.iter().find(|image| image.chip == chip).map(|image| image.parts.clone()).unwrap_or_default();
                desk.draw(None);
                desk.well("writing", format!("the chip answers: an {chip}"));
            }
            Writing::Part { part, done, of } => {
                desk.draw(Some(bar(parts.get(part).map_or("", |part| part.name), done, of)));
            }
            Writing::Verifying(part) => {
                desk.draw(Some(format!("  {}: reading back", parts.get(part).map_or("", |part| part.name))));
            }
            Writing::Written { part, was_there } => {
                desk.draw(None);
                let name = parts.get(part).map_or("", |part| part.name);
                desk.well("writing", format!("{name} {}", if was_there { "was there already" } else { "written" }));
            }
        }
    }
    desk.draw(None);
    let result = writing.await.unwrap_or_else(|error| Err(BoardError::Write(error.to_string())));
    result.map(drop).map_err(Stop::board("writing"))
}

/// Waits for what was written to start.
async fn open_again(port: &Port) -> Result<(Dialogue, Firmware), Stop> {
    let wrong = Stop::board("board");
    // A chip with USB in it goes and comes back.
    let dialogue = Dialogue::new(Wire::open_within(&port.name, FRESH).await.map_err(&wrong)?);
    dialogue.again(FRESH).await.map_err(wrong)
}

fn bar(name: &str, done: usize, of: usize) -> String {
    let look = look();
    let mut line = Line::new().with(Ink::Plain, format!("  {name:<11}"));
    line.append(&filled(done as u64, of as u64, BAR, look));
    line.push(Ink::Bold, format!(" {:>3} %", 100 * done / of.max(1)));
    line.ansi(look.colours)
}
