use std::{io, time::Duration};

use comfyglow::{
    display::Ink,
    doctor::{Doctor, Finding, Mark, Step, Verdict},
    sink::{Lines, Sink},
};
use serde_json::json;

use super::{
    Exit,
    interrupt::Interrupt,
    steps::step,
    watch::{unwritable, written},
};

/// Find out what is wrong between here and a ComfyUI server, or could be better
///
/// Goes from the address to the WebSocket and the server's log, step by step, and says what to do about what it finds; at
/// the end, how `comfyglow watch` will follow prompts here. It changes nothing at the server.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  comfyglow doctor                        the ComfyUI on this machine
  comfyglow doctor https://host/comfy     one behind a proxy
  comfyglow doctor --json | jq -r 'select(.result == \"wrong\").advice'

A line of --json is a step: step, result (ok, better, wrong, skipped), message, advice or null.
The last line's step is verdict, and its follows is extension, logs, polling or nothing.

Exit statuses:
  0 all is well, or could be better; 4 something is wrong; 2 the address is; 130 Ctrl-C")]
pub(super) struct Args {
    /// The server: http://host:port/path, or host, or host:port
    #[arg(default_value = "http://127.0.0.1:8188")]
    url: String,
    /// Print each step as a line of JSON
    #[arg(long)]
    json: bool,
    /// How long a step may take
    #[arg(long, value_name = "SECONDS", default_value_t = 10.0, value_parser = seconds)]
    timeout: f64,
}

pub(super) fn seconds(text: &str) -> Result<f64, String> {
    let seconds = super::number(text)?;
    if seconds > 0.0 && seconds <= 3_600.0 {
        Ok(seconds)
    } else {
        Err("it is more than 0, and 3600 at most".to_owned())
    }
}

pub(super) async fn run(args: Args) -> anyhow::Result<Exit> {
    let mut interrupt = Interrupt::new()?;
    let sink = Sink::spawn(Lines(io::stdout()));
    let mut printer = Printer { sink: &sink, json: args.json, skipped: Vec::new() };
    let mut doctor = Doctor::new(args.url, Duration::from_secs_f64(args.timeout));
    let mut exit = None;
    let verdict = tokio::select! {
        verdict = doctor.examine(|finding| printer.finding(finding)) => Some(verdict),
        signal = interrupt.wait() => {
            exit = Some(signal);
            None
        }
        error = sink.failed() => {
            exit = Some(unwritable(&error, true));
            None
        }
    };
    if let Some(verdict) = &verdict {
        printer.verdict(verdict);
    } else {
        tokio::select! {
            () = doctor.leave() => {}
            // Asked twice: not even a good-bye to the server.
            signal = interrupt.wait() => exit = Some(signal),
        }
    }
    if let Err(error) = written(sink.end(), &mut interrupt, &mut exit).await {
        exit.get_or_insert(unwritable(&error, true));
    }
    let of_verdict = match verdict {
        Some(verdict) if verdict.wrong == Some(Step::Address) => Exit::Usage,
        Some(verdict) if verdict.mark == Mark::Wrong => Exit::Lost,
        _ => Exit::Success,
    };
    Ok(exit.unwrap_or(of_verdict))
}

/// Writes findings as they come.
struct Printer<'a> {
    sink: &'a Sink,
    json: bool,
    /// Steps that were skipped one behind the other, and why.
    skipped: Vec<(&'static str, String)>,
}

impl Printer<'_> {
    fn finding(&mut self, finding: &Finding) {
        let Finding { step, mark, message, advice, .. } = finding;
        if self.json {
            let line = json!({"step": step.name(), "result": mark.name(), "message": message, "advice": advice});
            return self.sink.line(line.to_string(), false);
        }
        // Those with the same reason share a line.
        if *mark != Mark::Skipped || self.skipped.last().is_some_and(|(_, why)| why != message) {
            self.tell_skipped();
        }
        if *mark == Mark::Skipped {
            return self.skipped.push((step.name(), message.clone()));
        }
        self.tell(*mark, step.name(), Ink::Plain, message, advice.as_deref());
    }

    fn verdict(&mut self, verdict: &Verdict) {
        let Verdict { follows, mark, message, advice, .. } = verdict;
        if self.json {
            let line = json!({
                "step": "verdict", "result": mark.name(), "message": message, "advice": advice, "follows": follows.name(),
            });
            return self.sink.line(line.to_string(), false);
        }
        self.tell_skipped();
        self.sink.line(String::new(), false);
        self.tell(*mark, "verdict", Ink::Bold, message, Some(advice));
    }

    fn tell_skipped(&mut self) {
        let skipped = std::mem::take(&mut self.skipped);
        let Some((_, why)) = skipped.first() else { return };
        let names: Vec<_> = skipped.iter().map(|(name, _)| *name).collect();
        self.tell(Mark::Skipped, "skipped", Ink::Dim, &format!("{}: {why}", names.join(", ")), None);
    }

    fn tell(&self, mark: Mark, name: &str, ink: Ink, message: &str, advice: Option<&str>) {
        for line in step(mark, name, ink, message, advice) {
            self.sink.line(line, false);
        }
    }
}
