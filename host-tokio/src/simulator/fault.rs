//! What can go wrong with a server, or on the way to it: the faults' names, and when they strike.

use std::{fmt, str::FromStr, time::Duration};

/// A fault that a simulated server has, made of a text:
///
/// ```
/// use comfyglow::simulator::Fault;
///
/// # fn main() -> Result<(), comfyglow::simulator::ParseFaultError> {
/// let busy: Fault = "status:503/20,times=2".parse()?;
/// let lost: Fault = "stall,after=12".parse()?;
/// # Ok(()) }
/// ```
///
/// A name of [`Fault::LIST`] and its argument, then when it strikes:
///
/// | part | meaning |
/// |---|---|
/// | `after=N` | amid a socket, behind its N-th message; without it most strike before the handshake is answered |
/// | `times=N` | only so often; without it always |
/// | `on=http` | plain requests instead of sockets; `on=all`: both |
///
/// Of several faults that a socket can have at the same point, the one given first has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub(super) kind: Kind,
    pub(super) after: Option<u32>,
    pub(super) times: Option<u32>,
    pub(super) on: On,
}

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Refuse(Option<Duration>),
    Mute,
    Reset,
    End,
    Garbage,
    Drip,
    AcceptKey,
    Redirect(String),
    Status(u16, Option<u32>),
    NoJobs,
    AnswerLost,
    Truncated,
    Masked,
    Huge(u64),
    Close(u16),
    Deaf,
    Restart,
}

/// Which requests it concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum On {
    Sockets,
    Http,
    All,
}

impl On {
    pub(super) fn concerns(self, socket: bool) -> bool {
        match self {
            Self::All => true,
            Self::Sockets => socket,
            Self::Http => !socket,
        }
    }
}

/// Why a text is no [`Fault`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseFaultError(String);

impl fmt::Display for ParseFaultError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ParseFaultError {}

impl Fault {
    /// The faults with their arguments, and what each does.
    pub const LIST: [(&'static str, &'static str); 18] = [
        ("refuse[:MS]", "nobody listens for so many milliseconds, or from then on"),
        ("half-open", "a connection is accepted and nothing is ever answered"),
        ("reset", "the connection is reset"),
        ("end", "the connection ends without a word"),
        ("garbage", "what nobody can read comes as the answer, or amid messages"),
        ("drip", "from then on each byte comes alone"),
        ("accept-key", "the handshake is answered as if another key had been sent"),
        ("redirect[:URL]", "302 to another address"),
        ("status:CODE[/SECONDS]", "an answer such as 401 or 503, Retry-After where seconds are given"),
        ("no-jobs", "/api/jobs is not there, as on old servers"),
        ("answer-lost", "a plain request is carried out, and reset before its answer"),
        ("stall", "nothing comes any more, and nothing ends"),
        ("truncated", "the connection ends within a frame"),
        ("masked", "a frame is masked, as only a client's may be"),
        ("huge[:BYTES]", "a frame claims that length, by default 2^63, and never ends"),
        ("close[:CODE]", "the socket is closed with the code, or without one"),
        ("deaf", "pings are answered, and nothing else is sent any more"),
        ("restart", "the server begins anew: queue and history are forgotten"),
    ];
}

/// What `text` is as a number; else what was wanted.
fn number<T: FromStr>(text: &str, what: &str) -> Result<T, ParseFaultError> {
    text.parse().map_err(|_| ParseFaultError(format!("{what} must be a number, not {text:?}")))
}

fn kind(name: &str, arg: Option<&str>) -> Result<Kind, ParseFaultError> {
    let kind = match (name, arg) {
        ("refuse", ms) => {
            Kind::Refuse(ms.map(|ms| number(ms, "the milliseconds")).transpose()?.map(Duration::from_millis))
        }
        ("half-open" | "stall", None) => Kind::Mute,
        ("reset", None) => Kind::Reset,
        ("end", None) => Kind::End,
        ("garbage", None) => Kind::Garbage,
        ("drip", None) => Kind::Drip,
        ("accept-key", None) => Kind::AcceptKey,
        ("redirect", url) => Kind::Redirect(url.unwrap_or("/elsewhere").to_owned()),
        ("status", Some(arg)) => {
            let (code, seconds) = arg.split_once('/').map_or((arg, None), |(code, seconds)| (code, Some(seconds)));
            let code = number(code, "the status")?;
            if !(200..=599).contains(&code) {
                return Err(ParseFaultError(format!("no server answers {code}; statuses are from 200 to 599")));
            }
            Kind::Status(code, seconds.map(|seconds| number(seconds, "the seconds")).transpose()?)
        }
        ("no-jobs", None) => Kind::NoJobs,
        ("answer-lost", None) => Kind::AnswerLost,
        ("truncated", None) => Kind::Truncated,
        ("masked", None) => Kind::Masked,
        ("huge", bytes) => Kind::Huge(bytes.map_or(Ok(1 << 63), |bytes| number(bytes, "the length"))?),
        ("close", code) => Kind::Close(code.map_or(Ok(0), |code| number(code, "the code"))?),
        ("deaf", None) => Kind::Deaf,
        ("restart", None) => Kind::Restart,
        _ => {
            let with = |(usage, _): &&(&str, &str)| usage.split(['[', ':']).next() == Some(name);
            return Err(ParseFaultError(match Fault::LIST.iter().find(with) {
                Some((usage, _)) => format!("it is written {usage}"),
                None => format!("there is no fault {name:?}; --help lists them"),
            }));
        }
    };
    Ok(kind)
}

impl FromStr for Fault {
    type Err = ParseFaultError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.split(',');
        let named = parts.next().unwrap_or_default();
        let (name, arg) = named.split_once(':').map_or((named, None), |(name, arg)| (name, Some(arg)));
        let kind = kind(name, arg)?;
        let on = if matches!(kind, Kind::NoJobs | Kind::AnswerLost) { On::Http } else { On::Sockets };
        let mut fault = Self { kind, after: None, times: None, on };
        for part in parts {
            match part.split_once('=') {
                Some(("after", count)) => fault.after = Some(number(count, "after")?),
                Some(("times", count)) => fault.times = Some(number(count, "times")?),
                Some(("on", "http")) => fault.on = On::Http,
                Some(("on", "all")) => fault.on = On::All,
                _ => return Err(ParseFaultError(format!("{part:?} is neither after=N, times=N, on=http nor on=all"))),
            }
        }
        let amid_only = name == "stall"
            || matches!(
                fault.kind,
                Kind::Truncated | Kind::Masked | Kind::Huge(_) | Kind::Close(_) | Kind::Deaf | Kind::Restart
            );
        let before_only = name == "half-open"
            || matches!(
                fault.kind,
                Kind::Refuse(_)
                    | Kind::AcceptKey
                    | Kind::Redirect(_)
                    | Kind::Status(..)
                    | Kind::NoJobs
                    | Kind::AnswerLost
            );
        if amid_only {
            fault.after.get_or_insert(0);
        }
        if before_only && fault.after.is_some() {
            return Err(ParseFaultError(format!("{name} strikes before there are messages: after=N has no meaning")));
        }
        if fault.after.is_some() && fault.on != On::Sockets {
            return Err(ParseFaultError(format!("{name} strikes amid sockets only: on=… has no meaning")));
        }
        if matches!(fault.kind, Kind::Refuse(_)) && (fault.times.is_some() || fault.on != On::Sockets) {
            return Err(ParseFaultError("refuse concerns all connections: only its milliseconds end it".to_owned()));
        }
        Ok(fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Fault {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn texts_are_read() {
        let fault = |kind, after, times, on| Fault { kind, after, times, on };
        for (text, expected) in [
            ("reset", fault(Kind::Reset, None, None, On::Sockets)),
            ("reset,after=3", fault(Kind::Reset, Some(3), None, On::Sockets)),
            ("status:503/20,times=2,on=all", fault(Kind::Status(503, Some(20)), None, Some(2), On::All)),
            ("stall", fault(Kind::Mute, Some(0), None, On::Sockets)),
            ("half-open,on=http", fault(Kind::Mute, None, None, On::Http)),
            ("refuse:50", fault(Kind::Refuse(Some(Duration::from_millis(50))), None, None, On::Sockets)),
            ("redirect:http://a:1/b", fault(Kind::Redirect("http://a:1/b".to_owned()), None, None, On::Sockets)),
            ("close:1012,after=1", fault(Kind::Close(1012), Some(1), None, On::Sockets)),
            ("no-jobs", fault(Kind::NoJobs, None, None, On::Http)),
        ] {
            assert_eq!(parsed(text), expected, "{text}");
        }
    }

    #[test]
    fn what_has_no_meaning_is_told() {
        for (text, said) in [
            ("fire", "there is no fault \"fire\""),
            ("status", "it is written status:CODE[/SECONDS]"),
            ("status:99", "statuses are from 200 to 599"),
            ("deaf:1", "it is written deaf"),
            ("close:soon", "the code must be a number"),
            ("reset,times", "neither after=N"),
            ("redirect,after=1", "before there are messages"),
            ("deaf,on=http", "amid sockets only"),
            ("refuse,times=1", "only its milliseconds"),
        ] {
            let error = text.parse::<Fault>().expect_err(text).to_string();
            assert!(error.contains(said), "{text}: {error}");
        }
    }

    #[test]
    fn each_that_is_listed_is_there() {
        for (usage, _) in Fault::LIST {
            let name = usage.split(['[', ':']).next().unwrap_or_default();
            parsed(if name == "status" { "status:503" } else { name });
        }
    }
}
