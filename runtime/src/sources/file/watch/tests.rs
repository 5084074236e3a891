use std::fs::{self, OpenOptions};
use std::io::Write;
use std::sync::Arc;

use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::*;

/// A watched folder with one watched file.
struct Watched {
    dir: tempfile::TempDir,
    hints: Arc<Hints>,
    task: JoinHandle<()>,
}

impl Watched {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a.log");
        fs::write(&file, "").unwrap();
        let hints = Arc::new(Hints::default());
        hints.want([file.as_path()].into_iter(), [dir.path()].into_iter());
        let watching = hints.clone();
        let task = tokio::spawn(async move { watch(&watching).await });
        let watched = Self { dir, hints, task };
        watched.until(|news| news.everything).await;
        watched
    }

    fn append(&self, text: &str) {
        OpenOptions::new()
            .append(true)
            .open(self.file())
            .unwrap()
            .write_all(text.as_bytes())
            .unwrap();
    }

    fn file(&self) -> PathBuf {
        self.dir.path().join("a.log")
    }

    async fn until(&self, enough: impl Fn(&News) -> bool) {
        let wait = async {
            while !enough(&self.hints.take()) {
                self.hints.wait().await;
            }
        };
        timeout(Duration::from_secs(20), wait)
            .await
            .expect("no such hint came");
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[tokio::test]
async fn changes_and_new_files_become_hints() {
    let watched = Watched::new().await;
    watched.append("one\n");
    watched.until(|news| news.changed.contains(&watched.file())).await;
    fs::write(watched.dir.path().join("b.log"), "").unwrap();
    watched.until(|news| news.listing).await;
    fs::rename(watched.file(), watched.dir.path().join("a.log.1")).unwrap();
    watched.until(|news| news.listing).await;
    fs::write(watched.file(), "anew\n").unwrap();
    watched.until(|news| news.changed.contains(&watched.file())).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    let _ = watched.hints.take();
    watched.append("after the rotation\n");
    watched.until(|news| news.changed.contains(&watched.file())).await;
    assert!(!watched.hints.is_deaf());
}

#[tokio::test]
async fn a_flood_of_events_is_turned_into_looks() {
    let watched = Watched::new().await;
    let flooded = || watched.hints.state().flooded;
    for _ in 0..200 {
        for _ in 0..FLOOD {
            watched.append("x");
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
        if flooded() {
            break;
        }
    }
    assert!(flooded());
    let _ = watched.hints.take();
    watched.append("still found\n");
    watched.until(|news| news.changed.contains(&watched.file())).await;
    watched.until(|news| news.listing).await;
    watched.hints.missed(&watched.file());
    assert!(!watched.hints.is_deaf(), "that no event came says nothing now");
}

#[tokio::test]
async fn what_cannot_be_watched_makes_deaf() {
    let watched = Watched::new().await;
    assert!(!watched.hints.is_deaf());
    // A directory in place of a file stands for any error of the watch.
    watched
        .hints
        .want([watched.dir.path()].into_iter(), [watched.dir.path()].into_iter());
    watched.until(|news| news.everything).await;
    assert!(watched.hints.is_deaf());
}

#[tokio::test]
async fn missed_changes_make_blind_and_set_watches_anew() {
    let watched = Watched::new().await;
    watched.hints.missed(&watched.file());
    assert!(watched.hints.is_deaf());
    watched.until(|news| news.everything).await;
    watched.append("x");
    watched.until(|news| news.changed.contains(&watched.file())).await;
    assert!(watched.hints.is_deaf(), "for good");
}
