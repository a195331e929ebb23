//! What all tasks share: the session, and what it wants done.

use core::cell::{Cell, RefCell};

use comfyglow_core::{
    capacity::GadgetCapacity,
    session::{Config, Host, Link},
    state::Changes,
    state::{ConnectionStatus, NetworkDown, Prompt, PromptState},
    time::Instant,
    wire::{Input, Output, Wire},
};
use comfyglow_setup::Settings;
use comfyglow_ui::Choices;
use embassy_futures::select::{Either, select};
use embassy_sync::{blocking_mutex::raw::NoopRawMutex, signal::Signal};
use embassy_time::Timer;

#[cfg(feature = "leds")]
use crate::lights::Ends;
use crate::{line::Line, log::info, network::Network, start::Start};

/// Without LEDs nothing observes the session.
#[cfg(not(feature = "leds"))]
type Ends = ();

/// What all tasks share. They run in one executor, and none holds a borrow while it waits.
pub struct Gadget {
    pub(crate) settings: &'static Settings,
    pub(crate) session: &'static RefCell<Wire<'static, GadgetCapacity>>,
    pub(crate) choices: RefCell<Choices>,
    pub(crate) start: Start,
    pub(crate) network: Cell<Network>,
    /// The radio has joined a network.
    pub(crate) joined: Cell<bool>,
    /// That changed.
    pub(crate) radio: Signal<NoopRawMutex, ()>,
    /// Somebody has seen why it started.
    pub(crate) has_read: Cell<bool>,
    pub(crate) socket: Line,
    pub(crate) http: Line,
    /// What was kept has been taken in, or there is nothing.
    pub(crate) restored: Signal<NoopRawMutex, ()>,
    /// Something is worth keeping.
    pub(crate) worthy: Signal<NoopRawMutex, ()>,
    /// There is something else to see.
    pub(crate) repaint: Signal<NoopRawMutex, ()>,
    /// The ends of prompts, for the LEDs.
    pub(crate) ends: RefCell<Ends>,
    /// Somebody wants it off.
    pub(crate) leaving: Signal<NoopRawMutex, ()>,
    pub(crate) left: Signal<NoopRawMutex, ()>,
    deadline: Signal<NoopRawMutex, Option<Instant>>,
    told: Cell<(Option<ConnectionStatus>, Option<PromptState>)>,
}

impl Gadget {
    /// The session with the server of `settings`. `seed` is random, another at each start: ids are made of it. It stands
    /// apart, as it is large: what holds it would be built on the stack beside it.
    #[inline]
    pub fn session(settings: &'static Settings, seed: u64) -> RefCell<Wire<'static, GadgetCapacity>> {
        RefCell::new(Wire::<GadgetCapacity>::new(Config::new(settings.server()), seed))
    }

    /// A gadget that has this session with the server of `settings`, and started so.
    pub fn new(
        settings: &'static Settings,
        session: &'static RefCell<Wire<'static, GadgetCapacity>>,
        start: Start,
    ) -> Self {
        let gadget = Self {
            settings,
            session,
            choices: RefCell::new(Choices::new()),
            start,
            network: Cell::new(Network::Starting),
            joined: Cell::new(false),
            radio: Signal::new(),
            has_read: Cell::new(false),
            socket: Line::new(),
            http: Line::new(),
            restored: Signal::new(),
            worthy: Signal::new(),
            repaint: Signal::new(),
            ends: RefCell::default(),
            leaving: Signal::new(),
            left: Signal::new(),
            deadline: Signal::new(),
            told: Cell::new((None, None)),
        };
        // Nobody has told it anything yet, so time does not matter. The observer is the same as later, as the session's
        // code is there once for each type of observer.
        let offline = Input::Host(Host::Offline(NetworkDown::Joining));
        session.borrow_mut().handle_input_with(Instant::ZERO, offline, &mut *gadget.ends.borrow_mut());
        gadget
    }

    /// Tells the session the time, when it wants to know it. To be run as a task.
    pub async fn keep_time(&self) -> ! {
        let mut deadline = None;
        loop {
            match select(self.deadline.wait(), until(deadline)).await {
                Either::First(next) => deadline = next,
                Either::Second(()) => self.tell(Input::Host(Host::Wake)),
            }
        }
    }

    /// Ends once the gadget is off: it left the server, and has kept what was to be kept.
    pub async fn off(&self) {
        self.left.wait().await;
    }

    /// Tells the session what happened, and has done what it wants.
    pub(crate) fn tell(&self, input: Input<'_>) {
        let session = &mut *self.session.borrow_mut();
        let ends = &mut *self.ends.borrow_mut();
        session.handle_input_with(now(), input, ends);
        loop {
            match session.poll_output_with(now(), ends) {
                Output::Dial(link) => self.line(link).dial(),
                Output::Send(link, bytes) => self.line(link).send(bytes),
                Output::Close(link) => self.line(link).hang_up(),
                Output::Changed(changes) => self.changed(changes),
                Output::Sleep(deadline) => break self.deadline.signal(deadline),
            }
        }
        self.report(session);
    }

    /// The way that `link` takes.
    pub(crate) const fn line(&self, link: Link) -> &Line {
        match link {
            Link::Socket => &self.socket,
            Link::Http => &self.http,
        }
    }

    fn changed(&self, changes: Changes) {
        self.repaint.signal(());
        if changes.has(Changes::PROMPT) {
            self.worthy.signal(());
        }
    }

    /// Logs what a person would want to know.
    fn report(&self, session: &Wire<'_, GadgetCapacity>) {
        let connection = session.state().connection();
        let prompt = session.state().prompt().map(Prompt::state);
        let (status, before) = self.told.replace((Some(connection.status), prompt));
        if status != Some(connection.status) {
            info!("connection: {}", connection.status.name());
            if let Some(fault) = connection.fault {
                info!("fault: {}", fault.message());
            }
        }
        if before != prompt {
            info!("prompt: {}", prompt.map_or("none", PromptState::name));
        }
    }
}

/// The moment, as the core counts.
pub(crate) fn now() -> Instant {
    embassy_time::Instant::now().into()
}

/// Waits until `deadline`, or for ever.
async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => Timer::at(deadline.into()).await,
        None => core::future::pending().await,
    }
}
