//! What kind of screen a scene calls for.

use comfyglow_core::{
    state::{ConnectionStatus, Fault, FaultKind, PromptState, Source, WaitingFor},
    view::View,
};

use crate::{
    ink::Tone,
    scene::{Network, Scene},
};

/// What kind of screen it is. LEDs know no more than this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Starting,
    Joining,
    NoNetwork,
    Unset,
    Notice,
    Connecting,
    Offline,
    Circuit,
    Busy,
    Courtesy,
    Person,
    Idle,
    Running,
    Done,
    Failed,
    Stopped,
    Ended,
}

impl Kind {
    /// What a scene is about.
    ///
    /// What needs a person comes first, then an outcome nobody dismissed, which outlives the link: it is what one looks
    /// at the display for. A prompt that runs is shown as far as it is known, and no longer.
    #[inline(never)]
    pub(crate) fn of(scene: &Scene<'_>) -> Self {
        if scene.notice.is_some() {
            return Self::Notice;
        }
        let view = scene.view.as_ref();
        let prompt = view.and_then(|view| view.prompt.as_ref());
        let fault = view.and_then(|view| view.connection.fault);
        if scene.network == Network::Up && fault.is_some_and(Fault::needs_a_person) {
            return Self::Person;
        }
        if let Some(prompt) = prompt.filter(|prompt| scene.choices.shows(prompt)) {
            match prompt.state {
                PromptState::Success => return Self::Done,
                PromptState::Error => return Self::Failed,
                PromptState::Interrupted => return Self::Stopped,
                PromptState::Ended if prompt.is_settled => return Self::Ended,
                // How it ended is known in a moment.
                PromptState::Ended | PromptState::Running => {}
            }
        }
        match scene.network {
            Network::Starting => return Self::Starting,
            Network::Joining { .. } => return Self::Joining,
            Network::Lost { .. } => return Self::NoNetwork,
            Network::Unset => return Self::Unset,
            Network::Up => {}
        }
        let Some(view) = view else { return Self::Connecting };
        let runs = prompt.is_some_and(|prompt| match prompt.state {
            PromptState::Running => true,
            PromptState::Ended => !prompt.is_settled,
            _ => false,
        });
        if view.is_connected() || is_answered(view) {
            return match view.connection.waiting.map(|waiting| waiting.why) {
                _ if runs => Self::Running,
                Some(WaitingFor::Courtesy) => Self::Courtesy,
                _ if view.is_connected() => Self::Idle,
                _ => Self::Offline,
            };
        }
        match (view.connection.waiting.map(|waiting| waiting.why), view.connection.status) {
            (Some(WaitingFor::Circuit), _) => Self::Circuit,
            (Some(WaitingFor::Server), _) => Self::Busy,
            (Some(WaitingFor::Courtesy), _) => Self::Courtesy,
            (_, ConnectionStatus::Connecting) => Self::Connecting,
            (_, ConnectionStatus::Error) => Self::Person,
            _ => Self::Offline,
        }
    }

    /// Whether it tells of a prompt, whatever the connection does.
    pub(crate) const fn is_of_a_prompt(self) -> bool {
        matches!(self, Self::Running | Self::Done | Self::Failed | Self::Stopped | Self::Ended)
    }

    #[cfg(test)]
    pub(crate) const ALL: [Self; 17] = [
        Self::Starting,
        Self::Joining,
        Self::NoNetwork,
        Self::Unset,
        Self::Notice,
        Self::Connecting,
        Self::Offline,
        Self::Circuit,
        Self::Busy,
        Self::Courtesy,
        Self::Person,
        Self::Idle,
        Self::Running,
        Self::Done,
        Self::Failed,
        Self::Stopped,
        Self::Ended,
    ];

    /// The one word for it.
    pub(crate) const fn head(self) -> &'static str {
        match self {
            Self::Starting => "Starting",
            Self::Joining => "Joining",
            Self::NoNetwork => "No network",
            Self::Unset => "Not set up",
            Self::Notice => "Restarted",
            Self::Connecting => "Connecting",
            Self::Offline => "Offline",
            Self::Circuit => "Resting",
            Self::Busy => "Busy",
            Self::Courtesy => "Too slow",
            Self::Person => "Check setup",
            Self::Idle => "Ready",
            Self::Running => "Working",
            Self::Done => "Done",
            Self::Failed => "Failed",
            Self::Stopped => "Stopped",
            Self::Ended => "Ended",
        }
    }

    /// That word where there is little room.
    pub(crate) const fn short_head(self) -> &'static str {
        match self {
            Self::NoNetwork => "No net",
            Self::Connecting => "Calling",
            Self::Person | Self::Unset => "Setup",
            Self::Notice => "Reset",
            kind => kind.head(),
        }
    }

    /// Its sign, a picture of the icons' fonts.
    pub(crate) const fn icon(self) -> &'static str {
        match self {
            Self::Joining | Self::NoNetwork => "w",
            Self::Starting | Self::Connecting | Self::Running => "n",
            Self::Offline => "o",
            Self::Circuit | Self::Busy | Self::Courtesy => "p",
            Self::Person | Self::Notice => "!",
            Self::Unset | Self::Idle => "i",
            Self::Done => "d",
            Self::Failed => "e",
            Self::Stopped => "s",
            Self::Ended => "?",
        }
    }

    pub(super) const fn tone(self) -> Tone {
        match self {
            Self::Starting | Self::Joining | Self::Unset | Self::Connecting | Self::Running => Tone::Accent,
            Self::Idle => Tone::Dim,
            Self::Done => Tone::Good,
            Self::Failed | Self::Person => Tone::Bad,
            Self::NoNetwork
            | Self::Notice
            | Self::Offline
            | Self::Circuit
            | Self::Busy
            | Self::Courtesy
            | Self::Stopped
            | Self::Ended => Tone::Warn,
        }
    }
}

/// Whether the server answers questions, though the socket is away.
fn is_answered(view: &View<'_>) -> bool {
    let fault = view.connection.fault.map(|fault| fault.kind);
    view.connection.source != Source::Websocket
        && matches!(fault, Some(FaultKind::Overrun | FaultKind::Protocol | FaultKind::NotComfyUi | FaultKind::Deaf))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scene::Choices;
    use comfyglow_core::{
        api::{Item, JobStatus},
        capacity::GadgetCapacity,
        reducer::{Action, apply},
        state::{NetworkDown, State, Waiting},
        text::Id,
        time::Instant,
        view::PromptView,
    };

    const UP: Network<'static> = Network::Up;
    const GONE: Network<'static> = Network::Lost { name: None, why: NetworkDown::SignalLost };

    /// What it is about, where the connection is so, and the prompt fares so.
    fn kind(
        network: Network<'_>,
        (status, fault, why): (ConnectionStatus, Option<FaultKind>, Option<WaitingFor>),
        prompt: Option<PromptState>,
    ) -> Kind {
        let state = State::<GadgetCapacity>::new();
        let mut connection = *state.connection();
        connection.status = status;
        connection.fault = fault.map(Fault::new);
        connection.waiting = why.map(|why| Waiting { until: Instant::ZERO, why });
        connection.source = Source::Polling;
        let prompt = prompt.map(PromptView::new);
        let view = View { connection: &connection, prompt, ..state.view(Instant::ZERO) };
        let choices = Choices::new();
        Kind::of(&Scene {
            network,
            server: "",
            view: Some(view),
            percentage: None,
            sparkline: None,
            choices: &choices,
            notice: None,
        })
    }

    #[test]
    fn an_end_is_shown_once_it_is_known_how() {
        let mut state = State::<GadgetCapacity>::new();
        let prompt_id = Id::from("p");
        let ended = |status| Action::Response {
            since: State::<GadgetCapacity>::new().socket_generation(),
            item: Item::Prompt { prompt_id, status },
        };
        for (action, said) in [
            (Action::Established, Kind::Idle),
            (ended(JobStatus::Running), Kind::Running),
            (ended(JobStatus::Ended), Kind::Running),
            (ended(JobStatus::Ended), Kind::Ended),
        ] {
            apply(&mut state, Instant::ZERO, action, &mut ());
            let view = Some(state.view(Instant::ZERO));
            let choices = Choices::new();
            let scene = Scene {
                network: UP,
                server: "",
                view,
                percentage: None,
                sparkline: None,
                choices: &choices,
                notice: None,
            };
            assert_eq!(Kind::of(&scene), said, "{action:?}");
        }
    }

    #[test]
    fn what_matters_most_is_said() {
        use ConnectionStatus::{Connected, Connecting, Disconnected, Error};
        let lost = |fault, why| (Disconnected, Some(fault), Some(why));
        let (fine, refused) = ((Connected, None, None), (Error, Some(FaultKind::Refused(401)), None));
        let offline = lost(FaultKind::Unreachable, WaitingFor::Backoff);
        let slow = lost(FaultKind::Overrun, WaitingFor::Courtesy);
        let [runs, done, failed] = [PromptState::Running, PromptState::Success, PromptState::Error].map(Some);
        for (network, connection, prompt, said) in [
            (UP, fine, None, Kind::Idle),
            (UP, fine, runs, Kind::Running),
            (UP, fine, done, Kind::Done),
            (UP, refused, done, Kind::Person),
            (GONE, refused, None, Kind::NoNetwork),
            (GONE, offline, failed, Kind::Failed),
            (GONE, fine, runs, Kind::NoNetwork),
            (Network::Starting, (Connecting, None, None), None, Kind::Starting),
            (UP, (Connecting, None, None), None, Kind::Connecting),
            (UP, (Connecting, Some(FaultKind::Closed), None), runs, Kind::Connecting),
            (UP, offline, None, Kind::Offline),
            (UP, offline, runs, Kind::Offline),
            (UP, offline, done, Kind::Done),
            (UP, (Error, Some(FaultKind::Unreachable), Some(WaitingFor::Circuit)), runs, Kind::Circuit),
            (UP, lost(FaultKind::Refused(429), WaitingFor::Server), None, Kind::Busy),
            (UP, slow, None, Kind::Courtesy),
            (UP, slow, runs, Kind::Running),
            (UP, lost(FaultKind::NotComfyUi, WaitingFor::Backoff), runs, Kind::Running),
        ] {
            assert_eq!(kind(network, connection, prompt), said, "{network:?} {connection:?} {prompt:?}");
        }
    }
}
