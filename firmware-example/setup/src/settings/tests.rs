use std::{format, string::String};

use super::*;

fn set(name: &str, value: &str) -> Result<Settings, SettingsError> {
    let mut settings = Settings::new();
    settings.set(name, value).map(|()| settings)
}

#[test]
fn a_line_is_read() {
    let settings = Settings::parse("server=desk brightness=60 layout=round").unwrap();
    assert_eq!((settings.server(), settings.host(), settings.port()), ("desk:8188", "desk", 8188));
    assert_eq!((settings.brightness(), settings.is_round()), (60, true));
    let settings = Settings::parse("server=10.0.2.2:9000").unwrap();
    assert_eq!((settings.server(), settings.host(), settings.port()), ("10.0.2.2:9000", "10.0.2.2", 9000));
    assert_eq!((settings.brightness(), settings.is_round()), (100, false));
    assert_eq!(Settings::parse(" "), Ok(Settings::default()));
    assert_eq!(Settings::parse("server"), Err(SettingsError::Word));
}

#[test]
fn nothing_set_is_what_the_table_says() {
    let settings = Settings::new();
    assert_eq!((settings.ssid(), settings.password(), settings.server(), settings.host()), ("", "", "", ""));
    assert_eq!((settings.display().name(), settings.layout()), ("ssd1306-128x64", Layout::Auto));
    assert_eq!((settings.brightness(), settings.leds(), settings.leds_brightness()), (100, 0, 30));
    assert!(Setting::ALL.into_iter().all(|setting| !settings.is_set(setting)));
}

#[test]
fn what_is_missing_depends_on_the_board() {
    let mut settings = Settings::new();
    assert_eq!((settings.missing(true), settings.missing(false)), (Some(Missing::Ssid), Some(Missing::Server)));
    settings.set("ssid", "Home").unwrap();
    assert_eq!(settings.missing(true), Some(Missing::Server));
    settings.set("server", "desk").unwrap();
    assert_eq!((settings.missing(true), settings.missing(false)), (None, None));
    settings.unset("ssid").unwrap();
    assert_eq!((settings.missing(true), settings.missing(false)), (Some(Missing::Ssid), None));
    assert_eq!(Missing::Ssid.setting().name(), "ssid");
}

#[test]
fn each_limit_holds_below_at_and_above_it() {
    let long = |bytes: usize| "a".repeat(bytes);
    let cases: &[(&str, &[String], SettingsError, &[String])] = &[
        (
            "ssid",
            &[long(1), long(SSID_BYTES), "Café Zürich ☕ 'n \"q\"".into()],
            SettingsError::Ssid,
            &[long(0), long(SSID_BYTES + 1), "☕".repeat(11)],
        ),
        (
            "password",
            &[
                long(0),
                long(PASSWORD_LEAST_BYTES),
                long(PASSWORD_BYTES),
                "0aF9".repeat(16),
                " two  spaces ".into(),
                "it's \"quoted\" = \\".into(),
                "pässwört".into(),
            ],
            SettingsError::Password,
            &[long(1), long(PASSWORD_LEAST_BYTES - 1), "g".repeat(KEY_DIGITS), long(KEY_DIGITS + 1)],
        ),
        (
            "server",
            &[
                "a".into(),
                "desk:1".into(),
                "desk:65535".into(),
                "my_desk.local:8188".into(),
                "http://desk:8188/".into(),
                // With its port.
                long(SERVER_BYTES - 5),
                format!("{}:65535", long(SERVER_BYTES - 6)),
            ],
            SettingsError::Server,
            &[
                long(0),
                "desk:0".into(),
                "desk:65536".into(),
                "desk:".into(),
                "desk:+1".into(),
                ":8188".into(),
                "my desk".into(),
                "desk/path".into(),
                "[::1]:8188".into(),
                "http://".into(),
                long(SERVER_BYTES - 4),
                format!("{}:65535", long(SERVER_BYTES - 5)),
            ],
        ),
        ("server", &[], SettingsError::Https, &["https://desk".into()]),
        ("display", &["sh1106-128x64".into()], SettingsError::Display, &["oled".into(), long(0)]),
        ("layout", &["auto".into(), "round".into()], SettingsError::Layout, &["square".into(), long(0)]),
        (
            "brightness",
            &["0".into(), "100".into()],
            SettingsError::Brightness,
            &["101".into(), "-1".into(), "+1".into(), "50%".into(), long(0), "65537".into()],
        ),
        ("leds", &["0".into(), "144".into()], SettingsError::Leds, &["145".into(), "65536".into(), "few".into()]),
        ("leds-brightness", &["0".into(), "100".into()], SettingsError::Brightness, &["101".into()]),
        ("ssid", &[], SettingsError::Control, &["a\nb".into(), "\u{7f}".into(), "\u{85}".into()]),
        ("colour", &[], SettingsError::Setting, &["red".into()]),
    ];
    for (name, good, error, bad) in cases {
        for value in *good {
            assert!(set(name, value).is_ok(), "{name} {value}");
        }
        for value in *bad {
            let mut settings = Settings::new();
            assert_eq!(settings.set(name, value), Err(*error), "{name} {value}");
            assert_eq!(settings, Settings::new(), "it stays as it was");
        }
    }
}

#[test]
fn a_server_is_written_with_its_port() {
    for (value, server) in [("desk", "desk:8188"), ("desk:80", "desk:80"), ("http://desk/", "desk:8188")] {
        assert_eq!(set("server", value).unwrap().server(), server);
    }
    assert_eq!(set("server", &"a".repeat(SERVER_BYTES - 5)).unwrap().server().len(), SERVER_BYTES);
}

#[test]
fn what_is_unset_is_as_if_never_set() {
    for (setting, value) in
        Setting::ALL.into_iter().zip(["Home", "12345678", "desk", "gc9a01-240x240", "round", "1", "8", "100"])
    {
        let mut settings = set(setting.name(), value).unwrap();
        assert!(settings.is_set(setting) && settings != Settings::new());
        settings.unset(setting.name()).unwrap();
        assert_eq!(settings, Settings::new());
    }
    assert_eq!(Settings::new().unset("colour"), Err(SettingsError::Setting));
}

#[test]
fn the_glass_decides_unless_somebody_does() {
    let round = |text: &str| Settings::parse(text).unwrap().is_round();
    assert!(round("display=gc9a01-240x240"));
    assert!(!round("display=gc9a01-240x240 layout=rectangle"));
    assert!(!round("display=st7789-240x240"));
    assert!(round("display=st7789-240x240 layout=round"));
}

#[test]
fn a_password_is_not_debugged() {
    let settings = Settings::parse("ssid=Home password=hunter22").unwrap();
    let text = format!("{settings:?}");
    assert!(text.contains("ssid=Home password=(set) server="), "{text}");
    assert!(!text.contains("hunter22"));
    assert!(format!("{:?}", Settings::new()).contains("password=(none)"));
}

#[test]
fn an_error_says_what_would_be_right_with_the_limits() {
    for (error, words) in [
        (SettingsError::Ssid, "32"),
        (SettingsError::Password, "8 to 63"),
        (SettingsError::Password, "64"),
        (SettingsError::Server, "72"),
        (SettingsError::Brightness, "100"),
        (SettingsError::Leds, "144"),
        (SettingsError::Setting, "leds-brightness"),
        (SettingsError::Display, "sh1106-128x64"),
        (SettingsError::Layout, "auto rectangle round"),
        (SettingsError::Https, "http"),
        (SettingsError::Control, "again"),
        (SettingsError::Word, "name=value"),
    ] {
        assert!(format!("{error}").contains(words), "{error}");
    }
}
