//! What polling needs of HTTP/1.1, sans-IO: [`RequestHead`] writes a request, [`Response`] reads past the response's
//! [`Head`] and hands on the pieces of its body.
//!
//! One request a connection (`Connection: close`): a poll every few seconds gains nothing from keeping it, and a
//! server that is restarted leaves no half-dead connection behind.

mod body;
mod head;
mod request;
mod response;

pub use body::BodyError;
pub use head::{Field, Head, HeadError, Told};
pub use request::{RequestError, RequestHead};
pub use response::{Response, ResponseError};

pub(crate) use body::seconds;

/// `tchar` of RFC 9110, 5.6.2, in runs of their codes.
const fn is_token(byte: u8) -> bool {
    matches!(byte, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'0'..=b'9' | b'A'..=b'Z' | b'^'..=b'z' | b'|' | b'~')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_runs_are_the_characters_of_the_standard() {
        for byte in 0..=u8::MAX {
            let listed = byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
            assert_eq!(is_token(byte), listed, "{byte}");
        }
    }
}
