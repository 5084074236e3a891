//! The SDK as an author meets it: small stages, driven by the harness.

use std::time::Duration;

use serde::Deserialize;

use super::{Harness, Row, START};
use crate::{
    Batch, Block, Counter, Failure, Field, Hold, NoSettings, Output, Refusal, Setup, Stage, TextColumn,
};

/// Joins three entries of a stream into one; lets go after a second.
struct Triples {
    hold: Hold<String>,
    joined: Counter,
}

impl Triples {
    fn release(&self, blocks: Vec<Block<String>>, out: &mut Output) {
        out.set_lines(blocks.iter().map(|block| block.value.as_str()).collect());
        out.set_origins(blocks.iter().map(|block| block.ids[0]).collect());
        self.joined.add(&["triple"], blocks.len() as f64);
        self.hold.report(out);
    }
}

impl Stage for Triples {
    type Settings = NoSettings;

    fn configure(_: NoSettings, setup: &mut Setup) -> Result<Self, Refusal> {
        setup.reads_lines().reads_labels().holds();
        let joined = setup.counter("joined", "Blocks let go", &["kind"])?;
        Ok(Self {
            hold: Hold::new(),
            joined,
        })
    }

    fn process(&mut self, batch: &mut Batch<'_>, now: i64) -> Result<(), Failure> {
        self.hold.begin(batch)?;
        let mut done = Vec::new();
        for row in 0..batch.len() {
            let place = self.hold.place(batch.streams()?[row]);
            let line = batch.lines()?.get(row);
            match self.hold.get_mut(place) {
                None => {
                    let block = Block {
                        ids: vec![batch.id(row)],
                        deadline: Some(now + 1_000_000_000),
                        value: line.to_owned(),
                    };
                    self.hold.insert(place, block);
                }
                Some(block) => {
                    block.ids.push(batch.id(row));
                    block.value.push_str(line);
                    if block.ids.len() == 3 {
                        done.extend(self.hold.remove(place));
                    }
                }
            }
        }
        self.release(done, batch.output());
        Ok(())
    }

    fn tick(&mut self, out: &mut Output, now: i64) -> Result<(), Failure> {
        let due = self.hold.take_due(now);
        self.release(due, out);
        Ok(())
    }

    fn flush(&mut self, out: &mut Output, _now: i64) -> Result<(), Failure> {
        let all = self.hold.take_all();
        self.release(all, out);
        Ok(())
    }
}

#[test]
fn held_rows_keep_their_columns_outside() {
    let mut stage = Harness::<Triples>::new("null");
    let row = |line: &str, stream: &str| Row::new(line).label("s", stream).field("f", line).at(1);
    assert!(
        stage
            .push([row("a", "1"), row("x", "2"), row("b", "1")])
            .is_empty()
    );
    assert_eq!(stage.held(), [0, 1, 2]);
    let out = stage.push([row("c", "1"), row("d", "1")]);
    assert_eq!(
        out,
        [Row {
            line: "abc".to_owned(),
            ..row("a", "1")
        }]
    );
    assert_eq!((stage.held(), stage.merged()), (vec![1, 4], 2));
    assert_eq!(stage.flush(), ["x", "d"]);
    assert_eq!(stage.metric("joined", &["triple"]), 3.0);
}

#[test]
fn time_moves_only_by_advancing() {
    let mut stage = Harness::<Triples>::new("null");
    assert!(stage.push(["a"]).is_empty());
    assert_eq!(stage.wake_at(), Some(START + 1_000_000_000));
    assert!(stage.advance(Duration::from_millis(999)).is_empty());
    assert_eq!(stage.advance(Duration::from_millis(1)), ["a"]);
    assert_eq!(stage.wake_at(), None);
}

#[test]
fn a_fresh_instance_knows_what_is_held() {
    let rows = |range: std::ops::Range<usize>| {
        range.map(|i| Row::new(i.to_string()).label("s", &(i % 3).to_string()))
    };
    for cut in 0..9 {
        let (mut steady, mut replaced) = (Harness::<Triples>::new("null"), Harness::<Triples>::new("null"));
        let mut outs = [steady.push(rows(0..cut)), replaced.push(rows(0..cut))];
        assert!(replaced.replay().is_empty());
        assert_eq!(steady.held(), replaced.held());
        outs[0].extend(steady.push(rows(cut..9)));
        outs[1].extend(replaced.push(rows(cut..9)));
        assert_eq!(outs[0], outs[1], "cut at {cut}");
    }
}

/// Does what its settings say, to every row.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Acts {
    #[serde(default)]
    declares: Vec<String>,
    act: String,
}

struct Actor(String);

impl Stage for Actor {
    type Settings = Acts;

    fn configure(settings: Acts, setup: &mut Setup) -> Result<Self, Refusal> {
        for column in &settings.declares {
            match column.as_str() {
                "lines" => setup.reads_lines(),
                "timestamps" => setup.reads_timestamps(),
                "labels" => setup.reads_labels(),
                "fields" => setup.reads_every_field(),
                "metadata" => setup.reads_every_metadata(),
                other => setup.reads_field(other),
            };
        }
        Ok(Self(settings.act))
    }

    fn process(&mut self, batch: &mut Batch<'_>, _now: i64) -> Result<(), Failure> {
        for entry in &*batch {
            match self.0.as_str() {
                "line" => _ = entry.line(),
                "timestamp" => _ = entry.timestamp(),
                "label" => _ = entry.label("a"),
                "field" => _ = entry.field("a"),
                "metadata" => _ = entry.metadata("a"),
                "all" => {
                    entry.set_line(&format!("{}!", entry.line()));
                    entry.set_timestamp(entry.timestamp() + 1);
                    entry.set_label("l", entry.field("f").unwrap_or("none"));
                    entry.remove_label("gone");
                    entry.set_field("new", entry.line());
                    entry.unset_field("f");
                    entry.set_metadata("m", "v");
                    entry.unset_metadata("gone");
                    if entry.line() == "drop" {
                        entry.drop("asked");
                        entry.drop("asked again");
                    }
                }
                "mixed" => entry.set_line("x"),
                _ => {}
            }
        }
        let rows = batch.len();
        match self.0.as_str() {
            "mixed" => batch.output().set_origins((0..rows as u64).collect()),
            "short" => batch.output().set_lines(TextColumn::new()),
            "overcount" => batch.output().count_drops("x", 1),
            "strangers" => batch.output().set_origins(vec![99]),
            "hold" => batch.output().hold(vec![0]),
            "both" => {
                batch
                    .output()
                    .set_field(Field::full("f", std::iter::repeat_n("v", rows).collect()));
                batch.entry(0).set_field("f", "w");
            }
            "fail" => return Err(Failure::new("no luck")),
            _ => {}
        }
        Ok(())
    }
}

fn actor(act: &str, declares: &[&str]) -> Harness<Actor> {
    Harness::new(format!(r#"{{ "act": "{act}", "declares": {declares:?} }}"#))
}

#[test]
fn undeclared_columns_fail_by_name() {
    for (act, says) in [
        (
            "line",
            "uses lines without declaring it: `configure` must call `setup.reads_lines()`",
        ),
        ("timestamp", "`setup.reads_timestamps()`"),
        ("label", "`setup.reads_labels()`"),
        ("field", "`setup.reads_field(\"a\")`"),
        ("metadata", "`setup.reads_metadata(\"a\")`"),
    ] {
        let failure = actor(act, &[]).try_push(["x"]).unwrap_err();
        assert!(failure.contains(says), "{act}: {failure}");
    }
    assert_eq!(actor("field", &["a"]).push(["x"]), ["x"]);
}

#[test]
fn everything_an_entry_can_change_changes() {
    let mut stage = actor("all", &["lines", "timestamps", "labels", "fields", "metadata"]);
    let row = |line: &str| {
        Row::new(line)
            .at(1)
            .label("gone", "1")
            .label("kept", "1")
            .metadata("gone", "1")
    };
    let out = stage.push([
        row("a").field("f", "x"),
        row("drop"),
        row("b").metadata("kept", "1"),
    ]);
    let changed = |line: &str, f: &str| {
        Row::new(format!("{line}!"))
            .at(2)
            .label("kept", "1")
            .label("l", f)
            .field("new", line)
            .metadata("m", "v")
    };
    assert_eq!(
        out,
        [changed("a", "x"), changed("b", "none").metadata("kept", "1")]
    );
    assert_eq!(
        (
            stage.dropped("asked"),
            stage.dropped("asked again"),
            stage.merged()
        ),
        (1, 0, 0)
    );
}

#[test]
fn only_touched_columns_come_back() {
    let interest = actor("none", &["lines"]).stage.interest();
    assert!(interest.lines && !interest.labels && interest.fields.is_empty());
    let mut stage = actor("none", &["lines"]);
    let batch = super::cross::batch(0, &["x".into()], &interest);
    let edit = stage.stage.process(batch, START).unwrap();
    assert!(edit.lines.is_none() && edit.origins.is_none() && edit.set_fields.is_empty());
}

#[test]
fn contradictions_fail_the_call() {
    for (act, says) in [
        ("mixed", "sets origins"),
        ("both", "both as a whole column"),
        ("fail", "no luck"),
    ] {
        let failure = actor(act, &["lines", "f"]).try_push(["x"]).unwrap_err();
        assert!(failure.contains(says), "{act}: {failure}");
    }
}

#[test]
fn breaches_of_the_contract_panic() {
    for (act, says) in [
        ("short", "lines: 0 values for 1"),
        ("overcount", "1 rows counted as dropped, but only 0 vanished"),
        ("strangers", "origin 99 is neither of the batch nor held"),
        ("hold", "without `setup.holds()`"),
    ] {
        let panic = std::panic::catch_unwind(|| actor(act, &["lines"]).push(["x"])).unwrap_err();
        let text = panic.downcast_ref::<String>().unwrap();
        assert!(text.contains(says), "{act}: {text}");
    }
}
