//! Files over several workers.

use super::*;
use crate::sources::Lanes;

/// A running source that feeds one pipeline of two workers.
struct Pair {
    workers: [mpsc::Receiver<LogParcel>; 2],
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Pair {
    fn start(place: &Place, lanes: &Arc<Lanes>) -> Self {
        let metrics = Arc::new(FileMetrics::register(&Registry::new()).unwrap());
        let (one, first) = mpsc::channel(4);
        let (other, second) = mpsc::channel(4);
        let outlet = Outlet::spread(3, lanes.clone(), [(0, vec![one, other])]);
        let book = CheckpointBook::open(&place.state()).unwrap();
        let source = FileSource::new("app", place.settings(), outlet, book, metrics).unwrap();
        let stop = CancellationToken::new();
        Self {
            workers: [first, second],
            task: tokio::spawn(source.run(stop.clone())),
            stop,
        }
    }

    /// Lines that came to a worker, until there are `count`.
    async fn lines(&mut self, worker: usize, count: usize) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        while lines.len() < count {
            let parcel = timeout(PATIENCE, self.workers[worker].recv()).await;
            let parcel = parcel.expect("no line came").unwrap();
            lines.extend(parcel.batch.lines.iter().map(str::to_owned));
        }
        lines
    }

    async fn stop(self) {
        self.stop.cancel();
        timeout(PATIENCE, self.task).await.unwrap().unwrap();
    }
}

/// Numbered lines, far more than a worker's queue holds.
fn many(name: &str) -> (String, Vec<String>) {
    let lines: Vec<String> = (0..50_000).map(|number| format!("{name} {number}")).collect();
    (lines.join("\n") + "\n", lines)
}

#[tokio::test]
async fn a_worker_that_takes_nothing_holds_up_no_file_of_another() {
    let place = Place::new();
    let (text, lines) = many("a");
    place.append("a.log", &text);
    let mut pair = Pair::start(&place, &Arc::default());
    // Now the first worker has had enough to fill its queue again.
    let mut came = pair.lines(0, 1).await;
    place.append("b.log", "b\n");
    assert_eq!(pair.lines(1, 1).await, ["b"]);
    // The third file, whose worker is the full one.
    place.append("c.log", "c\n");
    place.append("b.log", "more of b\n");
    assert_eq!(pair.lines(1, 1).await, ["more of b"]);
    // What waited comes whole and in order, and so does what waited behind it.
    let left = lines.len() + 1 - came.len();
    came.extend(pair.lines(0, left).await);
    assert!(
        came.contains(&"c".to_owned()),
        "the other file of a full worker starved"
    );
    came.retain(|line| line != "c");
    assert!(came == lines, "lines of a are missing, twice or out of order");
    pair.stop().await;
}

#[tokio::test]
async fn a_file_keeps_its_worker_over_rotations_and_reloads() {
    let place = Place::new();
    let lanes = Arc::default();
    place.append("a.log", "a 1\n");
    let mut pair = Pair::start(&place, &lanes);
    assert_eq!(pair.lines(0, 1).await, ["a 1"]);
    place.append("b.log", "b 1\n");
    assert_eq!(pair.lines(1, 1).await, ["b 1"]);
    fs::rename(place.path("a.log"), place.path("a.log.1")).unwrap();
    place.append("c.log", "c 1\n");
    assert_eq!(
        pair.lines(0, 1).await,
        ["c 1"],
        "the third file, the first worker again"
    );
    place.append("a.log", "a 2\n");
    assert_eq!(pair.lines(0, 1).await, ["a 2"], "another file of the same name");
    pair.stop().await;
    // Another source in its place, which finds the files in another order.
    let mut pair = Pair::start(&place, &lanes);
    place.append("b.log", "b 2\n");
    place.append("a.log", "a 3\n");
    assert_eq!(pair.lines(1, 2).await.last().unwrap(), "b 2");
    pair.stop().await;
}
