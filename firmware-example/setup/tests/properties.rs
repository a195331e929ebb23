//! Whatever comes over the line: the next command is understood, each is answered once, and no secret comes back.
use comfyglow_setup::{
    Answer, Asked, Board, Command, Console, Desk, Display, RECORD_BYTES, Reply, Setting, Settings,
    limits::{KEY_DIGITS, LINE_BYTES},
};
use proptest::prelude::*;

const BOARD: Board = Board { version: "0.1.0", chip: "test", radio: true, displays: &Display::ALL };

/// A gadget's end of the line.
struct Gadget {
    console: Console,
    desk: Desk,
}

impl Gadget {
    fn new(saved: Settings) -> Self {
        Self { console: Console::new(), desk: Desk::new(BOARD, saved) }
    }

    /// What comes back for these bytes, and how many lines were answered.
    fn hear(&mut self, bytes: &[u8]) -> (Vec<u8>, usize) {
        let (mut out, mut lines) = (Vec::new(), 0);
        for byte in bytes {
            let heard = self.console.hear(*byte);
            out.extend(heard.echo);
            let Some(line) = heard.line else { continue };
            out.extend(format!("{line:?}\n").into_bytes());
            let mut answer = Answer::new();
            match self.desk.answer(line, &mut answer) {
                Asked::Nothing | Asked::Restart => {}
                Asked::Save => self.desk.saved(Ok::<_, &str>(()), &mut answer),
                Asked::Forget => self.desk.forgotten(Ok::<_, &str>(()), &mut answer),
                Asked::Status => Desk::done(&mut answer),
            }
            let replies: Vec<_> = answer.lines().map(Reply::parse).collect();
            assert!(replies.last().is_some_and(Reply::is_last), "{answer}");
            assert_eq!(replies.iter().filter(|reply| reply.is_last()).count(), 1, "{answer}");
            out.extend(answer.as_bytes());
            out.extend(format!("{:?}", self.desk).into_bytes());
            lines += 1;
        }
        (out, lines)
    }

    fn tell(&mut self, command: Command<'_>) -> String {
        let line = command.line().unwrap();
        assert!(line.len() <= LINE_BYTES);
        let (out, lines) = self.hear(&[line.as_bytes(), b"\r\n"].concat());
        assert_eq!(lines, 1, "it is answered once");
        String::from_utf8(out).unwrap()
    }
}

fn settings() -> impl Strategy<Value = Settings> {
    let password = prop_oneof![Just(String::new()), "[ -~]{8,63}", "[0-9a-fA-F]{64}", "[ä-ü☕ \"]{4,20}"];
    let text = ("[^\\p{Cc}]{1,10}", password, "[a-zA-Z0-9._-]{1,60}(:[1-9][0-9]{0,3})?");
    let number = (0..Display::ALL.len(), 0_u8..=100, 0_u16..=144, 0_u8..=100);
    (text, number).prop_filter_map("a password of so many bytes", |(text, number)| {
        let mut settings = Settings::new();
        let (ssid, password, server) = text;
        let (display, brightness, leds, leds_brightness) = number;
        let values = [ssid, password, server, Display::ALL[display].name().into(), "round".into()];
        let numbers = [brightness.to_string(), leds.to_string(), leds_brightness.to_string()];
        for (setting, value) in Setting::ALL.into_iter().zip(values.into_iter().chain(numbers)) {
            settings.put(setting, &value).ok()?;
        }
        Some(settings)
    })
}

/// A setting's value, as it is set.
fn value(settings: &Settings, setting: Setting) -> String {
    match setting {
        Setting::Ssid => settings.ssid().into(),
        Setting::Password => settings.password().into(),
        Setting::Server => settings.server().into(),
        Setting::Display => settings.display().name().into(),
        Setting::Layout => settings.layout().name().into(),
        Setting::Brightness => settings.brightness().to_string(),
        Setting::Leds => settings.leds().to_string(),
        Setting::LedsBrightness => settings.leds_brightness().to_string(),
    }
}

/// Bytes as a line may bring them: words of the protocol, and rubbish.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let word = prop_oneof![
        4 => proptest::sample::select(vec![
            "set ", "unset ", "password ", "ssid ", "server ", "show", "save", "forget", "echo on", "\r", "\n", "\x08",
            "\x03", "\"", " ", "version", "status", "restart", "help", "ü",
        ]).prop_map(|word| word.as_bytes().to_vec()),
        1 => proptest::collection::vec(any::<u8>(), 0..200),
    ];
    proptest::collection::vec(word, 0..30).prop_map(|words| words.concat())
}

proptest! {
    #[test]
    fn what_a_host_sets_is_set(settings in settings()) {
        let mut gadget = Gadget::new(Settings::new());
        for setting in Setting::ALL {
            let answer = gadget.tell(Command::Set(setting, &value(&settings, setting)));
            prop_assert!(answer.contains("ok\r\n"), "{setting:?}: {answer}");
        }
        prop_assert_eq!(gadget.desk.settings(), &settings);
        let shown = gadget.tell(Command::Show);
        for setting in Setting::ALL.into_iter().filter(|setting| *setting != Setting::Password) {
            let (name, value) = (setting.name(), value(&settings, setting));
            let told = shown.lines().any(|line| Reply::parse(line) == Reply::Value { name, value: &value });
            prop_assert!(told, "{}={} in {}", name, value, shown);
        }
    }

    #[test]
    fn what_is_written_is_read(settings in settings(), behind in proptest::collection::vec(any::<u8>(), 0..20)) {
        let mut room = [0; RECORD_BYTES];
        let record = [settings.write(&mut room).unwrap(), &behind].concat();
        prop_assert_eq!(Settings::read(&record), Ok(settings));
    }

    #[test]
    fn no_bytes_are_settings_by_chance(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(Settings::read(&bytes).is_err());
    }

    #[test]
    fn the_next_command_is_understood(bytes in bytes(), end in proptest::sample::select(vec!["\r", "\n", "\r\n", "\x03", "\x15"])) {
        let mut gadget = Gadget::new(Settings::new());
        gadget.hear(&bytes);
        gadget.hear(end.as_bytes());
        prop_assert!(gadget.tell(Command::Version).contains("version comfyglow 0.1.0 test\r\nprotocol 1\r\nok\r\n"));
    }

    /// Two gadgets hear the same but for the password, and say the same.
    #[test]
    fn no_secret_comes_back(before in bytes(), line in "(x ?)?set  ?password ", behind in bytes(), secrets in "[A-Z]{63}[A-Z]{63}", len in 8..64_usize) {
        let (one, other) = secrets.split_at(63);
        let said = [one, other].map(|secret| {
            let secret = &secret[..len];
            let mut gadget = Gadget::new(Settings::parse(&format!("ssid=Home password={secret}")).unwrap());
            let mut said = gadget.hear(&before).0;
            said.extend(gadget.hear(b"\r").0);
            said.extend(gadget.hear(line.as_bytes()).0);
            said.extend(gadget.hear(secret.as_bytes()).0);
            said.extend(gadget.hear(&behind).0);
            said
        });
        prop_assert_eq!(&said[0], &said[1]);
    }

    #[test]
    fn what_is_set_is_within_its_limits(bytes in bytes()) {
        let mut gadget = Gadget::new(Settings::new());
        gadget.hear(&bytes);
        let settings = gadget.desk.settings();
        prop_assert!(settings.password().len() <= KEY_DIGITS);
        prop_assert_eq!(Settings::read(settings.write(&mut [0; RECORD_BYTES]).unwrap()), Ok(settings.clone()));
    }
}
