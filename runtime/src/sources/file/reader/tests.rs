//! Whole sources over real files: rotation, restarts, back-pressure.

mod generations;
mod gzip;
mod lanes;
mod lost;
mod model;
mod restart;
mod rotation;

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use prometheus::Registry;
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::Reader;
use crate::sources::file::table::Table;
use crate::sources::file::{CheckpointBook, FileMetrics, FileSettings, FileSource, LongLine, StartAt};
use crate::sources::{LogParcel, Outlet, Settled};

/// Far more than anything here takes; only a failing test waits so long.
const PATIENCE: Duration = Duration::from_secs(20);

/// A folder of logs and a folder of checkpoints.
struct Place {
    dir: TempDir,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("logs")).unwrap();
        Self { dir }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join("logs").join(name)
    }

    fn append(&self, name: &str, text: impl AsRef<[u8]>) {
        append(&self.path(name), text.as_ref());
    }

    fn settings(&self) -> FileSettings {
        FileSettings {
            include: vec![self.path("*.log").display().to_string()],
            rescan: Duration::from_millis(300),
            ..FileSettings::default()
        }
    }

    fn start(&self, settings: FileSettings) -> Run {
        self.start_with(settings, 64)
    }

    fn state(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    /// Starts a source whose pipeline takes so many parcels before it is full.
    fn start_with(&self, settings: FileSettings, room: usize) -> Run {
        self.start_on(CheckpointBook::open(&self.state()).unwrap(), settings, room)
    }

    /// The same in a process that goes on, as after a reload.
    fn start_on(&self, book: Arc<CheckpointBook>, settings: FileSettings, room: usize) -> Run {
        let registry = Registry::new();
        let metrics = Arc::new(FileMetrics::register(&registry).unwrap());
        let (pipe, parcels) = mpsc::channel(room);
        let source = FileSource::new(
            "app",
            settings,
            Outlet::new(3, [(0, pipe)]),
            book.clone(),
            metrics,
        )
        .unwrap();
        let stop = CancellationToken::new();
        let task = tokio::spawn(source.run(stop.clone()));
        Run {
            book,
            registry,
            parcels,
            stop,
            task,
            last_stamp: i64::MIN,
        }
    }
}

fn append(path: &Path, bytes: &[u8]) {
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .unwrap()
        .write_all(bytes)
        .unwrap();
}

/// A running source.
struct Run {
    book: Arc<CheckpointBook>,
    registry: Registry,
    parcels: mpsc::Receiver<LogParcel>,
    stop: CancellationToken,
    task: JoinHandle<()>,
    last_stamp: i64,
}

impl Run {
    /// The next parcel, after checking what is true of every parcel.
    async fn parcel(&mut self) -> LogParcel {
        let parcel = timeout(PATIENCE, self.parcels.recv())
            .await
            .expect("no line came")
            .unwrap();
        let batch = &parcel.batch;
        assert_eq!(parcel.source, 3);
        assert!(!batch.is_empty());
        for length in [batch.lines.len(), batch.streams.len(), parcel.ends.len()] {
            assert_eq!(length, batch.timestamps.len());
        }
        for &stamp in &batch.timestamps {
            assert!(stamp > self.last_stamp, "times ascend strictly");
            self.last_stamp = stamp;
        }
        assert!(batch.streams.iter().all(|&stream| stream == 0) && batch.labels.len() == 1);
        assert!(batch.seqs.is_empty() && batch.fields.is_empty() && batch.metadata.is_empty());
        parcel
    }

    /// Lines until there are `count`, with the name of their file.
    async fn lines(&mut self, count: usize) -> Vec<(String, String)> {
        let mut lines = Vec::new();
        while lines.len() < count {
            let parcel = self.parcel().await;
            self.settle(&parcel);
            let labels = parcel.batch.labels_of(0);
            let name = Path::new(labels.get("filename").unwrap())
                .file_name()
                .unwrap()
                .to_string_lossy()
                .into_owned();
            lines.extend(
                parcel
                    .batch
                    .lines
                    .iter()
                    .map(|line| (name.clone(), line.to_owned())),
            );
        }
        assert_eq!(lines.len(), count, "{:?}", &lines[count..]);
        lines
    }

    async fn texts(&mut self, count: usize) -> Vec<String> {
        self.lines(count)
            .await
            .into_iter()
            .map(|(_, text)| text)
            .collect()
    }

    fn settle(&self, parcel: &LogParcel) {
        self.book.settled(0, parcel.origin, *parcel.ends.last().unwrap());
    }

    /// Nothing more comes within a while.
    async fn silence(&mut self) {
        let more = timeout(Duration::from_millis(700), self.parcels.recv()).await;
        assert!(more.is_err(), "{more:?}");
    }

    async fn stop(self) {
        let book = self.end().await;
        book.save().unwrap();
    }

    /// Stops without saving.
    async fn end(self) -> Arc<CheckpointBook> {
        self.stop.cancel();
        timeout(PATIENCE, self.task).await.unwrap().unwrap();
        self.book
    }

    fn metric(&self, name: &str) -> f64 {
        let families = self.registry.gather();
        let family = families.iter().find(|family| family.name() == name);
        let metrics = family.into_iter().flat_map(|family| family.get_metric());
        metrics
            .map(|metric| metric.get_counter().get_value() + metric.get_gauge().get_value())
            .sum()
    }
}

#[tokio::test]
async fn lines_come_with_labels_and_at_once() {
    let place = Place::new();
    place.append("a.log", "one\n");
    let mut settings = place.settings();
    settings.labels = [
        ("job".to_owned(), "test".to_owned()),
        ("filename".to_owned(), "mine".to_owned()),
    ]
    .into();
    settings.rescan = Duration::from_secs(3600);
    let mut run = place.start(settings);
    let parcel = run.parcel().await;
    let labels = parcel.batch.labels_of(0);
    assert_eq!(labels.get("job"), Some("test"));
    assert_eq!(labels.get("filename"), place.path("a.log").to_str());
    assert_eq!(parcel.ends, [4]);
    tokio::time::sleep(Duration::from_millis(200)).await;
    let mut waits = Vec::new();
    for round in 0..20 {
        let begun = tokio::time::Instant::now();
        place.append("a.log", format!("line {round}\n"));
        assert_eq!(run.texts(1).await, [format!("line {round}")]);
        waits.push(begun.elapsed());
    }
    waits.sort();
    eprintln!(
        "an appended line took {:?} (median of 20), {:?} at most",
        waits[10], waits[19]
    );
    assert!(waits[10] < Duration::from_millis(200), "{waits:?}");
    place.append("b.log", "new file\n");
    assert_eq!(run.lines(1).await, [("b.log".to_owned(), "new file".to_owned())]);
    assert_eq!(run.metric("loki_source_file_files_active_total"), 2.0);
    assert_eq!(run.metric("loki_source_file_read_lines_total"), 22.0);
    run.stop().await;
}

#[tokio::test]
async fn without_events_files_are_looked_at_by_the_clock() {
    for (rescan, deaf) in [
        (Duration::from_millis(300), false),
        (Duration::from_secs(3600), true),
    ] {
        let place = Place::new();
        place.append("a.log", "one\n");
        let settings = FileSettings {
            rescan,
            ..place.settings()
        };
        let book = CheckpointBook::open(&place.dir.path().join("state")).unwrap();
        let metrics = Arc::new(FileMetrics::register(&Registry::new()).unwrap());
        let (pipe, mut parcels) = mpsc::channel(8);
        let source = FileSource::new("app", settings, Outlet::new(0, [(0, pipe)]), book, metrics).unwrap();
        if deaf {
            source.parts.hints.missed(&place.path("a.log"));
        }
        // A reader without a watch.
        let stop = CancellationToken::new();
        let task = tokio::spawn(
            Reader::new(Table::new(source.parts), source.outlet, source.rest, stop.clone()).run(),
        );
        let mut next = async || {
            timeout(PATIENCE, parcels.recv())
                .await
                .unwrap()
                .unwrap()
                .batch
                .lines
                .get(0)
                .to_owned()
        };
        assert_eq!(next().await, "one");
        place.append("a.log", "two\n");
        assert_eq!(next().await, "two");
        place.append("b.log", "three\n");
        assert_eq!(next().await, "three");
        stop.cancel();
        task.await.unwrap();
    }
}

#[tokio::test]
async fn one_file_under_many_names_is_read_once() {
    let place = Place::new();
    place.append("a.log", "one\n");
    std::os::unix::fs::symlink(place.path("a.log"), place.path("b.log")).unwrap();
    fs::hard_link(place.path("a.log"), place.path("c.log")).unwrap();
    let mut settings = place.settings();
    settings.include.push(place.path("a.*").display().to_string());
    let mut run = place.start(settings);
    assert_eq!(run.lines(1).await, [("a.log".to_owned(), "one".to_owned())]);
    place.append("b.log", "two\n");
    assert_eq!(run.lines(1).await, [("a.log".to_owned(), "two".to_owned())]);
    run.silence().await;
    run.stop().await;
}

#[tokio::test]
async fn an_unfinished_line_waits_and_is_then_taken() {
    let place = Place::new();
    place.append("a.log", "one\ntw");
    let mut settings = place.settings();
    settings.idle_flush = Duration::from_millis(400);
    let mut run = place.start(settings);
    assert_eq!(run.texts(1).await, ["one"]);
    place.append("a.log", "o");
    let begun = tokio::time::Instant::now();
    assert_eq!(run.texts(1).await, ["two"]);
    assert!(
        begun.elapsed() > Duration::from_millis(300),
        "{:?}",
        begun.elapsed()
    );
    place.append("a.log", "\nthree\n");
    assert_eq!(run.texts(1).await, ["three"]);
    run.silence().await;
    run.stop().await;
}

#[tokio::test]
async fn bad_files_do_not_stop_the_good() {
    let place = Place::new();
    place.append("binary.log", b"\x89PNG\0\0\0\n");
    place.append("latin.log", b"caf\xE9\n");
    place.append("long.log", "a very long line\nshort\n");
    fs::create_dir(place.path("folder.log")).unwrap();
    let mut settings = place.settings();
    // A plain file of which every read fails.
    settings.include.push("/proc/self/mem".to_owned());
    settings.max_line_size = 8;
    settings.on_long_line = LongLine::Skip;
    let mut run = place.start(settings);
    let mut lines = run.lines(2).await;
    lines.sort();
    assert_eq!(
        lines,
        [
            ("latin.log".to_owned(), "caf\u{FFFD}".to_owned()),
            ("long.log".to_owned(), "short".to_owned())
        ]
    );
    run.silence().await;
    assert_eq!(run.metric("millstream_source_file_binary_files_total"), 1.0);
    assert_eq!(run.metric("millstream_source_file_invalid_utf8_total"), 1.0);
    assert_eq!(run.metric("millstream_source_file_long_lines_total"), 1.0);
    assert!(run.metric("millstream_source_file_read_errors_total") >= 1.0);
    fs::write(place.path("binary.log"), "text\n").unwrap();
    assert_eq!(run.texts(1).await, ["text"], "written anew it may be text");
    run.stop().await;
}

#[tokio::test]
async fn a_hot_file_does_not_starve_the_others() {
    let place = Place::new();
    place.append("a-hot.log", "the same line over and over\n".repeat(1_000_000));
    place.append("b-small.log", "small\n");
    let mut run = place.start_with(place.settings(), 1);
    let mut before = 0;
    while &*run.parcel().await.batch.lines.get(0).to_owned() != "small" {
        before += 1;
    }
    assert!(before < 60, "{before} parcels of the hot file went first");
    run.stop().await;
}

#[tokio::test]
async fn start_at_end_is_for_what_is_there_at_the_start() {
    let place = Place::new();
    place.append("a.log", "old\nunfin");
    let settings = FileSettings {
        start_at: StartAt::End,
        ..place.settings()
    };
    let mut run = place.start(settings.clone());
    tokio::time::sleep(Duration::from_millis(300)).await;
    place.append("a.log", "ished\n");
    assert_eq!(run.texts(1).await, ["unfinished"]);
    place.append("b.log", "first of a later file\n");
    assert_eq!(run.texts(1).await, ["first of a later file"]);
    run.stop().await;
    place.append("a.log", "while down\n");
    let mut run = place.start(settings);
    assert_eq!(
        run.texts(1).await,
        ["while down"],
        "the checkpoint counts, not the setting"
    );
    run.stop().await;
}

#[tokio::test]
async fn stop_ends_a_source_whose_pipeline_is_full() {
    let place = Place::new();
    place.append("a.log", "line\n".repeat(100_000));
    let run = place.start_with(place.settings(), 1);
    tokio::time::sleep(Duration::from_millis(200)).await;
    run.stop().await;
}

#[tokio::test]
async fn a_source_ends_with_its_pipelines() {
    let place = Place::new();
    place.append("a.log", "line\n");
    let Run { task, parcels, .. } = place.start(place.settings());
    drop(parcels);
    timeout(PATIENCE, task).await.unwrap().unwrap();
}

#[tokio::test]
async fn settings_that_cannot_work_are_refused() {
    let place = Place::new();
    let book = CheckpointBook::open(place.dir.path()).unwrap();
    let metrics = Arc::new(FileMetrics::register(&Registry::new()).unwrap());
    let build =
        |settings| FileSource::new("app", settings, Outlet::new(0, []), book.clone(), metrics.clone());
    let error = build(FileSettings {
        include: vec!["/[".into()],
        ..FileSettings::default()
    })
    .unwrap_err();
    assert_eq!(error.to_string(), r#"reading the globs of the file source "app""#);
    assert!(
        build(FileSettings {
            encoding: "klingon".into(),
            ..FileSettings::default()
        })
        .is_err()
    );
}
