use std::format;

use super::*;

#[test]
fn lines_are_read() {
    for (line, command) in [
        ("help", Ok(Command::Help)),
        ("?", Ok(Command::Help)),
        ("  show  ", Ok(Command::Show)),
        ("version", Ok(Command::Version)),
        ("save", Ok(Command::Save)),
        ("forget", Ok(Command::Forget)),
        ("restart", Ok(Command::Restart)),
        ("status", Ok(Command::Status)),
        ("echo on", Ok(Command::Echo(true))),
        ("echo  off", Ok(Command::Echo(false))),
        ("unset ssid", Ok(Command::Unset(Setting::Ssid))),
        ("set ssid Home", Ok(Command::Set(Setting::Ssid, "Home"))),
        ("set  ssid   My  home ", Ok(Command::Set(Setting::Ssid, "My  home"))),
        ("set ssid \"My home\"", Ok(Command::Set(Setting::Ssid, "My home"))),
        ("set ssid \" My home \"", Ok(Command::Set(Setting::Ssid, " My home "))),
        ("set password \"\"quoted\"\"", Ok(Command::Set(Setting::Password, "\"quoted\""))),
        ("set password \"", Ok(Command::Set(Setting::Password, "\""))),
        ("set password say \"friend\"", Ok(Command::Set(Setting::Password, "say \"friend\""))),
        ("set password", Ok(Command::Set(Setting::Password, ""))),
        ("set password \"\"", Ok(Command::Set(Setting::Password, ""))),
        ("set ssid a=b \\n", Ok(Command::Set(Setting::Ssid, "a=b \\n"))),
        ("set colour red", Err(SettingsError::Setting.into())),
        ("set", Err(SettingsError::Setting.into())),
        ("unset", Err(SettingsError::Setting.into())),
        ("unset ssid now", Err(SettingsError::Setting.into())),
        ("save now", Err(CommandError::Unknown)),
        ("Save", Err(CommandError::Unknown)),
        ("echo", Err(CommandError::Unknown)),
        ("ssid=Home", Err(CommandError::Unknown)),
        ("\u{1b}[A", Err(CommandError::Control)),
        ("set ssid a\tb", Err(CommandError::Control)),
    ] {
        assert_eq!(Command::parse(line), command, "{line}");
    }
}

#[test]
fn a_host_s_line_means_what_it_asked_for() {
    for command in [
        Command::Help,
        Command::Version,
        Command::Show,
        Command::Save,
        Command::Forget,
        Command::Restart,
        Command::Status,
        Command::Echo(true),
        Command::Echo(false),
        Command::Unset(Setting::LedsBrightness),
        Command::Set(Setting::Ssid, " Home"),
        Command::Set(Setting::Ssid, "\""),
        Command::Set(Setting::Ssid, "\"\""),
        Command::Set(Setting::Ssid, ""),
        Command::Set(Setting::Ssid, " "),
    ] {
        assert_eq!(Command::parse(&command.line().unwrap()), Ok(command));
    }
}

#[test]
fn what_fits_in_no_line_is_refused() {
    let long = "a".repeat(LINE_BYTES);
    let room = LINE_BYTES - "set server ".len();
    assert_eq!(Command::Set(Setting::Server, &long[..room]).line().unwrap().len(), LINE_BYTES);
    assert_eq!(Command::Set(Setting::Server, &long[..=room]).line(), Err(CommandError::TooLong));
    assert_eq!(Command::Set(Setting::Ssid, "a\rsave").line(), Err(CommandError::Control));
}

#[test]
fn a_command_doesn_t_print_its_value() {
    let text = format!("{:?} {:?}", Command::Set(Setting::Password, "hunter22"), Command::Unset(Setting::Ssid));
    assert_eq!(text, "Set(Password, ..) Unset(Ssid)");
}

#[test]
fn what_follows_a_password_s_name_is_a_secret() {
    for line in ["set password ", " set  password  hunt", "x set password ", "set PASSWORD h"] {
        assert!(is_secret(line.as_bytes()), "{line}");
    }
    for line in ["", "set passwor ", "set password", "set ssid password"] {
        assert!(!is_secret(line.as_bytes()), "{line}");
    }
}

#[test]
fn an_error_says_what_to_do() {
    assert!(format!("{}", CommandError::Unknown).contains("help"));
    assert!(format!("{}", CommandError::TooLong).contains("160 bytes"));
    assert_eq!(format!("{}", CommandError::from(SettingsError::Ssid)), format!("{}", SettingsError::Ssid));
}
