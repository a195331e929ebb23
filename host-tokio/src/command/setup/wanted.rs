//! What is to be set: as the command line has it, and as a person answers.

use std::{env, fs, io::Read as _, path::PathBuf};

use comfyglow::{
    board::{self, Shown},
    doctor::{Doctor, Mark, Step},
};
use comfyglow_setup::{Setting, Settings, SettingsError};

use super::desk::{Desk, Stop};
use crate::command::Exit;

/// The variable that may hold the password.
const VARIABLE: &str = "COMFYGLOW_WIFI_PASSWORD";

/// Bytes of a password's file at most.
const FILE_BYTES: u64 = 4_096;

/// Settings and where a password comes from, on the command line.
#[derive(Debug, clap::Args)]
pub(in crate::command) struct Given {
    /// What to set: ssid, password, server, name, display, layout, brightness, leds, leds-brightness; NAME= sets as it was at
    /// first
    #[arg(value_name = "NAME=VALUE")]
    settings: Vec<String>,
    /// Read the Wi-Fi password from this file; - reads it from the standard input
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

/// What is to be set, each checked; no two are of the same setting.
#[derive(Clone, Default)]
pub(in crate::command) struct Wanted(Vec<(Setting, String)>);

impl Wanted {
    /// Takes what the command line, a file or the environment has.
    pub(in crate::command) fn given(given: &Given, desk: &mut Desk) -> Result<Self, Stop> {
        let mut wanted = Self::default();
        for word in &given.settings {
            let (name, value) = word.split_once('=').ok_or_else(|| unusable(SettingsError::Word))?;
            let setting = Setting::named(name).ok_or_else(|| unusable(SettingsError::Setting))?;
            if setting == Setting::Password && !value.is_empty() {
                let advice = "Others on this machine can see it, and it stays in the shell's history: use --password-file, \
                              COMFYGLOW_WIFI_PASSWORD, or let it be asked for.";
                desk.tell("settings", Mark::Better, "the password is on the command line", Some(advice));
            }
            wanted.put(setting, value).map_err(unusable)?;
        }
        if let Some(password) = secret(given)? {
            wanted.put(Setting::Password, &password).map_err(unusable)?;
        }
        Ok(wanted)
    }

    /// Whether nothing is to be set.
    pub(in crate::command) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is to be set.
    pub(in crate::command) fn iter(&self) -> impl Iterator<Item = (Setting, &str)> {
        self.0.iter().map(|(setting, value)| (*setting, value.as_str()))
    }

    fn get(&self, setting: Setting) -> Option<&str> {
        self.iter().find(|(of, _)| *of == setting).map(|(_, value)| value)
    }

    /// The value that a setting will have, on a board that shows `shown`.
    pub(in crate::command) fn value<'a>(&'a self, setting: Setting, shown: &'a Shown) -> &'a str {
        self.get(setting).unwrap_or_else(|| shown.value(setting))
    }

    fn put(&mut self, setting: Setting, value: &str) -> Result<(), SettingsError> {
        let mut settings = Settings::new();
        if !value.is_empty() {
            settings.put(setting, value)?;
        }
        // As the board will show it: `http://desk/` is `desk:8188`.
        let value = if setting == Setting::Server { settings.server() } else { value };
        self.0.retain(|(of, _)| *of != setting);
        self.0.push((setting, value.to_owned()));
        Ok(())
    }

    /// In words, without a secret.
    pub(in crate::command) fn words(&self) -> String {
        let word = |(setting, value): (Setting, &str)| match (setting, value) {
            (Setting::Password, "") => "password=(none)".to_owned(),
            (Setting::Password, _) => "password=(set)".to_owned(),
            _ => format!("{}={value}", setting.name()),
        };
        self.iter().map(word).collect::<Vec<_>>().join("  ")
    }

    /// Asks for what a board that shows `shown` has not, or, where nothing is given and nothing is missing, for what may be
    /// wanted to change.
    pub(in crate::command) async fn complete(
        &mut self,
        shown: &Shown,
        has_radio: bool,
        desk: &mut Desk,
    ) -> Result<(), Stop> {
        let lacks = |wanted: &Self, setting: Setting| wanted.value(setting, shown).is_empty();
        let needs: &[Setting] = if has_radio { &[Setting::Ssid, Setting::Server] } else { &[Setting::Server] };
        let missing: Vec<_> = needs.iter().copied().filter(|setting| lacks(self, *setting)).collect();
        if !desk.can_ask() {
            return if missing.is_empty() { Ok(()) } else { Err(lacking(&missing)) };
        }
        let asks_all = self.is_empty() && missing.is_empty();
        if has_radio && self.get(Setting::Ssid).is_none() && (asks_all || lacks(self, Setting::Ssid)) {
            self.ask(Setting::Ssid, "Wi-Fi network (of 2.4 GHz)", shown.value(Setting::Ssid), desk).await?;
        }
        let has_new_ssid =
            self.get(Setting::Ssid).is_some_and(|ssid| !ssid.is_empty() && ssid != shown.value(Setting::Ssid));
        if has_radio && self.get(Setting::Password).is_none() && (asks_all || has_new_ssid) {
            self.ask_password(!has_new_ssid, desk).await?;
        }
        if self.get(Setting::Server).is_none() && (asks_all || lacks(self, Setting::Server)) {
            self.ask_server(shown, desk).await?;
        }
        Ok(())
    }

    async fn ask(&mut self, setting: Setting, question: &str, usual: &str, desk: &mut Desk) -> Result<(), Stop> {
        loop {
            let value = desk.ask(question, Some(usual).filter(|usual| !usual.is_empty())).await?;
            if value == usual && !usual.is_empty() {
                return Ok(());
            }
            let refused = if value.is_empty() { Err(SettingsError::Ssid) } else { self.put(setting, &value) };
            match refused {
                Ok(()) => return Ok(()),
                Err(error) => desk.tell("settings", Mark::Wrong, &error.to_string(), None),
            }
        }
    }

    async fn ask_password(&mut self, may_stay: bool, desk: &mut Desk) -> Result<(), Stop> {
        let empty = if may_stay { "Enter leaves it as it is" } else { "Enter for a network without one" };
        loop {
            let password = desk.ask_secret(&format!("Wi-Fi password (not shown; {empty})")).await?;
            if password.is_empty() && may_stay {
                return Ok(());
            }
            match self.put(Setting::Password, &password) {
                Ok(()) => return Ok(()),
                Err(error) => desk.tell("settings", Mark::Wrong, &error.to_string(), None),
            }
        }
    }

    /// Asks for the server, and offers those that may be meant.
    pub(in crate::command) async fn ask_server(&mut self, shown: &Shown, desk: &mut Desk) -> Result<(), Stop> {
        let mut offers = board::offers().await;
        let now = shown.value(Setting::Server);
        if !now.is_empty() {
            offers.retain(|offer| offer.server != now);
            offers.insert(0, board::Offer { server: now.to_owned(), why: "as it is set" });
        }
        for offer in &offers {
            desk.tell("server", Mark::Skipped, &format!("{}: {}", offer.server, offer.why), None);
        }
        let usual = offers.first().map(|offer| offer.server.as_str());
        loop {
            let server = desk.ask("ComfyUI server (name or address, :8188 unless told)", usual).await?;
            match self.put(Setting::Server, server.trim()) {
                _ if server.trim().is_empty() => {}
                Ok(()) => return Ok(()),
                Err(error) => desk.tell("settings", Mark::Wrong, &error.to_string(), None),
            }
        }
    }

    /// Looks from here whether the board's server answers, and says what is wrong in the doctor's words. Only a person may
    /// then choose another.
    pub(in crate::command) async fn check_server(&mut self, shown: &Shown, desk: &mut Desk) -> Result<(), Stop> {
        loop {
            let server = self.value(Setting::Server, shown).to_owned();
            if server.is_empty() {
                return Ok(());
            }
            let host = server.split(':').next().unwrap_or_default();
            let Some((message, advice)) = wrong_with(&server, host).await else {
                desk.well("server", format!("ComfyUI answers at {server}, seen from here"));
                return Ok(());
            };
            let (message, is_own) = (format!("{server}: {message}"), board::is_local(host));
            if is_own && !desk.can_ask() {
                return Err(Stop::at("server", Exit::Usage, message, advice));
            }
            desk.tell("server", if is_own { Mark::Wrong } else { Mark::Better }, &message, Some(&advice));
            if !desk.can_ask() || (!is_own && desk.asks("Take it all the same").await?) {
                return Ok(());
            }
            self.ask_server(shown, desk).await?;
        }
    }
}

/// What is wrong with a server, seen from here, and what to do about it.
async fn wrong_with(server: &str, host: &str) -> Option<(String, String)> {
    let own = board::own_address().map(|own| own.to_string());
    if board::is_local(host) {
        let message = format!("to the board {host} is the board itself");
        let advice = own.map_or_else(
            || "Give the server's name or address in your network.".to_owned(),
            |own| format!("Give the server's name or address in your network; this machine's is {own}."),
        );
        return Some((message, advice));
    }
    let mut wrong = None;
    let mut doctor = Doctor::new(format!("http://{server}"), super::SERVER);
    doctor
        .examine(|finding| {
            if finding.mark == Mark::Wrong && wrong.is_none() {
                wrong = Some((finding.step, finding.message.clone(), finding.advice.clone().unwrap_or_default()));
            }
        })
        .await;
    let (step, message, advice) = wrong?;
    let port = server.rsplit(':').next().unwrap_or_default();
    if step == Step::Tcp && own.as_deref() == Some(host) && board::answers(&format!("127.0.0.1:{port}")).await {
        let message = "the ComfyUI on this machine listens to this machine only".to_owned();
        return Some((message, "Start it with --listen, so that others in your network reach it.".to_owned()));
    }
    Some((message, advice))
}

/// The password, of a file or the environment.
fn secret(given: &Given) -> Result<Option<String>, Stop> {
    let password = match &given.password_file {
        None => match env::var(VARIABLE) {
            Ok(password) => password,
            Err(env::VarError::NotPresent) => return Ok(None),
            Err(env::VarError::NotUnicode(_)) => {
                let advice = "Set it anew, in UTF-8.";
                return Err(Stop::at("settings", Exit::Usage, format!("{VARIABLE} is no UTF-8"), advice));
            }
        },
        Some(file) => {
            let mut password = String::new();
            let read = if file.as_os_str() == "-" {
                std::io::stdin().lock().take(FILE_BYTES).read_to_string(&mut password)
            } else {
                fs::File::open(file).and_then(|opened| opened.take(FILE_BYTES).read_to_string(&mut password))
            };
            read.map_err(|error| {
                let message = format!("the password's file {} can't be read: {error}", file.display());
                Stop::at("settings", Exit::Usage, message, "Name a text file whose only line is the password.")
            })?;
            password
        }
    };
    let line = password.strip_suffix('\n').unwrap_or(&password);
    Ok(Some(line.strip_suffix('\r').unwrap_or(line).to_owned()))
}

/// No error about a value repeats it: it may be a secret.
fn unusable(error: SettingsError) -> Stop {
    Stop::at("settings", Exit::Usage, error.to_string(), "comfyglow setup --help shows what there is to set.")
}

fn lacking(missing: &[Setting]) -> Stop {
    let names: Vec<_> = missing.iter().map(|setting| setting.name()).collect();
    let words: Vec<_> = names.iter().map(|name| format!("{name}=…")).collect();
    let advice = format!(
        "Give it on the command line: {}; the Wi-Fi password by --password-file or {VARIABLE}. In a terminal it is asked for.",
        words.join(" ")
    );
    Stop::at("settings", Exit::Usage, format!("the board still needs {}", names.join(" and ")), advice)
}
