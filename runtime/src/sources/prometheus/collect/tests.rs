use super::*;

fn collector(settings: &ScrapeSettings) -> Collector {
    Collector::new(Labels::from_pairs([("instance", "i"), ("job", "j")]), settings)
}

/// The batch as text: series, value (or `stale`), timestamp.
pub(super) fn told(batch: &SampleBatch) -> Vec<String> {
    let value = |value: f64| {
        if value.to_bits() == SampleBatch::STALE {
            "stale".to_owned()
        } else {
            value.to_string()
        }
    };
    (0..batch.len())
        .map(|row| {
            let labels = &batch.labels[batch.series[row] as usize];
            format!("{labels} {} {}", value(batch.values[row]), batch.timestamps[row])
        })
        .collect()
}

struct Run {
    collector: Collector,
    series: Series,
}

impl Run {
    fn new(settings: &ScrapeSettings) -> Self {
        Self {
            collector: collector(settings),
            series: Series::default(),
        }
    }

    fn scrape(&mut self, body: &str, now: i64) -> (Vec<String>, Counts, Result<(), CollectError>) {
        let mut batch = SampleBatch::default();
        let (counts, result) =
            self.collector
                .collect(body.as_bytes(), Format::Text, now, &mut self.series, &mut batch);
        (told(&batch), counts, result)
    }
}

#[test]
fn samples_get_the_targets_labels_and_vanished_series_end() {
    let mut run = Run::new(&ScrapeSettings::default());
    let (batch, counts, result) = run.scrape("a 1\nb{job=\"own\",x=\"\"} NaN 5\n", 1000);
    result.unwrap();
    assert_eq!(
        batch,
        [
            r#"{__name__="a", instance="i", job="j"} 1 1000"#,
            r#"{__name__="b", exported_job="own", instance="i", job="j"} NaN 5"#,
        ]
    );
    assert_eq!(
        counts,
        Counts {
            scraped: 2,
            added: 2,
            duplicates: 0
        }
    );
    let (batch, counts, _) = run.scrape("c 1\n", 2000);
    assert_eq!(
        batch,
        [
            r#"{__name__="c", instance="i", job="j"} 1 2000"#,
            r#"{__name__="a", instance="i", job="j"} stale 2000"#,
        ],
        "a series with its own timestamps is not ended"
    );
    assert_eq!(counts.added, 1);
}

#[test]
fn timestamps_that_are_not_honoured_do_not_exempt() {
    let mut run = Run::new(&ScrapeSettings {
        honor_timestamps: false,
        honor_labels: true,
        ..Default::default()
    });
    assert_eq!(
        run.scrape("b{job=\"own\"} 1 5\n", 1000).0,
        [r#"{__name__="b", instance="i", job="own"} 1 1000"#]
    );
    assert_eq!(
        run.scrape("", 2000).0,
        [r#"{__name__="b", instance="i", job="own"} stale 2000"#]
    );
}

#[test]
fn a_bad_body_sends_nothing_and_ends_everything() {
    let mut run = Run::new(&ScrapeSettings::default());
    run.scrape("a 1\n", 1000).2.unwrap();
    let (batch, counts, result) = run.scrape("a 2\nb 3\nc nope\n", 2000);
    assert_eq!(batch, [r#"{__name__="a", instance="i", job="j"} stale 2000"#]);
    assert_eq!(
        counts,
        Counts {
            scraped: 2,
            added: 0,
            duplicates: 0
        }
    );
    assert!(matches!(result, Err(CollectError::Exposition(error)) if error.line == 3));
    assert!(run.scrape("nope", 3000).0.is_empty(), "ended once");
    let (batch, counts, _) = run.scrape("a 2\nb 1\n", 4000);
    assert_eq!((batch.len(), counts.added), (2, 1), "a is not new, b is");
}

#[test]
fn the_sample_limit_is_exact_and_says_how_many_there_were() {
    let settings = ScrapeSettings {
        sample_limit: 2,
        ..ScrapeSettings::default()
    };
    let mut run = Run::new(&settings);
    assert!(run.scrape("a 1\nb 1\n", 1000).2.is_ok());
    let (batch, counts, result) = run.scrape("a 1\nb 1\nc 1\nd 1\n", 2000);
    assert_eq!((batch.len(), counts.scraped), (2, 4));
    assert_eq!(
        result.unwrap_err().to_string(),
        "the body has 4 samples, more than the sample_limit of 2"
    );
    assert_eq!(run.series.len(), 2);
}

#[test]
fn a_series_that_comes_twice_counts_once() {
    let mut run = Run::new(&ScrapeSettings::default());
    let (batch, counts, _) = run.scrape("a{x=\"1\",y=\"2\"} 1\na{y=\"2\",x=\"1\"} 2\nt 1 1\nt 2 2\n", 1000);
    assert_eq!((batch.len(), counts.scraped, counts.duplicates), (3, 4, 1));
    assert!(batch[0].contains(" 1 1000"));
}

#[test]
fn labels_that_cannot_be_fail_the_scrape() {
    let mut run = Run::new(&ScrapeSettings::default());
    for body in [
        "{\"\"} 1",
        "a{\"\"=\"x\"} 1",
        "a{b=\"1\",b=\"2\"} 1",
        "a{__name__=\"b\"} 1",
    ] {
        let (batch, _, result) = run.scrape(body, 1);
        assert!(batch.is_empty());
        assert!(matches!(result, Err(CollectError::Labels { .. })), "{body}");
    }
}
