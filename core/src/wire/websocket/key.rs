//! The key of a handshake and the accept value that the server makes of it (RFC 6455, 1.3).
//!
//! SHA-1 only proves here that the response belongs to the request. It runs once per connection, over 60 bytes, so it
//! is written to be small: 0.6 KB, where a crate that unrolls the rounds takes 3 KB.

/// The server appends this to the key.
const GUID: &[u8; 36] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// Bytes of a key: base64 of 16 bytes.
const KEY: usize = 24;

/// Bytes of an accept value: base64 of 20 bytes.
const ACCEPT: usize = 28;

/// Makes a key of 16 random bytes.
pub(super) fn key_of(entropy: &[u8; 16]) -> [u8; KEY] {
    let mut key = [0; KEY];
    base64(entropy, &mut key);
    key
}

/// The value of `Sec-WebSocket-Accept` for that key.
pub(super) fn accept_of(entropy: &[u8; 16]) -> [u8; ACCEPT] {
    let mut message = [0; KEY + GUID.len()];
    let bytes = key_of(entropy).into_iter().chain(*GUID);
    message.iter_mut().zip(bytes).for_each(|(slot, byte)| *slot = byte);
    let mut accept = [0; ACCEPT];
    base64(&sha1(&message), &mut accept);
    accept
}

/// Writes base64 with padding (RFC 4648, 4), cut to the length of `out`.
fn base64(bytes: &[u8], out: &mut [u8]) {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (three, four) in bytes.chunks(3).zip(out.chunks_mut(4)) {
        let mut group = three.iter().chain(&[0; 2]).take(3).fold(0, |group, &byte| group << 8 | usize::from(byte));
        for (at, slot) in four.iter_mut().enumerate().rev() {
            let digit = DIGITS.get(group & 63).copied().unwrap_or_default();
            *slot = if at > three.len() { b'=' } else { digit };
            group >>= 6;
        }
    }
}

/// SHA-1 (FIPS 180-4, 6.1) of a message that fills two blocks with its padding.
fn sha1(message: &[u8; 60]) -> [u8; 20] {
    /// The message's length ends the second block.
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

/// Adds a block to the hash. `words` holds the next 16 words of the message schedule.
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
        let mut next = (words[13] ^ words[8] ^ words[2] ^ words[0]).rotate_left(1);
        // It comes last, and those before it move on by one: without `memmove`, which nothing else needs.
        for word in words.iter_mut().rev() {
            core::mem::swap(word, &mut next);
        }
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
    fn key_and_accept_match_the_rfcs_example() {
        assert_eq!(key_of(b"the sample nonce"), *b"dGhlIHNhbXBsZSBub25jZQ==");
        assert_eq!(accept_of(b"the sample nonce"), *b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    proptest! {
        #[test]
        fn accept_of_any_key_agrees_with_tungstenite(entropy: [u8; 16]) {
            let accept = tungstenite::handshake::derive_accept_key(&key_of(&entropy));
            prop_assert_eq!(accept.as_bytes(), accept_of(&entropy));
        }
    }
}
