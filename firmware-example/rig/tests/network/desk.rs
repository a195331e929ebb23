//! A gadget on a network in memory, with a clock that is a number.

use std::{
    cell::RefCell,
    future::Future,
    pin::Pin,
    rc::Rc,
    sync::{Mutex, MutexGuard},
};

use comfyglow_app::{
    Gadget, Radio, Resources, Settings, Start,
    core::{
        capacity::GadgetCapacity,
        session::Link,
        state::{ConnectionStatus, Fault, FaultKind, NetworkDown, Prompt, PromptState},
        wire::Wire,
    },
    network,
};
use comfyglow_rig::{cable::Cable, lan::Lan, nor::Nor};
use embassy_futures::poll_once;
use embassy_time::{Duration, Instant, MockDriver};

/// Milliseconds that pass at once.
const STEP: u64 = 20;

/// There is one clock, so one desk at a time.
static CLOCK: Mutex<()> = Mutex::new(());

type Task = Pin<Box<dyn Future<Output = ()>>>;

/// What a radio finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Air {
    /// The network is there, and takes the password.
    Clear,
    /// It can't be joined, or is lost.
    Bad(NetworkDown),
}

/// A radio by a script: it joins where the air is clear, and what it joins is the cable.
struct Script {
    air: Rc<RefCell<Air>>,
    cable: Cable,
    joins: Rc<RefCell<Vec<u64>>>,
}

impl Radio for Script {
    async fn join(&mut self, ssid: &str, password: &str) -> Result<(), NetworkDown> {
        assert_eq!((ssid, password), ("attic", "correct horse"));
        self.joins.borrow_mut().push(Instant::now().as_millis());
        match *self.air.borrow() {
            Air::Clear => {
                self.cable.plug(true);
                Ok(())
            }
            Air::Bad(why) => Err(why),
        }
    }

    async fn lost(&mut self) -> NetworkDown {
        core::future::poll_fn(|_| match *self.air.borrow() {
            Air::Clear => core::task::Poll::Pending,
            Air::Bad(why) => core::task::Poll::Ready(why),
        })
        .await
    }
}

/// A gadget and its network.
pub(crate) struct Desk {
    pub(crate) lan: Lan,
    pub(crate) cable: Cable,
    /// When the radio was to join, in milliseconds of the clock.
    pub(crate) joins: Rc<RefCell<Vec<u64>>>,
    session: &'static RefCell<Wire<'static, GadgetCapacity>>,
    air: Rc<RefCell<Air>>,
    tasks: Vec<Task>,
    _clock: MutexGuard<'static, ()>,
}

impl Desk {
    /// A gadget with a radio, whose server has this name.
    pub(crate) fn new(server: &str) -> Self {
        Self::with(server, true)
    }

    /// One with a cable.
    pub(crate) fn wired(server: &str) -> Self {
        Self::with(server, false)
    }

    fn with(server: &str, has_radio: bool) -> Self {
        let clock = CLOCK.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        MockDriver::get().reset();
        let cable = Cable::new();
        cable.plug(!has_radio);
        let mut settings = Settings::new();
        settings.set("server", server).unwrap();
        settings.set("ssid", "attic").unwrap();
        settings.set("password", "correct horse").unwrap();
        let settings: &'static Settings = Box::leak(Box::new(settings));
        let session: &'static RefCell<_> = Box::leak(Box::new(Gadget::session(settings, 1)));
        let start = Start { has_radio, seed: 1, ..Start::default() };
        let gadget: &'static Gadget = Box::leak(Box::new(Gadget::new(settings, session, start)));
        let (stack, mut runner) = network(cable.driver(), Box::leak(Box::new(Resources::new())), 1);
        let (air, joins) = (Rc::new(RefCell::new(Air::Clear)), Rc::default());
        let radio = Script { air: Rc::clone(&air), cable: cable.clone(), joins: Rc::clone(&joins) };
        let mut tasks: Vec<Task> = vec![
            Box::pin(async move { runner.run().await }),
            Box::pin(async move { gadget.keep(Nor::<2_048>::new(2, 0), 0..4_096).await }),
            Box::pin(async move { gadget.watch_network(stack).await }),
            Box::pin(async move { gadget.carry(Link::Socket, stack, &mut [0; 2_048], &mut [0; 1_024]).await }),
            Box::pin(async move { gadget.carry(Link::Http, stack, &mut [0; 1_536], &mut [0; 1_024]).await }),
            Box::pin(async move { gadget.keep_time().await }),
        ];
        if has_radio {
            tasks.push(Box::pin(async move { gadget.stay_joined(radio).await }));
        }
        let lan = Lan::new(cable.clone());
        Self { lan, cable, joins, session, air, tasks, _clock: clock }
    }

    /// What the radio finds from now on. Where the network is lost, so is what it carried.
    pub(crate) fn air(&self, air: Air) {
        *self.air.borrow_mut() = air;
        if air != Air::Clear {
            self.cable.plug(false);
        }
    }

    /// So many milliseconds pass.
    pub(crate) fn pass(&mut self, millis: u64) {
        for _ in 0..millis.div_ceil(STEP) {
            MockDriver::get().advance(Duration::from_millis(STEP));
            self.settle();
        }
    }

    /// Seconds pass until this is so; how many.
    #[track_caller]
    pub(crate) fn until(&mut self, most: u64, is: impl Fn(&Self) -> bool) -> u64 {
        for seconds in 0..most {
            if is(self) {
                return seconds;
            }
            self.pass(1_000);
        }
        assert!(is(self), "not within {most} s: {:?}", self.status());
        most
    }

    /// All that is to be done at this moment is done.
    fn settle(&mut self) {
        let now = i64::try_from(Instant::now().as_micros()).unwrap();
        for round in 0.. {
            assert!(round < 1_000, "they talk for ever: {:?}", self.status());
            let moved = self.cable.moved();
            for task in &mut self.tasks {
                assert!(poll_once(task.as_mut()).is_pending(), "a task ended");
            }
            self.lan.poll(now);
            if self.cable.moved() == moved {
                return;
            }
        }
    }

    pub(crate) fn status(&self) -> (ConnectionStatus, Option<FaultKind>) {
        let session = self.session.borrow();
        let connection = session.state().connection();
        (connection.status, connection.fault.map(|fault: Fault| fault.kind))
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.status() == (ConnectionStatus::Connected, None)
    }

    pub(crate) fn is(&self, kind: FaultKind) -> bool {
        self.status() == (ConnectionStatus::Disconnected, Some(kind))
    }

    pub(crate) fn is_offline(&self, why: NetworkDown) -> bool {
        self.is(FaultKind::Offline(why))
    }

    /// The prompt that is shown.
    pub(crate) fn prompt(&self) -> Option<(String, PromptState)> {
        let session = self.session.borrow();
        let prompt = session.state().prompt();
        prompt.map(|prompt| (prompt.prompt_id().map_or("", |id| id.as_str()).to_owned(), prompt.state()))
    }

    /// The step that is shown.
    pub(crate) fn step(&self) -> Option<i64> {
        let session = self.session.borrow();
        let steps = session.state().prompt().and_then(Prompt::steps);
        steps.map(|steps| steps.value.thousandths() / 1_000)
    }

    /// What the session knows of the queue.
    pub(crate) fn queue(&self) -> Option<usize> {
        self.session.borrow().state().queue_remaining().map(|queued| queued as usize)
    }
}
