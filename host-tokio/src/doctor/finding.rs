//! What was found out, step by step.

/// A step of the examination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// Whether the address can be read.
    Address,
    /// Which numbers the name has.
    Name,
    /// Whether somebody takes connections there.
    Tcp,
    /// Whether it is the server that is meant, where the address says `https`.
    Tls,
    /// Whether ComfyUI answers requests.
    Http,
    /// Which ComfyUI it is.
    Version,
    /// What it says that it can do.
    Features,
    /// Whether it tells its queue.
    Queue,
    /// Whether it tells how prompts ended in few words.
    Jobs,
    /// Whether comfyglow's extension passes everybody's progress on.
    Extension,
    /// Whether a WebSocket can be opened.
    WebSocket,
    /// Whether the server greets it under our client id.
    Status,
    /// How long the way there and back takes.
    Ping,
    /// Whether messages for this client reach it.
    Hearing,
    /// Whether the server tells its log.
    Log,
}

impl Step {
    /// All of them, in the order in which they are taken.
    pub const ALL: [Self; 15] = [
        Self::Address,
        Self::Name,
        Self::Tcp,
        Self::Tls,
        Self::Http,
        Self::Version,
        Self::Features,
        Self::Queue,
        Self::Jobs,
        Self::Extension,
        Self::WebSocket,
        Self::Status,
        Self::Ping,
        Self::Hearing,
        Self::Log,
    ];

    /// The step's word for programs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Name => "name",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::Http => "http",
            Self::Version => "version",
            Self::Features => "features",
            Self::Queue => "queue",
            Self::Jobs => "jobs",
            Self::Extension => "extension",
            Self::WebSocket => "websocket",
            Self::Status => "status",
            Self::Ping => "ping",
            Self::Hearing => "hearing",
            Self::Log => "log",
        }
    }
}

/// How a step went, from what is well to what is worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mark {
    /// It could not be taken, or there was no need to.
    Skipped,
    /// All is well.
    Ok,
    /// It works, and could be better.
    Better,
    /// It doesn't work.
    Wrong,
}

impl Mark {
    /// The mark's word for programs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Skipped => "skipped",
            Self::Ok => "ok",
            Self::Better => "better",
            Self::Wrong => "wrong",
        }
    }
}

/// What came of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// The step.
    pub step: Step,
    /// How it went.
    pub mark: Mark,
    /// What was found, in a few words. A password or token is never in it.
    pub message: String,
    /// What to do about it; there where the mark is [`Mark::Better`] or [`Mark::Wrong`].
    pub advice: Option<String>,
}

/// The findings so far.
pub(super) struct Report<'a> {
    tell: &'a mut (dyn FnMut(&Finding) + Send),
    findings: Vec<Finding>,
    /// `comfyglow watch` would not try again, as what is wrong needs a person.
    pub(super) is_final: bool,
}

impl<'a> Report<'a> {
    pub(super) fn new(tell: &'a mut (dyn FnMut(&Finding) + Send)) -> Self {
        Self { tell, findings: Vec::new(), is_final: false }
    }

    pub(super) fn ok(&mut self, step: Step, message: impl Into<String>) {
        self.add(step, Mark::Ok, message.into(), None);
    }

    pub(super) fn skip(&mut self, step: Step, message: impl Into<String>) {
        self.add(step, Mark::Skipped, message.into(), None);
    }

    pub(super) fn better(&mut self, step: Step, message: impl Into<String>, advice: impl Into<String>) {
        self.add(step, Mark::Better, message.into(), Some(advice.into()));
    }

    pub(super) fn wrong(&mut self, step: Step, message: impl Into<String>, advice: impl Into<String>) {
        self.add(step, Mark::Wrong, message.into(), Some(advice.into()));
    }

    /// Skips the steps that were not taken.
    pub(super) fn skip_rest(&mut self) {
        let why = self.of(Mark::Wrong).last().map_or("", |finding| finding.step.name());
        let why = format!("not before {why} is right");
        for step in Step::ALL {
            if self.find(step).is_none() {
                self.skip(step, why.as_str());
            }
        }
    }

    /// What came of `step`, where it was taken.
    pub(super) fn find(&self, step: Step) -> Option<&Finding> {
        self.findings.iter().find(|finding| finding.step == step)
    }

    /// Whether `step` was taken and all is well.
    pub(super) fn is_ok(&self, step: Step) -> bool {
        self.find(step).is_some_and(|finding| finding.mark == Mark::Ok)
    }

    /// What has this mark.
    pub(super) fn of(&self, mark: Mark) -> impl DoubleEndedIterator<Item = &Finding> {
        self.findings.iter().filter(move |finding| finding.mark == mark)
    }

    fn add(&mut self, step: Step, mark: Mark, message: String, advice: Option<String>) {
        let finding = Finding { step, mark, message, advice };
        (self.tell)(&finding);
        self.findings.push(finding);
    }
}
