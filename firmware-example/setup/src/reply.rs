//! What a gadget answers, read by a host.

/// The version of the line protocol. A host that finds a greater one asks to be updated.
pub const PROTOCOL: u16 = 1;

/// A line from a gadget. An answer is lines, the last of which is [`Ok`](Self::Ok) or [`Error`](Self::Error).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply<'a> {
    /// It is done, and the answer's end.
    Ok,
    /// It isn't done, for this reason, in words; and the answer's end.
    Error(&'a str),
    /// What [`Show`](crate::Command::Show) and [`Status`](crate::Command::Status) tell.
    Value {
        /// Its name: that of a setting, or another.
        name: &'a str,
        /// The value; of a secret, whether it is set.
        value: &'a str,
    },
    /// What firmware it is.
    Version {
        /// The firmware's version.
        version: &'a str,
        /// The chip that it runs on.
        chip: &'a str,
    },
    /// The version of the line protocol that it speaks.
    Protocol(u16),
    /// Said unasked, to people: no part of an answer.
    Hint(&'a str),
    /// Words to people, or what is no line of the protocol.
    Text(&'a str),
}

impl<'a> Reply<'a> {
    /// Reads a line, with its end or without.
    pub fn parse(line: &'a str) -> Self {
        let line = line.trim_matches(['\r', '\n']);
        if line == "ok" {
            return Self::Ok;
        }
        if let Some(hint) = line.strip_prefix('#') {
            return Self::Hint(hint.trim_start_matches(' '));
        }
        if let Some(words) = line.strip_prefix("error: ") {
            return Self::Error(words);
        }
        let text = Self::Text(line);
        if let Some(version) = line.strip_prefix("version comfyglow ") {
            return version.split_once(' ').map_or(text, |(version, chip)| Self::Version { version, chip });
        }
        if let Some(version) = line.strip_prefix("protocol ") {
            return version.parse().map_or(text, Self::Protocol);
        }
        match line.split_once('=') {
            Some((name, value)) if is_name(name) => Self::Value { name, value },
            _ => text,
        }
    }

    /// Whether it ends an answer.
    pub const fn is_last(&self) -> bool {
        matches!(self, Self::Ok | Self::Error(_))
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read() {
        for (line, reply) in [
            ("ok", Reply::Ok),
            ("ok\r\n", Reply::Ok),
            ("error: type help", Reply::Error("type help")),
            ("# comfyglow: not set up; type help", Reply::Hint("comfyglow: not set up; type help")),
            ("version comfyglow 0.1.0 esp32c3", Reply::Version { version: "0.1.0", chip: "esp32c3" }),
            ("version comfyglow", Reply::Text("version comfyglow")),
            ("protocol 1", Reply::Protocol(1)),
            ("protocol one", Reply::Text("protocol one")),
            ("ssid=a=b ", Reply::Value { name: "ssid", value: "a=b " }),
            ("leds-brightness=30", Reply::Value { name: "leds-brightness", value: "30" }),
            ("server=", Reply::Value { name: "server", value: "" }),
            ("I (3) boot=1", Reply::Text("I (3) boot=1")),
            ("okay", Reply::Text("okay")),
            ("", Reply::Text("")),
        ] {
            assert_eq!(Reply::parse(line), reply, "{line}");
            assert_eq!(reply.is_last(), matches!(reply, Reply::Ok | Reply::Error(_)));
        }
    }
}
