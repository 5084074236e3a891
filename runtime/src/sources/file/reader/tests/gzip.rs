//! Generations that gzip has packed.

use std::io::Read;
use std::time::SystemTime;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;

fn block(name: &str, count: usize) -> String {
    (0..count)
        .map(|number| {
            format!(
                "2026-11-22T10:00:00Z INFO a line that is long enough to tell files apart: {name} {number}\n"
            )
        })
        .collect()
}

fn expected(blocks: &[String]) -> Vec<String> {
    blocks.concat().lines().map(str::to_owned).collect()
}

fn packed(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

/// What `gzip name` does: another inode with the time of the packed file, which goes.
fn gzip(place: &Place, name: &str) {
    let (plain, gz) = (place.path(name), place.path(&format!("{name}.gz")));
    let mut text = String::new();
    fs::File::open(&plain).unwrap().read_to_string(&mut text).unwrap();
    let modified = fs::metadata(&plain).unwrap().modified().unwrap();
    fs::write(&gz, packed(&text)).unwrap();
    quiet(&gz, modified);
    fs::remove_file(plain).unwrap();
}

fn quiet(path: &Path, modified: SystemTime) {
    let file = OpenOptions::new().append(true).open(path).unwrap();
    file.set_modified(modified).unwrap();
}

fn old() -> SystemTime {
    SystemTime::now() - Duration::from_secs(3600)
}

/// All names, rotated or not.
fn wide(place: &Place) -> FileSettings {
    FileSettings {
        include: vec![place.path("a.log*").display().to_string()],
        ..place.settings()
    }
}

#[tokio::test]
async fn the_rest_of_a_packed_generation_is_read_after_a_restart() {
    let place = Place::new();
    place.append("a.log", block("old", 3000));
    let mut run = place.start_with(place.settings(), 1);
    let first = run.parcel().await;
    run.settle(&first);
    let mut texts: Vec<String> = first.batch.lines.iter().map(str::to_owned).collect();
    assert!(texts.len() < 3000);
    run.stop().await;
    place.append("a.log", block("while down", 10));
    fs::rename(place.path("a.log"), place.path("a.log.1")).unwrap();
    place.append("a.log", block("new", 3));
    gzip(&place, "a.log.1");
    tokio::time::sleep(Duration::from_secs(3)).await;
    // A second restart in the middle of it, after another rotation gave it another name.
    let mut run = place.start_with(place.settings(), 1);
    let parcel = run.parcel().await;
    assert_eq!(
        parcel.batch.labels_of(0).get("filename"),
        place.path("a.log").to_str(),
        "the name under which it was first read"
    );
    run.settle(&parcel);
    texts.extend(parcel.batch.lines.iter().map(str::to_owned));
    run.stop().await;
    fs::rename(place.path("a.log.1.gz"), place.path("a.log.2.gz")).unwrap();
    let mut run = place.start(place.settings());
    texts.extend(run.texts(3013 - texts.len()).await);
    assert!(texts == expected(&[block("old", 3000), block("while down", 10), block("new", 3)]));
    run.silence().await;
    run.stop().await;
    let mut run = place.start(place.settings());
    run.silence().await;
    assert_eq!(
        run.metric("loki_source_file_files_active_total"),
        1.0,
        "what is read is not opened again"
    );
    run.stop().await;
}

/// grafana/alloy#3193: rotated files that are packed under the same glob came twice.
#[tokio::test]
async fn what_was_read_as_a_plain_file_is_not_read_again_when_it_is_packed() {
    for running in [true, false] {
        let place = Place::new();
        place.append("a.log", block("one", 3));
        let mut before = Some(place.start(wide(&place)));
        before.as_mut().unwrap().lines(3).await;
        if !running {
            before.take().unwrap().stop().await;
        }
        fs::rename(place.path("a.log"), place.path("a.log.1")).unwrap();
        place.append("a.log.1", block("late", 1));
        place.append("a.log", block("two", 3));
        if let Some(run) = &mut before {
            run.lines(4).await;
        }
        gzip(&place, "a.log.1");
        tokio::time::sleep(Duration::from_secs(3)).await;
        let mut run = before.unwrap_or_else(|| place.start(wide(&place)));
        if !running {
            assert_eq!(run.texts(4).await, expected(&[block("late", 1), block("two", 3)]));
        }
        run.silence().await;
        run.stop().await;
        let mut run = place.start(wide(&place));
        run.silence().await;
        run.stop().await;
    }
}

#[tokio::test]
async fn a_packed_file_nobody_read_is_read_as_its_text() {
    let place = Place::new();
    let members = [packed(&block("one", 2000)), packed(&block("two", 2000))].concat();
    fs::write(place.path("a.log.1.gz"), members).unwrap();
    quiet(&place.path("a.log.1.gz"), old());
    place.append("a.log.2.gz", "not packed at all\n");
    quiet(&place.path("a.log.2.gz"), old());
    let mut texts = Vec::new();
    while texts.len() < 4001 {
        let mut run = place.start_with(wide(&place), 1);
        let parcel = run.parcel().await;
        run.settle(&parcel);
        let name = parcel.batch.labels_of(0).get("filename").unwrap().to_owned();
        assert!(name.ends_with(".gz"), "{name}");
        texts.extend(parcel.batch.lines.iter().map(str::to_owned));
        run.stop().await;
    }
    texts.retain(|text| text != "not packed at all");
    assert!(texts == expected(&[block("one", 2000), block("two", 2000)]));
    let mut run = place.start(wide(&place));
    run.silence().await;
    run.stop().await;
}

#[tokio::test]
async fn a_packed_file_that_is_not_finished_is_waited_for() {
    let place = Place::new();
    let whole = packed(&block("one", 5000));
    let path = place.path("a.log.1.gz");
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    // As after a crash of gzip's: quiet, and cut off.
    quiet(&path, old());
    let mut run = place.start(wide(&place));
    let mut texts = Vec::new();
    while let Ok(Some(parcel)) = timeout(Duration::from_millis(700), run.parcels.recv()).await {
        run.settle(&parcel);
        texts.extend(parcel.batch.lines.iter().map(str::to_owned));
    }
    assert!(texts.len() < 5000);
    assert_eq!(run.metric("millstream_source_file_read_errors_total"), 0.0);
    fs::write(&path, &whole).unwrap();
    texts.extend(run.texts(5000 - texts.len()).await);
    assert!(texts == expected(&[block("one", 5000)]), "goes on where it was");
    // One that is being written is not even begun.
    let growing = place.path("a.log.2.gz");
    for _ in 0..4 {
        append(&growing, &packed(&block("two", 1)));
        run.silence().await;
    }
    assert_eq!(run.texts(4).await.len(), 4);
    run.stop().await;
}

#[tokio::test]
async fn a_damaged_packed_file_is_told_once_and_does_not_stop_the_others() {
    let place = Place::new();
    let mut bytes = packed(&block("one", 5000));
    let middle = bytes.len() / 2;
    bytes[middle..middle + 64].fill(0xff);
    for (name, bytes) in [
        ("a.log.1.gz", &bytes[..]),
        ("a.log.2.gz", b"\x1f\x8b\xff\xff no gzip at all"),
    ] {
        fs::write(place.path(name), bytes).unwrap();
        quiet(&place.path(name), old());
    }
    place.append("a.log", block("good", 1));
    let mut run = place.start(wide(&place));
    let mut texts = Vec::new();
    while let Ok(Some(parcel)) = timeout(Duration::from_millis(1500), run.parcels.recv()).await {
        run.settle(&parcel);
        texts.extend(parcel.batch.lines.iter().map(str::to_owned));
    }
    assert!(texts.contains(&expected(&[block("good", 1)])[0]));
    texts.retain(|text| text.contains(": one "));
    assert!(texts.len() > 1000, "{} lines before the damage", texts.len());
    assert_eq!(texts[..1000], expected(&[block("one", 5000)])[..1000]);
    assert_eq!(
        run.metric("millstream_source_file_read_errors_total"),
        0.0,
        "its series went with the file"
    );
    assert_eq!(run.metric("loki_source_file_files_active_total"), 1.0);
    run.stop().await;
}

#[tokio::test]
async fn unpacking_much_does_not_hold_up_the_others_and_is_bounded() {
    let place = Place::new();
    let line = format!("{}\n", "x".repeat(999));
    let text = line.repeat(100_000);
    fs::write(place.path("a.log.1.gz"), packed(&text)).unwrap();
    quiet(&place.path("a.log.1.gz"), old());
    let mut run = place.start_with(wide(&place), 1);
    let mut end = 0;
    while end < 99_000_000 {
        let parcel = run.parcel().await;
        end = *parcel.ends.last().unwrap();
        run.settle(&parcel);
    }
    run.stop().await;
    // 99 MB are passed over; the small file comes first all the same.
    place.append("a.log", "small\n");
    let mut run = place.start_with(wide(&place), 1);
    let first = run.parcel().await;
    assert_eq!(first.batch.lines.get(0), "small");
    run.settle(&first);
    while end < 100_000_000 {
        let parcel = run.parcel().await;
        end = *parcel.ends.last().unwrap();
    }
    run.stop().await;
}
