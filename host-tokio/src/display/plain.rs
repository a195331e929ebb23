//! Progress told line by line, where nothing can be drawn in place.

use comfyglow_core::{
    state::{ConnectionStatus, Fault, ObserveMode, PromptState, Source},
    view::{PromptView, View},
};

use super::text::{clean, follows, next_attempt, short_id};

/// Tells what is worth a line: the connection, a prompt's start, each node.
#[derive(Debug, Default)]
pub struct Teller {
    connection: Option<Told>,
    prompt: Option<String>,
    node: Option<String>,
    waiting: bool,
    way: Option<ObserveMode>,
}

/// What was told of the connection last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    Connecting,
    Connected,
    Waiting(Option<Fault>, u32),
}

impl Teller {
    /// The lines that are due, after `view` changed.
    pub fn tell(&mut self, view: &View<'_>, server: &str) -> Vec<String> {
        let mut lines = Vec::from_iter(self.tell_connection(view, server));
        if let Some(way) = view.connection.way.filter(|way| self.way != Some(*way)) {
            self.way = Some(way);
            lines.push(format!("follows {}", follows(way)));
        }
        if let Some(prompt) = view.prompt.as_ref().filter(|prompt| prompt.state == PromptState::Running) {
            self.waiting = false;
            self.prompt(prompt, view.connection.source == Source::Logs, &mut lines);
            return lines;
        }
        self.prompt = None;
        self.node = None;
        // An end that is only guessed isn't told yet, and of prompts that are queued the next one starts at once.
        let guessed = view.prompt.as_ref().is_some_and(|prompt| prompt.state == PromptState::Ended);
        if view.queue_remaining == Some(0) && view.is_connected() && !guessed && !self.waiting {
            self.waiting = true;
            lines.push("waiting for a prompt (queue: 0)".to_owned());
        }
        lines
    }

    /// The line that is due where the connection changed.
    pub fn tell_connection(&mut self, view: &View<'_>, server: &str) -> Option<String> {
        let connection = view.connection;
        let told = match connection.status {
            ConnectionStatus::Connected => Told::Connected,
            // Of further attempts it was told when they would be.
            ConnectionStatus::Connecting if self.connection.is_some() => return None,
            ConnectionStatus::Connecting => Told::Connecting,
            ConnectionStatus::Disconnected | ConnectionStatus::Error => {
                // The command's last words tell why it is over.
                connection.waiting?;
                Told::Waiting(connection.fault, connection.attempt)
            }
        };
        if self.connection.replace(told) == Some(told) {
            return None;
        }
        match told {
            Told::Connected => Some(format!("connected to {}", clean(server))),
            Told::Connecting => Some(format!("connecting to {}", clean(server))),
            Told::Waiting(fault, _) => {
                let fault = fault.map_or("disconnected", Fault::message);
                Some(format!("{fault}; {}", next_attempt(view)?))
            }
        }
    }

    fn prompt(&mut self, prompt: &PromptView<'_>, inferred: bool, lines: &mut Vec<String>) {
        let id = prompt.prompt_id.unwrap_or("prompt");
        if self.prompt.as_deref() != Some(id) {
            self.prompt = Some(id.to_owned());
            self.node = None;
            let joined = if prompt.prompt_id.is_none() { ", since before we came" } else { "" };
            lines.push(format!("{}  runs{joined}", short_id(id, false)));
        }
        let Some(node) = prompt.current_node.filter(|node| self.node.as_deref() != Some(*node)) else { return };
        self.node = Some(node.to_owned());
        let percentage = prompt.percentage.map(|percentage| format!("{:>3} %  ", percentage.permille() / 10));
        let class = prompt.current_class.map(|class| clean(class) + " ").unwrap_or_default();
        let known = if inferred { ", inferred from the log" } else { "" };
        let percentage = percentage.unwrap_or_default();
        lines.push(format!("{}  {percentage}{class}#{}{known}", short_id(id, false), clean(node)));
    }
}
