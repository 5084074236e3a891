//! The real servers, Loki and Prometheus, each on its own port with a folder of its own; see `tests/real/README.md`.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use anyhow::{Context, bail};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tempfile::TempDir;
use tokio::time::Instant;
use url::Url;

use crate::agent::http_client;
use crate::receiver::{Entry, PUSH, Sample, WRITE};

/// The longest a server may take to be ready, or to show what it was sent; the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(60);

/// A free port can be taken by another before the server has it; then the server ends and is started anew.
const STARTS: usize = 3;

/// How much a Loki query covers. Loki makes folders for each day of it, so years take it seconds.
const RANGE: Duration = Duration::from_secs(24 * 3600);

static SKIPPED: AtomicUsize = AtomicUsize::new(0);

/// Where a server's binary is: in `MILLSTREAM_REAL`, or in the folder `real` beside the build's `release`.
///
/// None when it is not there: then `test` is skipped, and says so past the capture of its output. With
/// `MILLSTREAM_REQUIRE_REAL=1` that is an error instead.
fn find(name: &str, test: &str) -> anyhow::Result<Option<PathBuf>> {
    let folder = match std::env::var_os("MILLSTREAM_REAL") {
        Some(folder) => PathBuf::from(folder),
        None => {
            // Tests lie in `target/release/deps`, programs in `target/release`.
            let own = std::env::current_exe()?;
            let release = own.ancestors().find(|folder| folder.ends_with("release"));
            release
                .and_then(Path::parent)
                .map(|target| target.join("real"))
                .unwrap_or_default()
        }
    };
    let path = folder.join(name);
    if path.is_file() {
        return Ok(Some(path));
    }
    if std::env::var_os("MILLSTREAM_REQUIRE_REAL").is_some_and(|value| value == "1") {
        bail!("{} is not there: run `make servers`", path.display());
    }
    let count = SKIPPED.fetch_add(1, Ordering::Relaxed) + 1;
    writeln!(
        io::stderr(),
        "\nSKIPPED: {test}: {} is not there: run `make servers`\nSKIPPED so far in this suite: {count}; \
         what was skipped has not passed, whatever the next lines say",
        path.display()
    )?;
    Ok(None)
}

/// A running server. Killed when dropped, its folder removed.
struct Server {
    process: Child,
    base: Url,
    folder: TempDir,
}

impl Server {
    /// Starts a server: `command` makes its command line from a folder and two ports, `ready` is the page that
    /// answers 200 when it is ready.
    async fn start(
        ready: &str,
        command: impl Fn(&Path, u16, u16) -> anyhow::Result<Command>,
    ) -> anyhow::Result<Self> {
        let mut told = String::new();
        for _ in 0..STARTS {
            let folder = tempfile::tempdir()?;
            let (port, second) = ports()?;
            let log = File::create(folder.path().join("server.log"))?;
            let mut command = command(folder.path(), port, second)?;
            let process = command
                .stdin(Stdio::null())
                .stdout(log.try_clone()?)
                .stderr(log)
                .spawn();
            let mut server = Self {
                process: process.with_context(|| format!("cannot start {command:?}"))?,
                base: Url::parse(&format!("http://127.0.0.1:{port}"))?,
                folder,
            };
            if server.wait(ready).await? {
                return Ok(server);
            }
            told = server.log();
        }
        bail!("started {STARTS} times, it ended each time:\n{told}")
    }

    /// Waits until it is ready; false when it has ended instead.
    async fn wait(&mut self, ready: &str) -> anyhow::Result<bool> {
        let client = http_client()?;
        let page = self.base.join(ready)?;
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            let request = client.get(page.clone()).timeout(Duration::from_secs(5)).send();
            let answers = request.await.is_ok_and(|answer| answer.status().is_success());
            // Looked at last: an answer may have come from another server that has this port.
            if self.process.try_wait()?.is_some() {
                return Ok(false);
            }
            if answers {
                return Ok(true);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        bail!("not ready after {PATIENCE:?}:\n{}", self.log())
    }

    /// What it has said so far.
    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("server.log")).unwrap_or_default()
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base.as_str().trim_end_matches('/'))
    }

    async fn text(&self, path: &str, query: &[(&str, &str)]) -> anyhow::Result<String> {
        let url = Url::parse_with_params(&self.url(path), query)?;
        let answer = http_client()?.get(url.clone()).send().await?;
        let status = answer.status();
        let text = answer.text().await?;
        if !status.is_success() {
            bail!("{url}: {status}: {text}\n{}", self.log());
        }
        Ok(text)
    }

    /// Asks a query API; both servers wrap their results alike.
    async fn ask<T: DeserializeOwned>(&self, path: &str, query: &[(&str, &str)]) -> anyhow::Result<Vec<T>> {
        let text = self.text(path, query).await?;
        let reply: Reply<T> = serde_json::from_str(&text).with_context(|| text.clone())?;
        Ok(reply.data.result)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Two ports that are free now.
fn ports() -> anyhow::Result<(u16, u16)> {
    let (first, second) = (
        TcpListener::bind("127.0.0.1:0")?,
        TcpListener::bind("127.0.0.1:0")?,
    );
    Ok((first.local_addr()?.port(), second.local_addr()?.port()))
}

/// A file under `tests/real`.
fn config(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("real").join(name)
}

#[derive(Deserialize)]
struct Reply<T> {
    data: Data<T>,
}

#[derive(Deserialize)]
struct Data<T> {
    result: Vec<T>,
}

#[derive(Deserialize)]
struct Stream {
    stream: BTreeMap<String, String>,
    values: Vec<(String, String)>,
}

#[derive(Deserialize)]
struct Series {
    metric: BTreeMap<String, String>,
    value: (f64, String),
}

/// A running Loki.
pub struct Loki(Server);

impl Loki {
    /// Starts one. None when its binary is not there: then `test`, its name, is skipped.
    ///
    /// # Errors
    /// When it does not come to be ready.
    pub async fn start(test: &str) -> anyhow::Result<Option<Self>> {
        let Some(binary) = find("loki", test)? else {
            return Ok(None);
        };
        let command = |folder: &Path, port: u16, grpc: u16| {
            let mut command = Command::new(&binary);
            command
                .arg(format!("-config.file={}", config("loki.yml").display()))
                .arg("-config.expand-env=true")
                .current_dir(folder)
                .env("LOKI_DIR", folder)
                .env("LOKI_PORT", port.to_string())
                .env("LOKI_GRPC_PORT", grpc.to_string())
                .env_remove("LOKI_AUTH")
                .env_remove("LOKI_RATE_MB");
            Ok(command)
        };
        Ok(Some(Self(Server::start("/ready", command).await?)))
    }

    /// Where it takes entries.
    #[must_use]
    pub fn push_url(&self) -> String {
        self.0.url(PUSH)
    }

    /// The entries that a selector finds in the 24 hours from `start`, by stream, forward in time; 1000 at most.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn entries(&self, selector: &str, start: SystemTime) -> anyhow::Result<Vec<Entry>> {
        self.most_entries(selector, start, 1000).await
    }

    /// The same, at most so many.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn most_entries(
        &self,
        selector: &str,
        start: SystemTime,
        limit: u64,
    ) -> anyhow::Result<Vec<Entry>> {
        let limit = limit.to_string();
        let start = start.duration_since(SystemTime::UNIX_EPOCH)?;
        let (start, end) = (
            start.as_nanos().to_string(),
            (start + RANGE).as_nanos().to_string(),
        );
        let query = [
            ("query", selector),
            ("start", &start),
            ("end", &end),
            ("limit", limit.as_str()),
            ("direction", "forward"),
        ];
        let mut entries = Vec::new();
        for Stream { stream, values } in self.0.ask("/loki/api/v1/query_range", &query).await? {
            let pairs: Vec<String> = stream
                .iter()
                .map(|(name, value)| format!("{name}={value:?}"))
                .collect();
            let labels = format!("{{{}}}", pairs.join(", "));
            for (timestamp, line) in values {
                let timestamp = timestamp.parse()?;
                entries.push(Entry {
                    labels: labels.clone(),
                    timestamp,
                    line,
                    metadata: Vec::new(),
                });
            }
        }
        Ok(entries)
    }

    /// How many entries a selector finds in the 24 hours from `start`.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn count(&self, selector: &str, start: SystemTime) -> anyhow::Result<u64> {
        let end = start.duration_since(SystemTime::UNIX_EPOCH)? + RANGE;
        let query = format!("sum(count_over_time({selector}[24h]))");
        let time = end.as_nanos().to_string();
        let found: Vec<Series> = self
            .0
            .ask("/loki/api/v1/query", &[("query", &query), ("time", &time)])
            .await?;
        match found.first() {
            Some(series) => Ok(series.value.1.parse()?),
            None => Ok(0),
        }
    }

    /// Waits until a selector finds at least so many entries in the 24 hours from `start`.
    ///
    /// # Errors
    /// When it does not in time.
    pub async fn wait_for(
        &self,
        selector: &str,
        start: SystemTime,
        least: usize,
    ) -> anyhow::Result<Vec<Entry>> {
        let end = Instant::now() + PATIENCE;
        loop {
            let entries = self.entries(selector, start).await?;
            if entries.len() >= least {
                return Ok(entries);
            }
            if Instant::now() > end {
                bail!(
                    "{selector} finds {} of {least} entries:\n{}",
                    entries.len(),
                    self.0.log()
                );
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// How many lines it has taken, the same ones twice.
    ///
    /// # Errors
    /// When its metrics cannot be read.
    pub async fn lines_received(&self) -> anyhow::Result<f64> {
        let page = self.0.text("/metrics", &[]).await?;
        let lines = page
            .lines()
            .filter(|line| line.starts_with("loki_distributor_lines_received_total"));
        Ok(lines
            .filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok())
            .sum())
    }
}

/// A running Prometheus.
pub struct Prometheus(Server);

impl Prometheus {
    /// Starts one. None when its binary is not there: then `test`, its name, is skipped.
    ///
    /// # Errors
    /// When it does not come to be ready.
    pub async fn start(test: &str) -> anyhow::Result<Option<Self>> {
        let Some(binary) = find("prometheus", test)? else {
            return Ok(None);
        };
        let command = |folder: &Path, port: u16, _: u16| {
            let mut command = Command::new(&binary);
            command
                .arg(format!("--config.file={}", config("prometheus.yml").display()))
                .arg(format!("--storage.tsdb.path={}", folder.join("data").display()))
                .arg(format!("--web.listen-address=127.0.0.1:{port}"))
                .args(["--web.enable-remote-write-receiver", "--log.level=warn"])
                .current_dir(folder);
            Ok(command)
        };
        Ok(Some(Self(Server::start("/-/ready", command).await?)))
    }

    /// Where it takes samples.
    #[must_use]
    pub fn write_url(&self) -> String {
        self.0.url(WRITE)
    }

    /// What an instant query gives now; labels sorted by name.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn samples(&self, query: &str) -> anyhow::Result<Vec<Sample>> {
        let series: Vec<Series> = self.0.ask("/api/v1/query", &[("query", query)]).await?;
        let samples = series.into_iter().map(
            |Series {
                 metric,
                 value: (time, value),
             }| {
                let timestamp = (time * 1000.0) as i64;
                Ok(Sample {
                    labels: metric.into_iter().collect(),
                    value: value.parse()?,
                    timestamp,
                })
            },
        );
        samples.collect()
    }

    /// Waits until a query gives anything.
    ///
    /// # Errors
    /// When it does not in time.
    pub async fn wait_for(&self, query: &str) -> anyhow::Result<Vec<Sample>> {
        let end = Instant::now() + PATIENCE;
        loop {
            let samples = self.samples(query).await?;
            if !samples.is_empty() {
                return Ok(samples);
            }
            if Instant::now() > end {
                bail!("{query} gives nothing:\n{}", self.0.log());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}
