//! The key of a handshake and what the server makes of it (RFC 6455, 1.3).
//!
//! SHA-1 proves here that the answer belongs to the request, and protects nothing. It runs once a connection over 60 bytes,
//! so it is written to be small: in 0.6 KB instead of the 3 KB of a crate that unrolls its rounds.

/// What the server puts behind the key.
const GUID: &[u8; 36] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// Bytes of a key: 16 in base64.
const KEY: usize = 24;

/// Bytes of an accept: 20 in base64.
const ACCEPT: usize = 28;

/// The key that is made of 16 random bytes.
pub(super) fn of(entropy: &[u8; 16]) -> [u8; KEY] {
    let mut key = [0; KEY];
    base64(entropy, &mut key);
    key
}

/// What `Sec-WebSocket-Accept` must say to that key.
pub(super) fn accept_of(entropy: &[u8; 16]) -> [u8; ACCEPT] {
    let mut message = [0; KEY + GUID.len()];
    let answer = of(entropy).into_iter().chain(*GUID);
    message.iter_mut().zip(answer).for_each(|(place, byte)| *place = byte);
    let mut accept = [0; ACCEPT];
    base64(&sha1(&message), &mut accept);
    accept
}

/// Base64 with its padding (RFC 4648, 4), as far as there is room in `out`.
fn base64(bytes: &[u8], out: &mut [u8]) {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (three, four) in bytes.chunks(3).zip(out.chunks_mut(4)) {
        let mut group = three.iter().chain(&[0; 2]).take(3).fold(0, |group, &byte| group << 8 | usize::from(byte));
        for (at, place) in four.iter_mut().enumerate().rev() {
            let digit = DIGITS.get(group & 63).copied().unwrap_or_default();
            *place = if at > three.len() { b'=' } else { digit };
            group >>= 6;
        }
    }
}

/// SHA-1 (FIPS 180-4, 6.1) of what fills two blocks with its padding.
fn sha1(message: &[u8; 60]) -> [u8; 20] {
    /// The length in bits ends the second block.
    const BITS: u32 = 60 * 8;
    let mut hash = [0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476, 0xC3D2_E1F0_u32];
    let mut first = [0x8000_0000; 16];
    for (word, bytes) in first.iter_mut().zip(message.as_chunks::<4>().0) {
        *word = u32::from_be_bytes(*bytes);
    }
    let mut second = [0; 16];
    second[15] = BITS;
    for block in [first, second] {
        compress(&mut hash, block);
    }
    let mut digest = [0; 20];
    for (out, word) in digest.as_chunks_mut::<4>().0.iter_mut().zip(hash) {
        *out = word.to_be_bytes();
    }
    digest
}

/// Takes a block into the hash. `words` holds the 16 of the schedule that come next.
#[expect(clippy::many_single_char_names, reason = "the standard's names")]
fn compress(hash: &mut [u32; 5], mut words: [u32; 16]) {
    let [mut a, mut b, mut c, mut d, mut e] = *hash;
    for round in 0..80 {
        let (mixed, constant) = match round {
            0..20 => ((b & c) | (!b & d), 0x5A82_7999_u32),
            20..40 => (b ^ c ^ d, 0x6ED9_EBA1),
            40..60 => ((b & c) | (b & d) | (c & d), 0x8F1B_BCDC),
            _ => (b ^ c ^ d, 0xCA62_C1D6),
        };
        let sum = a.rotate_left(5).wrapping_add(mixed).wrapping_add(e).wrapping_add(constant).wrapping_add(words[0]);
        let next = (words[13] ^ words[8] ^ words[2] ^ words[0]).rotate_left(1);
        words.copy_within(1.., 0);
        words[15] = next;
        (a, b, c, d, e) = (sum, a, b.rotate_left(30), c, d);
    }
    for (word, more) in hash.iter_mut().zip([a, b, c, d, e]) {
        *word = word.wrapping_add(more);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_rfcs_example_is_made() {
        assert_eq!(of(b"the sample nonce"), *b"dGhlIHNhbXBsZSBub25jZQ==");
        assert_eq!(accept_of(b"the sample nonce"), *b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    proptest! {
        #[test]
        fn any_key_is_answered_as_another_implementation_does(entropy: [u8; 16]) {
            let accept = tungstenite::handshake::derive_accept_key(&of(&entropy));
            prop_assert_eq!(accept.as_bytes(), accept_of(&entropy));
        }
    }
}
