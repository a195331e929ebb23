use std::{vec, vec::Vec};

use super::*;

/// All is set, and as long as it can be.
fn longest() -> Settings {
    let mut settings = Settings::new();
    for (setting, value) in Setting::ALL.into_iter().zip([
        "ß".repeat(16),
        "0f".repeat(32),
        "a".repeat(67),
        "ssd1306-128x32".into(),
        "rectangle".into(),
        "10".into(),
        "144".into(),
        "100".into(),
    ]) {
        settings.put(setting, &value).unwrap();
    }
    settings
}

fn record(settings: &Settings) -> Vec<u8> {
    settings.write(&mut [0; RECORD_BYTES]).unwrap().to_vec()
}

/// A record with this version and body, and the right checksum.
fn made(version: u16, body: &[u8]) -> Vec<u8> {
    let mut head = head(u16::try_from(body.len()).unwrap(), body);
    head[4..6].copy_from_slice(&version.to_le_bytes());
    let crc = checksum([&head[..4], &head[4..6], &head[6..8]], body);
    head[8..].copy_from_slice(&crc);
    [&head, body].concat()
}

#[test]
fn what_is_written_is_read() {
    for settings in [Settings::new(), longest(), Settings::parse("ssid=a=b server=desk").unwrap()] {
        let mut record = record(&settings);
        assert_eq!(Settings::read(&record), Ok(settings.clone()));
        record.extend([0xFF; 40]);
        assert_eq!(Settings::read(&record), Ok(settings), "what is behind doesn't count");
    }
    assert_eq!(record(&Settings::new()).len(), HEAD_BYTES, "what isn't set takes nothing");
}

#[test]
fn there_is_room_for_the_longest_and_no_less_is_enough() {
    let len = record(&longest()).len();
    assert!(len <= RECORD_BYTES, "{len} of {RECORD_BYTES}");
    for room in 0..len {
        assert_eq!(longest().write(&mut vec![0; room]), None);
    }
    assert!(longest().write(&mut vec![0; len]).is_some());
}

#[test]
fn no_flipped_bit_is_taken_in() {
    let record = record(&longest());
    for bit in 0..record.len() * 8 {
        let mut record = record.clone();
        record[bit / 8] ^= 1 << (bit % 8);
        let error = Settings::read(&record).unwrap_err();
        match bit / 8 {
            0..4 => assert_eq!(error, RecordError::Foreign),
            4..6 => assert!(matches!(error, RecordError::Newer { .. } | RecordError::Foreign), "{error}"),
            6..8 => assert!(matches!(error, RecordError::Truncated | RecordError::Damaged), "{error}"),
            _ => assert_eq!(error, RecordError::Damaged),
        }
    }
}

#[test]
fn no_beginning_is_taken_in() {
    let record = record(&longest());
    for len in 0..record.len() {
        assert_eq!(Settings::read(&record[..len]), Err(RecordError::Truncated));
    }
}

#[test]
fn what_is_no_record_is_not_guessed() {
    assert_eq!(Settings::read(&[0xFF; 64]), Err(RecordError::Foreign));
    assert_eq!(Settings::read(&[0; 64]), Err(RecordError::Foreign));
    assert_eq!(Settings::read(&made(VERSION + 1, b"ssid=Home\n")), Err(RecordError::Newer { version: VERSION + 1 }));
    assert_eq!(Settings::read(&made(0, b"ssid=Home\n")), Err(RecordError::Foreign));
    for body in [&b"colour=red\n"[..], b"ssid\n", b"brightness=101\n", b"ssid=\xFF\n", b"\n"] {
        assert_eq!(Settings::read(&made(VERSION, body)), Err(RecordError::Foreign));
    }
}

#[test]
fn a_record_that_knows_fewer_settings_is_read() {
    // As a version wrote it that had no more than these.
    let settings = Settings::read(&made(1, b"ssid=Home\nserver=desk:8188\n"));
    assert_eq!(settings.unwrap(), Settings::parse("ssid=Home server=desk").unwrap());
}

/// The bytes that devices out there have: a change of them needs a new version.
#[test]
fn the_format_stays() {
    let settings = Settings::parse("ssid=Home password=hunter22 server=desk").unwrap();
    assert_eq!(
        record(&settings),
        b"CfyS\x01\x00\x2d\x00\x59\x58\x41\x7assid=Home\npassword=hunter22\nserver=desk:8188\n"
    );
}
