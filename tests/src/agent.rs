//! The built binary, run as a user would.

use std::fs;
use std::io::{self, BufRead, BufReader};
use std::os::unix::fs::{DirBuilderExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::users;

/// The longest a test waits for something that should come at once; the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(60);

/// The longest a reload takes: a new plugin with an interpreter in it is ten seconds of compiling on a quiet machine.
const COMPILED: Duration = Duration::from_secs(240);

/// Where the binary under test is: `MILLSTREAM_BIN`, or beside this test's own binary.
///
/// # Errors
/// When it was not built.
pub fn binary() -> anyhow::Result<PathBuf> {
    if let Some(path) = std::env::var_os("MILLSTREAM_BIN") {
        return Ok(path.into());
    }
    let own = std::env::current_exe()?;
    // Tests lie in `release/deps`, programs in `release`.
    let built = own
        .ancestors()
        .skip(1)
        .take(2)
        .map(|folder| folder.join("millstream"))
        .find(|path| path.is_file());
    built.context("no `millstream` is built beside this program: run `make build` first")
}

/// Runs the binary to its end.
///
/// # Errors
/// When it cannot be started.
pub fn millstream<S: AsRef<std::ffi::OsStr>>(
    arguments: impl IntoIterator<Item = S>,
) -> anyhow::Result<Output> {
    Command::new(binary()?)
        .args(arguments)
        .env("NO_COLOR", "1")
        .output()
        .context("cannot start millstream")
}

/// How to run the binary.
#[derive(Clone, Debug)]
pub struct Launch {
    folder: PathBuf,
    storage: PathBuf,
    user: Option<u32>,
    descriptors: Option<(u64, u64)>,
    cores: Option<String>,
}

impl Launch {
    /// With the manifest and the storage in `folder`.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            storage: folder.join("state"),
            user: None,
            descriptors: None,
            cores: None,
        }
    }

    /// With its storage elsewhere.
    #[must_use]
    pub fn storage(mut self, path: &Path) -> Self {
        path.clone_into(&mut self.storage);
        self
    }

    /// As this user and group; needs root.
    #[must_use]
    pub fn user(mut self, id: u32) -> Self {
        self.user = Some(id);
        self
    }

    /// With these limits (soft, hard) for open descriptors.
    #[must_use]
    pub fn descriptors(mut self, soft: u64, hard: u64) -> Self {
        self.descriptors = Some((soft, hard));
        self
    }

    /// On these cores only, as `taskset` writes them.
    #[must_use]
    pub fn cores(mut self, cores: &str) -> Self {
        self.cores = Some(cores.to_owned());
        self
    }

    /// Puts compiled plugins into its storage, so that it starts within milliseconds: a kill would otherwise meet
    /// nothing but the compiler. They are compiled once per build of the binary and kept beside it.
    ///
    /// # Errors
    /// When they cannot be compiled or copied.
    pub async fn warm_up(&self) -> anyhow::Result<()> {
        static COMPILED: tokio::sync::OnceCell<PathBuf> = tokio::sync::OnceCell::const_new();
        let from = COMPILED.get_or_try_init(|| Box::pin(compiled())).await?;
        let to = self.storage.join("compiled");
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&to)?;
        for file in fs::read_dir(from)? {
            let file = file?;
            let copy = to.join(file.file_name());
            fs::copy(file.path(), &copy)?;
            if self.user.is_some() {
                chown(&copy, self.user, self.user)?;
            }
        }
        if self.user.is_some() {
            chown(&to, self.user, self.user)?;
        }
        Ok(())
    }

    /// Runs it until it says that it runs.
    ///
    /// # Errors
    /// When it does not come to run.
    pub async fn start(&self, manifest: &str) -> anyhow::Result<Agent> {
        let mut agent = self.spawn(manifest)?;
        agent.wait_until_running().await?;
        Ok(agent)
    }

    /// Runs it and does not wait for anything.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn spawn(&self, manifest: &str) -> anyhow::Result<Agent> {
        let path = self.folder.join("millstream.yaml");
        fs::write(&path, manifest)?;
        let mut program = binary()?;
        if self.user.is_some() {
            // Another user may not be able to reach where it was built.
            let copy = self.folder.join("millstream");
            if !copy.exists() {
                fs::copy(&program, &copy)?;
            }
            program = copy;
        }
        // Both become the program they start, so the process id is the agent's.
        let mut command = match (self.descriptors, &self.cores) {
            (Some((soft, hard)), _) => {
                let mut command = Command::new("prlimit");
                command.arg(format!("--nofile={soft}:{hard}")).arg(program);
                command
            }
            (None, Some(cores)) => {
                let mut command = Command::new("taskset");
                command.args(["-c", cores]).arg(program);
                command
            }
            (None, None) => Command::new(program),
        };
        if let Some(id) = self.user {
            command.uid(id).gid(id);
        }
        let mut process = command
            .arg("run")
            .arg(&path)
            .args(["--listen", "127.0.0.1:0", "--log-format", "json"])
            .arg("--storage-path")
            .arg(&self.storage)
            .stderr(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start millstream")?;
        let log = Arc::new(Log::default());
        let stderr = process.stderr.take().context("no stderr")?;
        let writer = log.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                writer
                    .lines
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(line);
                writer.changed.notify_one();
            }
            writer.changed.notify_one();
            writer.end.cancel();
        });
        Ok(Agent {
            process,
            log,
            address: String::new(),
        })
    }
}

/// The plugins, compiled by a run of the binary since it was built.
async fn compiled() -> anyhow::Result<PathBuf> {
    let binary = binary()?;
    let shelf = binary.with_file_name("compiled-plugins");
    let time = |path: &Path| fs::metadata(path).and_then(|metadata| metadata.modified());
    if time(&shelf).is_ok_and(|made| time(&binary).is_ok_and(|built| made > built)) {
        return Ok(shelf);
    }
    let folder = tempfile::tempdir_in(binary.parent().context("the binary is in no folder")?)?;
    let nobody = "http://127.0.0.1:1/loki/api/v1/push";
    let manifest = users::manifest_with(folder.path(), nobody, users::TIME, "batch_wait: 1s");
    Launch::new(folder.path()).start(&manifest).await?.stop().await?;
    if shelf.exists() {
        fs::remove_dir_all(&shelf)?;
    }
    fs::rename(folder.path().join("state/compiled"), &shelf)?;
    Ok(shelf)
}

/// A running agent. Killed when dropped.
pub struct Agent {
    process: Child,
    log: Arc<Log>,
    address: String,
}

#[derive(Default)]
struct Log {
    lines: Mutex<Vec<String>>,
    changed: Notify,
    /// Cancelled when there is no more to come.
    end: CancellationToken,
}

impl Agent {
    /// Writes the manifest into `folder` and runs it with its state there too, until it says that it runs.
    ///
    /// # Errors
    /// When it does not come to run.
    pub async fn start(folder: &Path, manifest: &str) -> anyhow::Result<Self> {
        Launch::new(folder).start(manifest).await
    }

    /// Waits until it says that it runs.
    ///
    /// # Errors
    /// When it does not come to run.
    pub async fn wait_until_running(&mut self) -> anyhow::Result<()> {
        let running = self.wait_for_log("\"running\"").await?;
        let value: serde_json::Value = serde_json::from_str(&running)?;
        let address = value.pointer("/fields/address").or(value.get("address"));
        self.address = address
            .and_then(|address| address.as_str())
            .context("no address in the log")?
            .to_owned();
        Ok(())
    }

    /// Where its admin server listens: `HOST:PORT`.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Kills it (SIGKILL) and waits until it is gone.
    ///
    /// # Errors
    /// When it cannot be killed.
    pub fn kill(mut self) -> io::Result<()> {
        self.process.kill()?;
        self.process.wait().map(drop)
    }

    /// Its log so far.
    #[must_use]
    pub fn log(&self) -> Vec<String> {
        self.log
            .lines
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Waits until a line of its log holds `words`.
    ///
    /// # Errors
    /// When none does in time; the log is in the message.
    pub async fn wait_for_log(&self, words: &str) -> anyhow::Result<String> {
        let wait = async {
            loop {
                if let Some(line) = self.log().into_iter().find(|line| line.contains(words)) {
                    return line;
                }
                // A line may come between the look and the wait.
                let _ = tokio::time::timeout(Duration::from_millis(100), self.log.changed.notified()).await;
            }
        };
        match tokio::time::timeout(PATIENCE, wait).await {
            Ok(line) => Ok(line),
            Err(_) => bail!("no log line holds {words:?}; the log:\n{}", self.log().join("\n")),
        }
    }

    /// A page of its admin server: status and text.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn get(&self, path: &str) -> anyhow::Result<(u16, String)> {
        let answer = http_client()?
            .get(format!("http://{}{path}", self.address))
            .send()
            .await?;
        Ok((answer.status().as_u16(), answer.text().await?))
    }

    /// Asks for a reload: status and text.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn reload(&self) -> anyhow::Result<(u16, String)> {
        let answer = http_client()?
            .post(format!("http://{}/-/reload", self.address))
            .timeout(COMPILED)
            .send()
            .await?;
        Ok((answer.status().as_u16(), answer.text().await?))
    }

    /// The value of a metric: the sum over all series whose line starts with `series`.
    ///
    /// # Errors
    /// When the page cannot be read.
    pub async fn metric(&self, series: &str) -> anyhow::Result<f64> {
        let (_, page) = self.get("/metrics").await?;
        let values = page
            .lines()
            .filter(|line| line.starts_with(series))
            .filter_map(|line| line.rsplit_once(' '));
        Ok(values.filter_map(|(_, value)| value.parse::<f64>().ok()).sum())
    }

    /// Waits until a metric has at least this value.
    ///
    /// # Errors
    /// When it does not in time; the page is in the message.
    pub async fn wait_for_metric(&self, series: &str, least: f64) -> anyhow::Result<()> {
        let wait = async {
            while self.metric(series).await? < least {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            anyhow::Ok(())
        };
        match tokio::time::timeout(PATIENCE, wait).await {
            Ok(done) => done,
            Err(_) => bail!("{series} is below {least}:\n{}", self.get("/metrics").await?.1),
        }
    }

    /// Sends a signal, such as `TERM`.
    ///
    /// # Errors
    /// When it cannot be sent.
    pub fn signal(&self, name: &str) -> io::Result<()> {
        let status = Command::new("kill")
            .arg(format!("-{name}"))
            .arg(self.process.id().to_string())
            .status()?;
        if status.success() {
            Ok(())
        } else {
            Err(io::Error::other("kill failed"))
        }
    }

    /// Reads its stdout no more: what it prints there finds no reader.
    pub fn close_stdout(&mut self) {
        drop(self.process.stdout.take());
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// SIGTERM, and waits for its end.
    ///
    /// # Errors
    /// When it does not end.
    pub async fn stop(self) -> anyhow::Result<ExitStatus> {
        Ok(self.stop_and_log().await?.0)
    }

    /// Likewise, with its whole log.
    ///
    /// # Errors
    /// When it does not end.
    pub async fn stop_and_log(mut self) -> anyhow::Result<(ExitStatus, Vec<String>)> {
        self.signal("TERM")?;
        for _ in 0..1200 {
            if let Some(status) = self.process.try_wait()? {
                self.log.end.cancelled().await;
                return Ok((status, self.log()));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        bail!("it does not stop; the log:\n{}", self.log().join("\n"))
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A plain HTTP client for loopback.
///
/// # Errors
/// When it cannot be built.
pub fn http_client() -> anyhow::Result<reqwest::Client> {
    let settings = millstream::transport::ClientSettings::default();
    Ok(millstream::transport::client(&settings, Duration::from_secs(30))?)
}
