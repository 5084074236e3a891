//! The built binary, run as a user would.

use std::fs;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// The longest a test waits for something that should come at once; the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(60);

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
        let path = folder.join("millstream.yaml");
        fs::write(&path, manifest)?;
        let mut process = Command::new(binary()?)
            .arg("run")
            .arg(&path)
            .args([
                "--listen",
                "127.0.0.1:0",
                "--log-format",
                "json",
                "--storage-path",
            ])
            .arg(folder.join("state"))
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
        let mut agent = Self {
            process,
            log,
            address: String::new(),
        };
        let running = agent.wait_for_log("\"running\"").await?;
        let value: serde_json::Value = serde_json::from_str(&running)?;
        let address = value.pointer("/fields/address").or(value.get("address"));
        agent.address = address
            .and_then(|address| address.as_str())
            .context("no address in the log")?
            .to_owned();
        Ok(agent)
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
