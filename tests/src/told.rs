//! What a decoder tells, as owned values that can be compared.

use comfyglow_core::{
    capacity::DesktopCapacity,
    event::{Decoder, Event, Handler, Interest, Part},
};

use crate::ServerMessage;

/// What a decoder told of one message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// The parts, in order; consecutive pieces of the same image or text are joined.
    pub parts: Vec<Said>,
    /// The events, of which a message has one.
    pub events: Vec<String>,
}

/// One part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// A whole part, written out.
    Part(String),
    /// Pieces of a log entry's text.
    Log(Vec<u8>),
    /// Pieces of a text that a node shows.
    ProgressText(Vec<u8>),
    /// Pieces of an image.
    Image(Vec<u8>),
}

impl Handler for Told {
    fn part(&mut self, part: Part<'_>) {
        let said = match (part, self.parts.last_mut()) {
            (Part::Log(piece), Some(Said::Log(text)))
            | (Part::ProgressText(piece), Some(Said::ProgressText(text)))
            | (Part::Image(piece), Some(Said::Image(text))) => return text.extend_from_slice(piece),
            (Part::Log(piece), _) => Said::Log(piece.to_vec()),
            (Part::ProgressText(piece), _) => Said::ProgressText(piece.to_vec()),
            (Part::Image(piece), _) => Said::Image(piece.to_vec()),
            (other, _) => Said::Part(format!("{other:?}")),
        };
        self.parts.push(said);
    }

    fn event(&mut self, event: Event<'_>) {
        self.events.push(format!("{event:?}"));
    }
}

/// A decoder that extracts everything, and is used for one message after the other.
#[derive(Debug)]
pub struct Teller(Box<Decoder<DesktopCapacity>>);

impl Default for Teller {
    fn default() -> Self {
        Self(Box::new(Decoder::new(Interest::ALL)))
    }
}

impl Teller {
    /// What is told of `message`, read in `pieces`, whose bytes it is made of.
    pub fn read<'a>(&mut self, message: &ServerMessage, pieces: impl IntoIterator<Item = &'a [u8]>) -> Told {
        let mut told = Told::default();
        match message {
            ServerMessage::Text(_) => {
                pieces.into_iter().for_each(|piece| self.0.text(piece, &mut told));
                self.0.end_text(&mut told);
            }
            ServerMessage::Binary(_) => {
                pieces.into_iter().for_each(|piece| self.0.binary(piece, &mut told));
                self.0.end_binary(&mut told);
            }
        }
        told
    }

    /// What is told of `message`, read at once.
    pub fn whole(&mut self, message: &ServerMessage) -> Told {
        self.read(message, [message.bytes()])
    }
}
