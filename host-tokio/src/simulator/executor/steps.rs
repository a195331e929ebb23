//! A node's steps: its time, what it tells, and what it writes to the terminal meanwhile.

use super::{Run, failure::Stop};
use crate::simulator::{
    logs::{Bar, Unit},
    messages::NodeName,
    work::Work,
};

/// In how many parts a download comes.
const PARTS: u64 = 8;

/// What other nodes and libraries write, more or less: colours, half blocks, a wide character and one in pieces,
/// percentages that are no progress, the cursor sent about. U+FFFE becomes half a character.
const NOISE: [&[&str]; 6] = [
    &["\u{1b}[38;5;208m[SomeNode]\u{1b}[0m \u{1b}[1m100%\u{1b}[22m done 🎉 9/9\n"],
    &["▀▄▌▐ ░▒▓ 3/7 |█\n", "\u{1b}[2K\u{1b}[1G"],
    &["\u{fffe}\u{fffe} ", "cut", "\u{fffd} 50%|\n"],
    &["\u{1b}]0;a title 12/20\u{7}", "\u{1b}[?25l\u{1b}[?25h"],
    &["\r\n", "100%|", " of the cache is full [00:00<\n"],
    &["進捗 50% 👩\u{200d}🚀\t\u{8}\u{0}\n"],
];

impl Run<'_> {
    /// The node's steps, or its time where it has none.
    pub(super) async fn steps(&mut self, name: &NodeName, work: &Work) -> Result<(), Stop> {
        let shared = self.shared;
        if work.expands > 0 || work.texts.len() > 1 {
            return Ok(());
        }
        for entries in &work.writes.log {
            for entry in entries {
                shared.logs.write(entry);
            }
            shared.logs.flush();
        }
        if let Some((file, bytes)) = &work.writes.download {
            self.download(name, file, *bytes, work.ms).await?;
        }
        if work.writes.loads_model {
            shared.logs.info("model weight dtype torch.float32, manual cast: None");
            shared.logs.info("model_type EPS");
            self.model_is_loaded = false;
        }
        if work.steps == 0 {
            shared.pace.wait(work.ms).await;
            return Ok(());
        }
        if work.samples && !self.model_is_loaded {
            shared.logs.info("Requested to load BaseModel");
            shared.logs.info(if shared.options.version.tells_megabytes() {
                "loaded completely;  3.82 MB loaded, full load: True"
            } else {
                "loaded completely 9.5367431640625e+25 3.8154296875 True"
            });
            self.model_is_loaded = true;
        }
        let mut bar = work.draws().then(|| {
            let bar = Bar::new(work.steps);
            let bar = work.writes.bar.iter().fold(bar, Bar::described);
            bar.cut(work.writes.noise).start(&shared.logs)
        });
        let result = self.each_step(name, work, bar.as_mut()).await;
        if let Some(bar) = bar {
            bar.close(&shared.logs);
        }
        result
    }

    async fn each_step(&mut self, name: &NodeName, work: &Work, mut bar: Option<&mut Bar>) -> Result<(), Stop> {
        let shared = self.shared;
        let mut since_told = f64::INFINITY;
        for done in 1..=work.steps {
            if bar.is_some() {
                self.part_by_part(work).await;
            }
            if let Some(bar) = &mut bar {
                bar.pass(work.ms);
            }
            // A progress bar drops what comes soon after the last one, unless it's the last or has a preview.
            let dropped =
                shared.options.version.throttled() && since_told < 100.0 && done < work.steps && work.preview.is_none();
            if dropped {
                self.check_interrupted(name)?;
            } else {
                self.step(name, (done, work.steps), work.preview.map(|format| (format, work.bytes)))?;
                since_told = 0.0;
            }
            if work.fails_at == Some(done) && work.fails.is_some() {
                return Ok(());
            }
            since_told += work.ms;
            match &mut bar {
                Some(bar) => bar.advance(done, &shared.logs),
                None => shared.pace.wait(work.ms).await,
            }
            if work.writes.noise {
                let noise = usize::try_from(done).ok().and_then(|done| NOISE.get(done % NOISE.len()));
                for text in noise.into_iter().copied().flatten() {
                    shared.logs.write(text);
                }
                shared.logs.flush();
            }
        }
        Ok(())
    }

    /// Waits for a step, which may have parts, with a bar of their own.
    #[expect(clippy::cast_precision_loss, reason = "they are few")]
    async fn part_by_part(&self, work: &Work) {
        let shared = self.shared;
        if work.writes.parts == 0 {
            shared.pace.wait(work.ms).await;
            return;
        }
        let mut bar = Bar::new(work.writes.parts).nested().start(&shared.logs);
        for part in 1..=work.writes.parts {
            let ms = work.ms / work.writes.parts as f64;
            shared.pace.wait(ms).await;
            bar.pass(ms);
            bar.advance(part, &shared.logs);
        }
        bar.close(&shared.logs);
    }

    async fn download(&self, name: &NodeName, file: &str, bytes: u64, ms: f64) -> Result<(), Stop> {
        let logs = &self.shared.logs;
        let mut bar = Bar::new(bytes).described(file).counting(Unit::Bytes).start(logs);
        let mut result = Ok(());
        for part in 1..=PARTS {
            self.shared.pace.wait(ms).await;
            bar.pass(ms);
            result = self.check_interrupted(name);
            if result.is_err() {
                break;
            }
            bar.advance(if part == PARTS { bytes } else { bytes / PARTS * part }, logs);
        }
        bar.close(logs);
        result
    }
}

/// How long a prompt took, as ComfyUI writes it.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it was not negative")]
pub(super) fn executed_in(ms: f64, knows_hours: bool) -> String {
    let seconds = ms / 1000.0;
    if seconds > 600.0 && knows_hours {
        // Of a day and more, only what is over the day, as `strftime` has it.
        let whole = seconds as u64 % 86_400;
        format!("Prompt executed in {:02}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60)
    } else {
        format!("Prompt executed in {seconds:.2} seconds")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_spelled_as_comfyui_does() {
        assert_eq!(executed_in(7340.0, true), "Prompt executed in 7.34 seconds");
        assert_eq!(executed_in(600_000.0, true), "Prompt executed in 600.00 seconds");
        assert_eq!(executed_in(725_900.0, true), "Prompt executed in 00:12:05");
        assert_eq!(executed_in(725_900.0, false), "Prompt executed in 725.90 seconds");
        assert_eq!(executed_in(90_061_000.0, true), "Prompt executed in 01:01:01");
    }
}
