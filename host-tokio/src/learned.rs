//! The file that keeps how long nodes take from session to session, so that the time left is right from the start.
//!
//! Each server has a file of its own, since one is faster than the other. What is damaged is left out, told in a warning,
//! and replaced the next time that something is learned; what another program or a newer version wrote, or can't be read,
//! is left as it is. Of two sessions that learn at once, the one that learned last writes what it knows.

use std::{
    fs,
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

use etcetera::BaseStrategy as _;

use comfyglow_core::record::RecordError;

use crate::{
    address::Address,
    client::driver::{Driver, RECORD_BYTES},
};

/// A file for what was learned.
#[derive(Debug)]
pub struct LearnedFile {
    file: PathBuf,
    /// What it holds, as far as that is known.
    kept: Vec<u8>,
    /// It is not ours to replace.
    left: bool,
}

impl LearnedFile {
    /// The file `file`.
    pub fn at(file: impl Into<PathBuf>) -> Self {
        Self { file: file.into(), kept: Vec::new(), left: false }
    }

    /// The file for the server at `address` in the user's folder for states, `$XDG_STATE_HOME/comfyglow` on Linux; `None`
    /// where the user has no home.
    pub fn of(address: &Address) -> Option<Self> {
        let folder = folder()?;
        let (host, port) = address.endpoint();
        // An IPv6 address has colons, which not every file system takes.
        let host: String = host.chars().map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' }).collect();
        Some(Self::at(folder.join(format!("{host}_{port}.learned"))))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.file
    }

    /// Has `client` learn what the file holds; nothing where there is no file yet.
    ///
    /// # Errors
    ///
    /// Where the file can't be read or is damaged; the client then begins with nothing learned.
    pub fn load(&mut self, client: &mut Driver<'_>) -> io::Result<()> {
        self.left = true;
        // Behind a link: replacing the link itself would leave the file behind it as it was.
        match fs::canonicalize(&self.file) {
            Ok(file) => self.file = file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.left = false;
                return Ok(());
            }
            Err(error) => return Err(error),
        }
        if !fs::metadata(&self.file)?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file"));
        }
        let mut record = Vec::new();
        // One byte more than there can be tells a file that is none of ours.
        let most = u64::try_from(RECORD_BYTES).unwrap_or(u64::MAX).saturating_add(1);
        fs::File::open(&self.file)?.take(most).read_to_end(&mut record)?;
        let learned = client.learn(&record);
        self.left = matches!(learned, Err(RecordError::Newer { .. } | RecordError::Foreign));
        self.kept = client.record();
        match learned {
            Err(RecordError::Empty) if record.is_empty() => Ok(()),
            other => other.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error)),
        }
    }

    /// Whether the file is left as it is, for it is not ours to replace.
    pub fn is_left(&self) -> bool {
        self.left
    }

    /// Writes what `client` knows by now, where that is more than what the file holds. The file is replaced at once: who
    /// reads it meanwhile, or after a crash, finds the old or the new one whole.
    ///
    /// # Errors
    ///
    /// Where the file, or a folder that it is to be in, can't be written.
    pub fn save(&mut self, client: &Driver<'_>) -> io::Result<()> {
        if self.left || client.session().state().learned().is_empty() {
            return Ok(());
        }
        let record = client.record();
        if record == self.kept {
            return Ok(());
        }
        let folder = self.file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(&record)?;
        file.as_file().sync_all()?;
        file.persist(&self.file)?;
        self.kept = record;
        Ok(())
    }
}

/// The server, by its host and port, of which something was learned last; `None` where that is of none. An IPv6 address is
/// not told.
pub fn last_server() -> Option<(String, u16)> {
    let files = fs::read_dir(folder()?).ok()?.flatten().filter_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        let (host, port) = name.strip_suffix(".learned")?.rsplit_once('_')?;
        let is_host = !host.is_empty() && !host.starts_with('-');
        Some((entry.metadata().ok()?.modified().ok()?, host.to_owned(), port.parse().ok()?)).filter(|_| is_host)
    });
    files.max_by_key(|(modified, ..)| *modified).map(|(_, host, port)| (host, port))
}

/// The user's folder for states.
fn folder() -> Option<PathBuf> {
    let folders = etcetera::choose_base_strategy().ok()?;
    Some(folders.state_dir().unwrap_or_else(|| folders.data_dir()).join("comfyglow"))
}

#[cfg(test)]
mod tests {
    use comfyglow_core::{capacity::DesktopCapacity, session::ClientId, text::Id, time::Instant, wire::Wire};

    use super::*;

    fn client(address: &Address) -> Driver<'_> {
        Driver::new(address, address.config(ClientId::Fresh, &[])).expect("the system has random numbers")
    }

    /// A record of one node's time.
    fn record() -> Vec<u8> {
        use comfyglow_core::{
            capacity::DesktopCapacity,
            event::Event,
            reducer::{Action, apply},
            state::State,
        };
        let mut state = Box::new(State::<DesktopCapacity>::new());
        let (prompt_id, node) = (Id::from("p"), Id::from("3"));
        let actions = [
            (0, Action::Text(&Event::ExecutionStart { prompt_id, timestamp: None })),
            (0, Action::GraphNode { prompt_id, node, class: "KSampler" }),
            (0, Action::Graph { prompt_id, nodes: 1 }),
            (0, Action::Text(&Event::Executing { node: Some(node), display_node: None, prompt_id: Some(prompt_id) })),
            (900, Action::Text(&Event::ExecutionSuccess { prompt_id, timestamp: None })),
        ];
        for (at, action) in actions {
            apply(&mut state, Instant::from_millis(at), action, &mut ());
        }
        let mut out = vec![0; 100_000];
        let len = state.export(Instant::ZERO, &mut out).expect("there is room");
        out.truncate(len);
        out
    }

    fn learned(client: &Driver<'_>) -> usize {
        let session: &Wire<'_, DesktopCapacity> = client.session();
        session.state().learned().len()
    }

    #[test]
    fn what_is_saved_is_loaded() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let address: Address = "http://[::1]:8188".parse().expect("it is one");
        let path = folder.path().join("new/folder/file");
        let mut client = client(&address);
        let mut file = LearnedFile::at(&path);
        file.load(&mut client)?;
        file.save(&client)?;
        assert!(!path.exists(), "nothing was learned");
        client.learn(&record()).expect("it is one");
        file.save(&client)?;
        let mut next = self::client(&address);
        LearnedFile::at(&path).load(&mut next)?;
        assert_eq!(learned(&next), 1);
        assert_eq!(fs::read_dir(path.parent().expect("it has one"))?.count(), 1, "no temporary file is left");
        Ok(())
    }

    #[test]
    fn who_learned_nothing_leaves_what_another_session_learned() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let address: Address = "localhost".parse().expect("it is one");
        let path = folder.path().join("file");
        fs::write(&path, record())?;
        let (mut idle, mut file) = (client(&address), LearnedFile::at(&path));
        file.load(&mut idle)?;
        // Meanwhile another session learns more.
        fs::write(&path, b"more")?;
        file.save(&idle)?;
        assert_eq!(fs::read(&path)?, b"more");
        Ok(())
    }

    #[test]
    fn what_is_not_ours_to_replace_is_left() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let address: Address = "localhost".parse().expect("it is one");
        let path = folder.path().join("file");
        let mut newer = record();
        newer[4] = newer[4].wrapping_add(1);
        fs::write(&path, &newer)?;
        let (mut client, mut file) = (client(&address), LearnedFile::at(&path));
        assert!(file.load(&mut client).is_err() && file.is_left());
        client.learn(&record()).expect("it is one");
        file.save(&client)?;
        assert_eq!(fs::read(&path)?, newer);

        let mut file = LearnedFile::at(folder.path());
        assert_eq!(file.load(&mut client).expect_err("it is a folder").to_string(), "it is no regular file");
        assert!(file.is_left());
        Ok(())
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_one() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let address: Address = "localhost".parse().expect("it is one");
        let (path, link) = (folder.path().join("file"), folder.path().join("link"));
        fs::write(&path, b"")?;
        std::os::unix::fs::symlink(&path, &link)?;
        let (mut client, mut file) = (client(&address), LearnedFile::at(&link));
        file.load(&mut client)?;
        client.learn(&record()).expect("it is one");
        file.save(&client)?;
        assert!(fs::symlink_metadata(&link)?.is_symlink());
        LearnedFile::at(&path).load(&mut self::client(&address))
    }

    #[test]
    fn each_server_has_a_file_of_its_own() {
        let name = |url: &str| {
            let file = LearnedFile::of(&url.parse().expect("it is an address"))?;
            Some(file.path().file_name()?.to_string_lossy().into_owned())
        };
        // Without a home there is none.
        if let (Some(one), Some(other)) = (name("http://[::1]:8188"), name("http://desk.local:8189/comfy")) {
            assert!(one.ends_with("_8188.learned") && !one.contains(':'), "{one}");
            assert_eq!(other, "desk.local_8189.learned");
        }
    }

    #[test]
    fn a_damaged_file_is_told_of_and_replaced() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let address: Address = "localhost".parse().expect("it is one");
        let path = folder.path().join("file");
        let mut damaged = record();
        damaged[20] ^= 1;
        fs::write(&path, &damaged)?;
        let mut client = client(&address);
        let mut file = LearnedFile::at(&path);
        let error = file.load(&mut client).expect_err("it is damaged");
        assert_eq!((error.kind(), error.to_string().as_str()), (io::ErrorKind::InvalidData, "the record is damaged"));
        assert_eq!(learned(&client), 0);
        client.learn(&record()).expect("it is one");
        file.save(&client)?;
        LearnedFile::at(&path).load(&mut self::client(&address))
    }
}
