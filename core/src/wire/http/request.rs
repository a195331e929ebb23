//! Writes requests into the caller's buffer.

use core::fmt;

use super::is_token;
use crate::api::Method;

/// The target and the headers of a request.
///
/// # Examples
///
/// ```
/// # use comfyglow_core::{api::Method, wire::http::RequestHead};
/// let request = RequestHead { host: "127.0.0.1:8188", target: &["/comfy", "/queue"], headers: &[("X-Key", "1")] };
/// let mut out = [0; 256];
/// let len = request.write(Method::Get, &[], &mut out)?;
/// assert!(out[..len].starts_with(b"GET /comfy/queue HTTP/1.1\r\nHost: 127.0.0.1:8188\r\n"));
/// assert!(out[..len].ends_with(b"\r\nX-Key: 1\r\n\r\n"));
/// # Ok::<(), comfyglow_core::wire::http::RequestError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestHead<'a> {
    /// The value of `Host`: a name or address, with the port unless it is the scheme's default.
    pub host: &'a str,
    /// The parts of path and query, percent-encoded. The first begins with `/`.
    pub target: &'a [&'a str],
    /// The user's own headers, such as the `Authorization` for a proxy. Headers that the protocol itself sets are an
    /// error here.
    pub headers: &'a [(&'a str, &'a str)],
}

/// Headers that only this crate may write: a second one would change the request's meaning.
const RESERVED: [&str; 12] = [
    "host",
    "connection",
    "upgrade",
    "accept-encoding",
    "content-length",
    "transfer-encoding",
    "te",
    "expect",
    "sec-websocket-key",
    "sec-websocket-version",
    "sec-websocket-extensions",
    "sec-websocket-protocol",
];

/// Headers for an uncompressed response that ends the connection.
const PLAIN: [(&str, &str); 2] = [("Accept-Encoding", "identity"), ("Connection", "close")];

impl RequestHead<'_> {
    /// Writes the request and returns its length in bytes. It asks for a response that is not compressed and ends the
    /// connection. A `body` is JSON, given in parts; without parts there is none.
    ///
    /// # Errors
    ///
    /// A [`RequestError`] if a part is not allowed in a request or `out` is too small. Then `out` holds no request.
    pub fn write(&self, method: Method, body: &[&str], out: &mut [u8]) -> Result<usize, RequestError> {
        self.write_with(method.name(), &PLAIN, body, out)
    }

    /// Writes a GET with the headers of another protocol, then the user's own.
    pub(crate) fn write_upgrade(&self, protocol: &[(&str, &str)], out: &mut [u8]) -> Result<usize, RequestError> {
        self.write_with("GET", protocol, &[], out)
    }

    fn write_with(
        &self,
        method: &str,
        protocol: &[(&str, &str)],
        body: &[&str],
        out: &mut [u8],
    ) -> Result<usize, RequestError> {
        self.check()?;
        let mut writer = Writer { out, len: 0 };
        writer.put(&[method, " "]);
        writer.put(self.target);
        writer.put(&[" HTTP/1.1\r\nHost: ", self.host, "\r\n"]);
        for (name, value) in protocol.iter().chain(self.headers) {
            writer.put(&[name, ": ", value, "\r\n"]);
        }
        if !body.is_empty() {
            let len = body.iter().fold(0_usize, |len, part| len.saturating_add(part.len()));
            let digits = [len / 10_000 % 10, len / 1_000 % 10, len / 100 % 10, len / 10 % 10, len % 10]
                .map(|digit| b'0'.saturating_add(u8::try_from(digit).unwrap_or_default()));
            let digits = str::from_utf8(&digits).unwrap_or_default().trim_start_matches('0');
            writer.put(&["Content-Type: application/json\r\nContent-Length: ", digits, "\r\n"]);
        }
        writer.put(&["\r\n"]);
        writer.put(body);
        if writer.len > writer.out.len() { Err(RequestError::TooSmall { needed: writer.len }) } else { Ok(writer.len) }
    }

    /// Refuses bytes that would end a line or field early: with them a node's or a user's text could smuggle a second
    /// request to the server.
    fn check(&self) -> Result<(), RequestError> {
        let mut target = self.target.iter().flat_map(|part| part.bytes());
        if target.next() != Some(b'/') || !target.all(|byte| byte.is_ascii_graphic() && byte != b'#') {
            return Err(RequestError::Target);
        }
        if self.host.is_empty() || !self.host.bytes().all(|byte| byte.is_ascii_graphic() && !b"/?#@".contains(&byte)) {
            return Err(RequestError::Host);
        }
        for (index, (name, value)) in self.headers.iter().enumerate() {
            if name.is_empty() || !name.bytes().all(is_token) {
                return Err(RequestError::HeaderName { index });
            }
            if RESERVED.iter().any(|reserved| reserved.eq_ignore_ascii_case(name)) {
                return Err(RequestError::ReservedHeader { index });
            }
            if value.bytes().any(|byte| byte.is_ascii_control() && byte != b'\t') {
                return Err(RequestError::HeaderValue { index });
            }
        }
        Ok(())
    }
}

/// Writes the parts that fit and counts all, so that an error can name the needed length.
struct Writer<'a> {
    out: &'a mut [u8],
    len: usize,
}

impl Writer<'_> {
    #[inline(never)] // It is called for every part.
    fn put(&mut self, parts: &[&str]) {
        for part in parts {
            if let Some(slot) = self.out.get_mut(self.len..).and_then(|rest| rest.get_mut(..part.len())) {
                slot.copy_from_slice(part.as_bytes());
            }
            self.len = self.len.saturating_add(part.len());
        }
    }
}

/// Why a request can't be written: an error in the user's settings, or a small buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum RequestError {
    /// [`RequestHead::host`] is empty or has a character that is not allowed.
    Host,
    /// [`RequestHead::target`] does not begin with `/` or has a character that must be percent-encoded.
    Target,
    /// A header's name is empty or has a character that is not allowed.
    HeaderName {
        /// The header's index in [`RequestHead::headers`].
        index: usize,
    },
    /// A header's value has a control character.
    HeaderValue {
        /// The header's index in [`RequestHead::headers`].
        index: usize,
    },
    /// A header that only the protocol may set.
    ReservedHeader {
        /// The header's index in [`RequestHead::headers`].
        index: usize,
    },
    /// The buffer is too small for the request.
    TooSmall {
        /// The request's length in bytes.
        needed: usize,
    },
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host => f.write_str("the host in the settings is empty or has a character that is not allowed"),
            Self::Target => f.write_str(
                "the path in the settings must begin with /, and all but ASCII letters, digits and signs must be percent-encoded",
            ),
            Self::HeaderName { index } => {
                write!(f, "header {index} in the settings has a name that is empty or has a character that is not allowed")
            }
            Self::HeaderValue { index } => {
                write!(f, "header {index} in the settings has a line break or another control character in its value")
            }
            Self::ReservedHeader { index } => {
                write!(f, "header {index} in the settings is set by the connection itself: remove it")
            }
            Self::TooSmall { needed } => write!(f, "the request takes {needed} bytes, more than the buffer has"),
        }
    }
}

impl core::error::Error for RequestError {}

#[cfg(test)]
mod tests {
    use super::*;

    const QUEUE: RequestHead<'_> = RequestHead {
        host: "desk:8188",
        target: &["", "/comfy/queue", "?", "a=b"],
        headers: &[("Authorization", "Basic eDp5"), ("X-Note", "1\t2 ü")],
    };

    #[test]
    fn write_patch_has_the_body_and_its_length() {
        let mut out = [0; 300];
        let request = RequestHead { host: "desk", target: &["/internal/logs/subscribe"], headers: &[("X-Key", "1")] };
        let len = request.write(Method::Patch, &["{\"enabled\": ", "true}"], &mut out).unwrap();
        assert_eq!(
            str::from_utf8(&out[..len]).unwrap(),
            "PATCH /internal/logs/subscribe HTTP/1.1\r\nHost: desk\r\nAccept-Encoding: identity\r\nConnection: close\r\n\
             X-Key: 1\r\nContent-Type: application/json\r\nContent-Length: 17\r\n\r\n{\"enabled\": true}"
        );
        assert_eq!(request.write(Method::Patch, &["{\"enabled\": ", "true}"], &mut out[..len]), Ok(len));
        let short = request.write(Method::Patch, &["{\"enabled\": ", "true}"], &mut out[..len - 1]);
        assert_eq!(short, Err(RequestError::TooSmall { needed: len }));
    }

    #[test]
    fn write_get_has_the_users_headers_last() {
        let text = "GET /comfy/queue?a=b HTTP/1.1\r\nHost: desk:8188\r\nAccept-Encoding: identity\r\nConnection: close\r\nAuthorization: Basic eDp5\r\nX-Note: 1\t2 ü\r\n\r\n";
        let mut out = [0; 256];
        let len = QUEUE.write(Method::Get, &[], &mut out).unwrap();
        assert_eq!(str::from_utf8(&out[..len]), Ok(text));
        // A buffer of the exact length is enough; a smaller one gives the needed length.
        assert_eq!(QUEUE.write(Method::Get, &[], &mut out[..len]), Ok(len));
        for size in 0..len {
            assert_eq!(QUEUE.write(Method::Get, &[], &mut out[..size]), Err(RequestError::TooSmall { needed: len }));
        }
    }

    #[test]
    fn write_get_injection_in_any_part_is_an_error() {
        let mut out = [0; 256];
        for bad in ["\r\nX: y", "\n", "\0", "\x7f", "\u{1b}", " ", "ü"] {
            let text = std::format!("/a{bad}b");
            assert_eq!(
                RequestHead { target: &[&text], ..QUEUE }.write(Method::Get, &[], &mut out),
                Err(RequestError::Target),
                "{text:?}"
            );
            assert_eq!(
                RequestHead { host: &text[1..], ..QUEUE }.write(Method::Get, &[], &mut out),
                Err(RequestError::Host),
                "{text:?}"
            );
            let headers = [("A", "b"), (&text[1..], "c")];
            let request = RequestHead { headers: &headers, ..QUEUE };
            assert_eq!(
                request.write(Method::Get, &[], &mut out),
                Err(RequestError::HeaderName { index: 1 }),
                "{text:?}"
            );
        }
        for bad in ["a\rb", "a\nb", "a\r\nB: c", "\0", "\u{7f}", "\u{8}"] {
            let request = RequestHead { headers: &[("A", bad)], ..QUEUE };
            assert_eq!(
                request.write(Method::Get, &[], &mut out),
                Err(RequestError::HeaderValue { index: 0 }),
                "{bad:?}"
            );
        }
    }

    #[test]
    fn write_get_part_that_is_not_allowed_is_an_error() {
        let mut out = [0; 256];
        for target in ["", "queue", "http://desk/queue", "/a#b"] {
            assert_eq!(
                RequestHead { target: &[target], ..QUEUE }.write(Method::Get, &[], &mut out),
                Err(RequestError::Target),
                "{target:?}"
            );
        }
        for host in ["", "desk/", "me@desk", "desk?x"] {
            assert_eq!(
                RequestHead { host, ..QUEUE }.write(Method::Get, &[], &mut out),
                Err(RequestError::Host),
                "{host:?}"
            );
        }
        for name in ["", "A:", "A(", "A B"] {
            let request = RequestHead { headers: &[(name, "b")], ..QUEUE };
            assert_eq!(
                request.write(Method::Get, &[], &mut out),
                Err(RequestError::HeaderName { index: 0 }),
                "{name:?}"
            );
        }
        for name in ["HOST", "Connection", "Sec-WebSocket-Extensions", "content-length"] {
            let request = RequestHead { headers: &[("A", "b"), (name, "c")], ..QUEUE };
            assert_eq!(
                request.write(Method::Get, &[], &mut out),
                Err(RequestError::ReservedHeader { index: 1 }),
                "{name:?}"
            );
        }
    }
}
