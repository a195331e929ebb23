//! The part of HTTP/1.1 that polling needs, sans-IO. [`RequestHead`] writes a request, [`Response`] reads the [`Head`]
//! and returns the body.
//!
//! Each request has its own connection (`Connection: close`). A poll every few seconds gains nothing from keeping one,
//! and a server that restarts leaves no half-open connection.

mod body;
mod head;
mod request;
mod response;

pub use body::BodyError;
pub use head::{Field, Head, HeadError, HeadItem};
pub use request::{RequestError, RequestHead};
pub use response::{Response, ResponseError};

pub(crate) use body::seconds;

/// Whether `byte` is a `tchar` (RFC 9110, 5.6.2).
const fn is_token(byte: u8) -> bool {
    matches!(byte, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'0'..=b'9' | b'A'..=b'Z' | b'^'..=b'z' | b'|' | b'~')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_token_any_byte_agrees_with_the_rfcs_list() {
        for byte in 0..=u8::MAX {
            let listed = byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
            assert_eq!(is_token(byte), listed, "{byte}");
        }
    }
}
