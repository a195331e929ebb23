//! What is to be said of a scene, before it is known how large the display is.

mod kind;

pub(crate) use kind::Kind;

use comfyglow_core::{
    number::Milli,
    state::{Fault, NetworkDown, PromptState, Source, Steps},
    time::Duration,
    view::{ErrorView, PromptView, View},
};

use crate::{
    ink::Tone,
    scene::{Network, Notice, Page, Scene},
    sparkline::Sparkline,
};

/// A text that is put together.
pub(crate) type Said = heapless::String<32>;

/// All that is said.
#[derive(Debug)]
pub(crate) struct Story<'a> {
    pub(crate) kind: Kind,
    pub(crate) tone: Tone,
    pub(crate) icon: &'static str,
    /// The one word for it.
    pub(crate) head: &'static str,
    /// The figure beside that word: how long it took, how long until it is tried again.
    pub(crate) corner: Said,
    /// Who or what it is about.
    pub(crate) lead: Lead<'a>,
    /// What happened and what helps, as long as it may be.
    pub(crate) body: [&'a str; 3],
    /// What else is of interest, to the left and right of the last line.
    pub(crate) foot: [Said; 2],
    /// Prompts wait, or run.
    pub(crate) is_queued: bool,
    /// Something is being done of which nobody knows how long it takes.
    pub(crate) busy: bool,
    /// What runs.
    pub(crate) run: Option<Running<'a>>,
    /// How the rest is known, where not by the server's own messages.
    pub(crate) mark: Option<&'static str>,
}

/// Who or what it is about: a text, and a number or id behind it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Lead<'a>(pub(crate) [&'a str; 3]);

impl<'a> From<&'a str> for Lead<'a> {
    fn from(text: &'a str) -> Self {
        Self([text, "", ""])
    }
}

/// A prompt that runs.
#[derive(Debug)]
pub(crate) struct Running<'a> {
    /// Whole percents.
    pub(crate) percent: Option<u32>,
    /// The bar, in parts of 65,536.
    pub(crate) bar: Option<u32>,
    /// The node: its class, or its id.
    pub(crate) node: &'a str,
    /// `12/20`.
    pub(crate) steps: Said,
    /// The node's bar, in parts of 65,536.
    pub(crate) step_bar: Option<u32>,
    /// `1:24`; empty where it isn't known.
    pub(crate) eta: Said,
    /// The same where there is little room: `1h02`.
    pub(crate) short_eta: Said,
    /// Since its start; empty where that isn't known.
    pub(crate) elapsed: Said,
    /// Finished and cached nodes of all, as `3/9`; empty where the graph isn't known.
    pub(crate) nodes: Said,
    /// How long the server takes to answer a ping; empty where it isn't known.
    pub(crate) ping: Said,
    /// How it is known.
    pub(crate) source: &'static str,
    /// Prompts that wait behind it.
    pub(crate) waiting: u32,
    pub(crate) page: Page,
    pub(crate) sparkline: Option<&'a Sparkline>,
}

impl Running<'_> {
    /// What waits behind it, or how many nodes are done.
    pub(crate) fn foot(&self) -> Said {
        let mut line = Said::new();
        if self.waiting > 0 {
            say(&mut line, "+");
            number(&mut line, self.waiting);
            say(&mut line, " queued");
        } else if !self.nodes.is_empty() {
            line.clone_from(&self.nodes);
            say(&mut line, " nodes");
        }
        line
    }
}

impl<'a> Story<'a> {
    #[inline(never)]
    pub(crate) fn of(scene: &Scene<'a>) -> Self {
        let kind = Kind::of(scene);
        let mut story = Self {
            kind,
            tone: kind.tone(),
            icon: kind.icon(),
            head: kind.head(),
            corner: Said::new(),
            lead: scene.server.into(),
            body: [""; 3],
            foot: [Said::new(), Said::new()],
            is_queued: scene.view.as_ref().is_some_and(|view| view.queue_remaining.is_some_and(|queued| queued > 0)),
            busy: false,
            run: None,
            mark: None,
        };
        match (kind, scene.network) {
            (Kind::Starting, _) => {
                story.lead = "comfyglow".into();
                story.busy = true;
            }
            (_, Network::Joining { name }) if kind == Kind::Joining => {
                story.lead = name.unwrap_or("the network").into();
                story.busy = true;
            }
            (_, Network::Lost { name, why }) if kind == Kind::NoNetwork => story.absence(name, why),
            (Kind::Unset, _) => {
                story.lead = "comfyglow".into();
                story.body =
                    ["Plug me into your computer and run ", "comfyglow flash", ", or type help on my USB serial port."];
            }
            (Kind::Connecting, _) => story.busy = true,
            _ => {}
        }
        if let Some(notice) = scene.notice {
            story.notice(notice);
        } else if let Some(view) = &scene.view {
            story.connection(view);
            if let Some(prompt) = &view.prompt {
                story.prompt(scene, view, prompt);
            }
        }
        story
    }

    /// What is to be said of the last start.
    fn notice(&mut self, notice: Notice<'a>) {
        self.lead = "I started again".into();
        (self.head, self.body) = match notice {
            Notice::Panic(place) => ("Crashed", ["Please report this fault of mine: ", place, ""]),
            Notice::BrownOut => ("Restarted", ["The voltage fell too low. Check the USB cable and supply.", "", ""]),
            Notice::Watchdog => ("Restarted", ["I hung for too long. Please report it if it comes again.", "", ""]),
        };
    }

    /// What is to be said of the network, which isn't there.
    fn absence(&mut self, name: Option<&'a str>, why: NetworkDown) {
        self.lead = name.unwrap_or("the network").into();
        // It is looked for again and again, but what is wrong is for a person to mend.
        self.busy = !matches!(why, NetworkDown::WrongPassword | NetworkDown::Refused | NetworkDown::NoLink);
        if why == NetworkDown::NoLink {
            // A cable has no waves.
            self.icon = Kind::Offline.icon();
        }
        let (head, body) = match why {
            NetworkDown::WrongPassword => {
                ("No access", ["Wrong Wi-Fi password. ", "Set it again: ", "comfyglow setup"])
            }
            NetworkDown::NotFound => {
                ("Not found", ["No Wi-Fi of this name in reach. ", "It must be one of 2.4 GHz.", ""])
            }
            NetworkDown::Refused => ("Refused", ["The Wi-Fi refuses me. ", "Look at its router.", ""]),
            NetworkDown::NoAddress => ("No address", ["Joined, but the router gives no address. ", "Is DHCP on?", ""]),
            NetworkDown::NoLink => ("No line", ["The network cable is unplugged.", "", ""]),
            _ => ("No network", ["The network is gone. It is joined again by itself.", "", ""]),
        };
        (self.head, self.body) = (head, body);
    }

    /// What is to be said of the connection.
    #[inline(never)]
    fn connection(&mut self, view: &View<'a>) {
        let connection = view.connection;
        self.mark = (connection.source != Source::Websocket).then(|| connection.source.name());
        if let Some(left) = view.next_attempt {
            countdown(&mut self.corner, left);
        }
        let fault = connection.fault;
        let message = fault.map_or("", Fault::message);
        // Displays of little room belong to devices of little flash, and would show it line by line.
        let advice = if cfg!(feature = "large") { fault.map_or("", Fault::advice) } else { "" };
        let then = if advice.is_empty() { "" } else { ". " };
        match self.kind {
            Kind::Connecting => {
                self.body = [message, "", ""];
                attempt(&mut self.foot[0], connection.attempt);
            }
            Kind::Offline => {
                self.body = [message, then, advice];
                attempt(&mut self.foot[0], connection.attempt);
            }
            Kind::Circuit => self.body = ["Too many tries failed: ", message, ""],
            Kind::Busy => self.body = ["The server asks us to wait: ", message, ""],
            Kind::Courtesy => {
                self.body = ["Left, not to hold up the server's other clients. ", "", advice];
            }
            Kind::Person => self.body = [message, then, advice],
            Kind::Idle => {
                self.corner.clear();
                match view.queue_remaining {
                    Some(0) => say(&mut self.foot[0], "queue empty"),
                    Some(queued) => {
                        number(&mut self.foot[0], queued);
                        say(&mut self.foot[0], " in queue");
                    }
                    None => {}
                }
            }
            _ => self.corner.clear(),
        }
        if self.kind.is_of_a_prompt() && !view.is_connected() {
            say(&mut self.foot[1], "offline");
        }
    }

    /// What is to be said of the prompt.
    #[inline(never)]
    fn prompt(&mut self, scene: &Scene<'a>, view: &View<'a>, prompt: &PromptView<'a>) {
        let percent = prompt.percentage.map(|percentage| percentage.permille() / 10);
        let [foot, _] = &mut self.foot;
        match self.kind {
            Kind::Running => {
                let steps = prompt.steps.filter(|steps| steps.max.thousandths() != 1_000);
                let shown = scene.percentage.or(prompt.percentage);
                let mut run = Running {
                    percent,
                    bar: shown
                        .filter(|_| percent.is_some())
                        .map(|percentage| share(percentage.millionths().into(), 100_000_000)),
                    node: prompt.current_class.or(prompt.current_node).unwrap_or(""),
                    steps: Said::new(),
                    step_bar: steps.map(step_share),
                    eta: Said::new(),
                    short_eta: Said::new(),
                    elapsed: Said::new(),
                    nodes: Said::new(),
                    ping: Said::new(),
                    source: view.connection.source.name(),
                    waiting: view.queue_remaining.unwrap_or(0).saturating_sub(1),
                    page: scene.choices.page(),
                    sparkline: scene.sparkline,
                };
                if let Some(Steps { value, max }) = steps {
                    whole(&mut run.steps, value);
                    say(&mut run.steps, "/");
                    whole(&mut run.steps, max);
                }
                if let Some(eta) = prompt.eta {
                    clock(&mut run.eta, eta);
                    short_clock(&mut run.short_eta, eta);
                }
                if let Some(elapsed) = prompt.elapsed {
                    clock(&mut run.elapsed, elapsed);
                }
                if let Some(latency) = view.latency {
                    number(&mut run.ping, u32::try_from(latency.nearest_millis()).unwrap_or(u32::MAX));
                    say(&mut run.ping, " ms");
                }
                if let Some(total) = prompt.nodes_total {
                    number(
                        &mut run.nodes,
                        prompt.nodes_finished.saturating_add(prompt.nodes_cached.unwrap_or(0)).min(total),
                    );
                    say(&mut run.nodes, "/");
                    number(&mut run.nodes, total);
                }
                self.run = Some(run);
            }
            Kind::Done | Kind::Stopped | Kind::Ended | Kind::Failed => {
                if let Some(elapsed) = prompt.elapsed {
                    clock(&mut self.corner, elapsed);
                }
                if view.is_connected()
                    && let Some(queued) = view.queue_remaining.filter(|&queued| queued > 0)
                {
                    number(foot, queued);
                    say(foot, " in queue");
                }
                self.outcome(prompt, percent);
            }
            Kind::Connecting | Kind::Offline if prompt.state == PromptState::Running => {
                if let Some(percent) = percent {
                    if !foot.is_empty() {
                        say(foot, " · ");
                    }
                    say(foot, "was at ");
                    number(foot, percent);
                    say(foot, "%");
                }
            }
            _ => {}
        }
    }

    #[inline(never)]
    fn outcome(&mut self, prompt: &PromptView<'a>, percent: Option<u32>) {
        let [foot, _] = &mut self.foot;
        match self.kind {
            Kind::Failed => {
                if let Some(ErrorView { node_id, node_type, exception_type, exception_message, .. }) = prompt.error {
                    self.lead = match (node_type, node_id) {
                        (Some(class), Some(id)) => Lead([class, " #", id]),
                        (Some(class), None) => class.into(),
                        (None, Some(id)) => Lead(["node", " #", id]),
                        (None, None) => "before any node ran".into(),
                    };
                    // Of `torch.cuda.OutOfMemoryError` the last part says it.
                    let last =
                        exception_type.bytes().rposition(|byte| byte == b'.').map_or(0, |dot| dot.saturating_add(1));
                    let kind = exception_type.get(last..).unwrap_or_default();
                    self.body = [kind, if exception_message.is_empty() { "" } else { ": " }, exception_message];
                }
            }
            Kind::Done => {
                self.lead = match prompt.warnings {
                    0 => "all went well".into(),
                    _ => "some nodes were blocked".into(),
                };
                if foot.is_empty()
                    && let Some(total) = prompt.nodes_total
                {
                    number(foot, total);
                    say(foot, if total == 1 { " node" } else { " nodes" });
                }
            }
            Kind::Stopped => self.lead = "was interrupted".into(),
            _ => self.lead = "no one saw how".into(),
        }
        if let (Kind::Stopped | Kind::Ended, Some(percent), true) = (self.kind, percent, foot.is_empty()) {
            say(foot, "at ");
            number(foot, percent);
            say(foot, "%");
        }
    }
}

/// `part` of `whole`, in parts of 65,536.
fn share(part: u64, whole: u64) -> u32 {
    part.min(whole).saturating_mul(65_536).checked_div(whole).and_then(|share| u32::try_from(share).ok()).unwrap_or(0)
}

fn step_share(steps: Steps) -> u32 {
    let [value, max] = [steps.value, steps.max].map(|milli| u64::try_from(milli.thousandths()).unwrap_or(0));
    share(value, max)
}

/// Adds `text`, as far as there is room.
#[inline(never)]
pub(crate) fn say(said: &mut Said, text: &str) {
    for c in text.chars() {
        let _ = said.push(c);
    }
}

/// Adds a number.
pub(crate) fn number(said: &mut Said, number: u32) {
    digits(said, number, 1);
}

/// Adds a number with at least so many digits.
#[inline(never)]
fn digits(said: &mut Said, number: u32, least: u32) {
    let mut power = 1_000_000_000_u32;
    let mut place = 10;
    while power > 0 {
        if number >= power || place <= least {
            let _ = said.push(char::from_digit(number / power % 10, 10).unwrap_or('0'));
        }
        power /= 10;
        place -= 1;
    }
}

/// Adds a step's whole part.
fn whole(said: &mut Said, step: Milli) {
    number(said, u32::try_from(step.thousandths().max(0) / 1_000).unwrap_or(u32::MAX));
}

/// Adds a span as a clock shows it: `0:07`, `12:34`, `1:02:03`; past 99 hours in days.
#[inline(never)]
fn clock(said: &mut Said, span: Duration) {
    let seconds = u32::try_from(span.as_micros() / 1_000_000).unwrap_or(u32::MAX);
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    if hours > 99 {
        number(said, hours / 24);
        say(said, " days");
        return;
    }
    if hours > 0 {
        number(said, hours);
        say(said, ":");
    }
    digits(said, minutes, if hours > 0 { 2 } else { 1 });
    say(said, ":");
    digits(said, seconds, 2);
}

/// Adds a span as a [`clock`] shows it, without seconds where there are hours: `1h02`.
fn short_clock(said: &mut Said, span: Duration) {
    let minutes = u32::try_from(span.as_micros() / 60_000_000).unwrap_or(u32::MAX);
    if !(60..6_000).contains(&minutes) {
        clock(said, span);
        return;
    }
    number(said, minutes / 60);
    say(said, "h");
    digits(said, minutes % 60, 2);
}

/// Adds how long it is yet: `4 s`, or as a clock where it is long.
#[inline(never)]
fn countdown(said: &mut Said, left: Duration) {
    let left = Duration::from_micros(left.as_micros().saturating_add(999_999));
    if left.as_micros() < 100_000_000 {
        number(said, u32::try_from(left.as_micros() / 1_000_000).unwrap_or(0));
        say(said, " s");
    } else {
        clock(said, left);
    }
}

/// Adds which attempt it is, where it isn't the first.
fn attempt(said: &mut Said, attempt: u32) {
    if attempt > 1 {
        say(said, "try ");
        number(said, attempt);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::String;

    fn said(build: impl FnOnce(&mut Said)) -> String {
        let mut said = Said::new();
        build(&mut said);
        String::from(said.as_str())
    }

    #[test]
    fn spans_are_as_short_as_they_can_be() {
        for (seconds, clocked) in [
            (0, "0:00"),
            (7, "0:07"),
            (84, "1:24"),
            (754, "12:34"),
            (3_723, "1:02:03"),
            (359_999, "99:59:59"),
            (360_000, "4 days"),
            (u64::MAX / 1_000_000, "49710 days"),
        ] {
            assert_eq!(said(|said| clock(said, Duration::from_secs(seconds))), clocked);
        }
        assert_eq!(said(|said| countdown(said, Duration::from_millis(3_001))), "4 s");
        assert_eq!(said(|said| countdown(said, Duration::from_secs(100))), "1:40");
    }

    #[test]
    fn numbers_are_told_to_their_last_digit() {
        for n in [0, 1, 9, 10, 99, 100, 65_536, u32::MAX] {
            assert_eq!(said(|said| number(said, n)), std::format!("{n}"));
        }
    }
}
