//! What the findings come to.

use super::finding::{Mark, Report, Step};

/// How `comfyglow watch` follows the prompts that other clients submit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Follows {
    /// By the extension: all of it.
    Extension,
    /// By the server's log: the steps of samplers, and how prompts ended.
    Logs,
    /// By asking: which prompt runs, and how it ended.
    Polling,
    /// Not at all.
    Nothing,
}

impl Follows {
    /// The word for programs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Extension => "extension",
            Self::Logs => "logs",
            Self::Polling => "polling",
            Self::Nothing => "nothing",
        }
    }

    const fn message(self) -> &'static str {
        match self {
            Self::Extension => {
                "comfyglow watch follows everybody's prompts by the extension: nodes, steps, errors and ends"
            }
            Self::Logs => {
                "comfyglow watch follows others' prompts by the server's log: the steps of samplers, which prompt runs and how it ended"
            }
            Self::Polling => {
                "comfyglow watch follows others' prompts by asking: which prompt runs and how it ended, but no steps"
            }
            Self::Nothing => "comfyglow watch can't follow this server",
        }
    }
}

/// What an examination came to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verdict {
    /// How others' prompts are followed here.
    pub follows: Follows,
    /// The worst mark of all steps.
    pub mark: Mark,
    /// The step that is worst, where one is wrong: the first of them.
    pub wrong: Option<Step>,
    /// How others' prompts are followed here, in words.
    pub message: String,
    /// The one thing that is of most use now.
    pub advice: String,
}

/// What could be better, what helps most first.
const BY_USE: [Step; 9] = [
    Step::Extension,
    Step::Log,
    Step::Address,
    Step::Ping,
    Step::Http,
    Step::Version,
    Step::Jobs,
    Step::Features,
    Step::Queue,
];

/// What the findings come to.
pub(super) fn of(report: &Report<'_>) -> Verdict {
    let is_wrong = |step| report.of(Mark::Wrong).any(|finding| finding.step == step);
    let follows = if report.is_final || !report.is_ok(Step::Queue) {
        Follows::Nothing
    } else if ![Step::Status, Step::Hearing].iter().all(|step| report.is_ok(*step)) || is_wrong(Step::Ping) {
        Follows::Polling
    } else if report.is_ok(Step::Extension) {
        Follows::Extension
    } else if report.is_ok(Step::Log) {
        Follows::Logs
    } else {
        Follows::Polling
    };
    let wrong = report.of(Mark::Wrong).next();
    let better = || BY_USE.iter().find_map(|step| report.of(Mark::Better).find(|finding| finding.step == *step));
    let advice = wrong.or_else(better).and_then(|finding| finding.advice.as_deref());
    let mark = match wrong {
        Some(_) => Mark::Wrong,
        None if report.of(Mark::Better).next().is_some() => Mark::Better,
        None => Mark::Ok,
    };
    Verdict {
        follows,
        mark,
        wrong: wrong.map(|finding| finding.step),
        message: follows.message().to_owned(),
        advice: advice.unwrap_or("Nothing needs to be done: run comfyglow watch with this address.").to_owned(),
    }
}
