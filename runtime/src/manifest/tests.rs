//! What a manifest becomes, where its parts stand, and that no text breaks it.

use proptest::prelude::*;

use super::*;
use crate::delivery::spool::{OnDiskError, SpoolSettings, WhenFull};
use crate::sinks::loki::limits::Limits;
use crate::transport::{Authorization, Secret};

const TICKETON: &str = include_str!("../../../tests/manifests/good/ticketon.yaml");
const EVERY_KEY: &str = include_str!("../../../tests/manifests/good/every_key.yaml");
const VARIABLES: &str = include_str!("../../../tests/manifests/good/variables.yaml");
const ANCHORS: &str = include_str!("../../../tests/manifests/good/anchors.yaml");

fn variable(name: &str) -> Option<String> {
    match name {
        "HOST" => Some("loki".to_owned()),
        "PORT" => Some("3100".to_owned()),
        "YES" => Some("true".to_owned()),
        "TOKEN" => Some("t0ken".to_owned()),
        _ => None,
    }
}

fn parse(path: &str, text: &str) -> Result<Manifest, ManifestErrors> {
    Manifest::parse(Path::new(path), text, variable, &BUNDLED)
}

fn file<'a>(manifest: &'a Manifest, name: &str) -> &'a FileSettings {
    match &manifest.sources[name].kind {
        SourceKind::File(settings) => settings,
        SourceKind::Prometheus(_) => panic!("{name} is no file source"),
    }
}

fn scrape<'a>(manifest: &'a Manifest, name: &str) -> &'a ScrapeSettings {
    match &manifest.sources[name].kind {
        SourceKind::Prometheus(settings) => settings,
        SourceKind::File(_) => panic!("{name} is no scrape source"),
    }
}

#[test]
fn the_users_setup_becomes_the_settings_it_says() {
    let manifest = parse("ticketon.yaml", TICKETON).unwrap();
    assert_eq!(file(&manifest, "app_logs").include, ["/var/log/ticketon/*.log"]);
    let scrape = scrape(&manifest, "ticketon");
    assert_eq!(scrape.job_name, "ticketon");
    assert_eq!(scrape.metrics_path, "/actuator/prometheus");
    assert_eq!(scrape.static_configs[0].targets, ["ticketon:8080"]);
    let SinkKind::Loki(loki) = &manifest.sinks["loki"].kind else {
        panic!("no loki sink")
    };
    let mut expected = LokiSettings::new("http://loki:3100/loki/api/v1/push".parse().unwrap());
    expected.tenant_id = Some("fake".to_owned());
    expected.batch_size = 1_000_000;
    assert_eq!(loki, &expected);
    let SinkKind::RemoteWrite(write) = &manifest.sinks["prometheus"].kind else {
        panic!("no remote write")
    };
    assert_eq!(
        write,
        &RemoteWriteSettings::new("http://prometheus:9090/api/v1/write".parse().unwrap())
    );
    let app = &manifest.pipelines["app"];
    let stages: Vec<&str> = app.stages.iter().map(|stage| stage.plugin.as_str()).collect();
    assert_eq!(stages, ["multiline", "regex", "labels", "static_labels"]);
    let multiline = serde_json::json!({
        "firstline": r"^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}\.\d{3}", "max_wait_time": "3s",
    });
    assert_eq!(app.stages[0].settings, multiline);
    assert_eq!(
        (app.signal, manifest.pipelines["metrics"].signal),
        (Signal::Logs, Signal::Samples)
    );
    assert_eq!(manifest.plugins.len(), 4, "every plugin that runs has its limits");
    assert_eq!(manifest.plugins["regex"].memory, 64 << 20);
    assert_eq!(manifest.plugins["regex"].timeout, Duration::from_secs(1));
    assert_eq!(manifest.plugins["regex"].on_error, OnError::Pass);
    assert_eq!(manifest.plugins["regex"].output, 16);
    assert_eq!(manifest.plugins["regex"].log_rate, 20);
    assert_eq!(manifest.plugins["regex"].grants, Grants::default());
    assert_eq!(manifest.plugins["regex"].path(), None);
    assert_eq!(manifest.plugins["regex"].origin, PluginOrigin::Bundled);
}

#[test]
fn every_source_key_reaches_its_setting() {
    let manifest = parse("/etc/millstream/every_key.yaml", EVERY_KEY).unwrap();
    // Settings that are still at their default would be keys that nobody reads.
    let (file, defaults) = (file(&manifest, "app_logs"), FileSettings::default());
    assert_eq!(
        file.include,
        ["/var/log/app/**/*.log", "/etc/millstream/logs/{a,b}.log"]
    );
    assert_eq!(file.labels["port"], "8080");
    assert_ne!(file.exclude, defaults.exclude);
    assert_ne!(file.start_at, defaults.start_at);
    assert_ne!(file.on_checkpoint_error, defaults.on_checkpoint_error);
    assert_ne!(file.encoding, defaults.encoding);
    assert_ne!(file.on_long_line, defaults.on_long_line);
    assert_eq!(file.max_line_size, 64 << 10);
    assert_eq!(
        (file.idle_flush, file.rescan),
        (Duration::ZERO, Duration::from_secs(90))
    );
    let (scrape, defaults) = (scrape(&manifest, "node"), ScrapeSettings::default());
    assert_eq!(
        (scrape.scheme.as_str(), scrape.metrics_path.as_str()),
        ("https", "/probe")
    );
    assert_eq!(scrape.params["module"], ["http_2xx"]);
    assert_eq!(
        (scrape.scrape_interval.as_secs(), scrape.scrape_timeout.as_secs()),
        (15, 5)
    );
    assert_ne!(
        (scrape.honor_labels, scrape.honor_timestamps),
        (defaults.honor_labels, defaults.honor_timestamps)
    );
    assert_eq!((scrape.body_size_limit, scrape.sample_limit), (10_000_000, 5_000));
    assert_eq!(scrape.static_configs.len(), 2);
    let token = Secret::File("/run/secrets/token".into());
    assert_eq!(scrape.client.authorization, Some(Authorization::Bearer(token)));
    assert_eq!(
        scrape.client.tls.ca_file.as_deref(),
        Some(Path::new("/etc/millstream/ca.pem"))
    );
    assert!(scrape.client.tls.insecure_skip_verify);
}

#[test]
fn every_sink_key_reaches_its_setting() {
    let manifest = parse("/etc/millstream/every_key.yaml", EVERY_KEY).unwrap();
    let SinkKind::Loki(loki) = &manifest.sinks["loki"].kind else {
        panic!("no loki sink")
    };
    assert_eq!((loki.batch_wait.as_millis(), loki.batch_size), (250, 512 << 10));
    assert_eq!((loki.backoff.min.as_secs(), loki.backoff.max.as_secs()), (1, 60));
    assert_eq!(
        (loki.backoff.retries, loki.remote_timeout.as_secs()),
        (Some(10), 20)
    );
    assert!(matches!(
        loki.client.authorization,
        Some(Authorization::Basic { .. })
    ));
    let SinkKind::RemoteWrite(write) = &manifest.sinks["prometheus"].kind else {
        panic!("no remote write")
    };
    assert_eq!((write.capacity, write.max_samples_per_send), (20_000, 5_000));
    assert_eq!(
        (
            write.batch_send_deadline.as_secs(),
            write.remote_timeout.as_secs()
        ),
        (2, 10)
    );
    assert_eq!(
        (write.backoff.min.as_millis(), write.backoff.max.as_secs()),
        (100, 30)
    );
    assert_eq!(write.external_labels["cluster"], "a");
    assert_eq!(
        write.client.authorization,
        Some(Authorization::Bearer(Secret::Inline("t0ken".to_owned())))
    );
}

#[test]
fn spools_and_limits_reach_their_settings() {
    let manifest = parse("/etc/millstream/every_key.yaml", EVERY_KEY).unwrap();
    let SinkKind::Loki(loki) = &manifest.sinks["loki"].kind else {
        panic!("no loki sink")
    };
    let written = SpoolSettings {
        max_size: 2 << 30,
        max_age: Some(Duration::from_secs(7 * 86_400)),
        when_full: WhenFull::DropOldest,
        on_disk_error: OnDiskError::Block,
    };
    assert_eq!(loki.spool, Some(written));
    let limits = Limits {
        max_line_size: Some(128 << 10),
        max_line_size_truncate: true,
        max_label_names_per_series: Some(30),
        max_label_name_length: Some(512),
        max_label_value_length: Some(4096),
    };
    assert_eq!(loki.limits, limits);
    let SinkKind::RemoteWrite(write) = &manifest.sinks["prometheus"].kind else {
        panic!("no remote write")
    };
    let written = SpoolSettings {
        max_size: 64 << 20,
        ..SpoolSettings::new(WhenFull::Block)
    };
    assert_eq!(write.spool, Some(written));
    let sinks = |spool: &str| {
        format!(
            "sources: {{a: {{prometheus: {{static_configs: [{{targets: [a]}}]}}}}}}\n\
             sinks: {{b: {{remote_write: {{url: \"http://b\"{spool}}}}}}}\npipelines: {{c: {{from: [a], to: [b]}}}}"
        )
    };
    for (spool, expected) in [
        ("", Some(WhenFull::DropOldest)),
        (", spool: {}", Some(WhenFull::DropOldest)),
        (", spool: {enabled: false}", None),
    ] {
        let manifest = parse("m.yaml", &sinks(spool)).unwrap();
        let SinkKind::RemoteWrite(write) = &manifest.sinks["b"].kind else {
            panic!("no remote write")
        };
        assert_eq!(write.spool.as_ref().map(|spool| spool.when_full), expected);
    }
}

#[test]
fn every_plugin_key_reaches_its_setting() {
    let manifest = parse("/etc/millstream/every_key.yaml", EVERY_KEY).unwrap();
    let redact = &manifest.plugins["redact"];
    assert_eq!(redact.path(), Some(Path::new("/etc/millstream/redact.wasm")));
    assert_eq!(
        (redact.memory, redact.timeout.as_millis(), redact.on_error),
        (32 << 20, 200, OnError::Drop)
    );
    assert_eq!((redact.output, redact.log_rate), (4, 5));
    assert_eq!(redact.sha256, Some("0123456789abcdef".repeat(4)));
    let grants = &redact.grants;
    assert_eq!(grants.folders["/lookup"], Path::new("/etc/millstream/lookup"));
    assert_eq!(grants.environment["ZONE"], "kr");
    assert!(grants.clock && grants.random);
    let regex = &manifest.plugins["regex"];
    assert_eq!(
        (regex.path(), regex.timeout.as_secs(), regex.on_error),
        (None, 5, OnError::Halt)
    );
    let stages = &manifest.pipelines["app"].stages;
    assert_eq!(
        stages[1].settings["nested"]["deep"],
        serde_json::json!([1, 2.5, true, null])
    );
    assert_eq!(stages[2].settings, serde_json::json!({}));
}

#[test]
fn variables_become_what_is_wanted() {
    let manifest = parse("variables.yaml", VARIABLES).unwrap();
    assert_eq!(file(&manifest, "app_logs").include, ["/var/log/loki/*.log"]);
    assert_eq!(
        file(&manifest, "app_logs").start_at,
        crate::sources::file::StartAt::End
    );
    assert_eq!(scrape(&manifest, "app").static_configs[0].targets, ["loki:3100"]);
    assert!(scrape(&manifest, "app").honor_labels);
    assert_eq!(scrape(&manifest, "app").sample_limit, 3100);
    let stages = &manifest.pipelines["app"].stages;
    assert_eq!(
        stages[0].settings["expression"], r"^\$(?P<price>\d+)$",
        "dollars of regular expressions stay"
    );
    assert_eq!(stages[0].settings["replace"], "${1}");
    assert_eq!(stages[0].settings["source"], "${env:HOST}");
    assert_eq!(
        stages[1].settings,
        serde_json::json!({ "longer_than": 3100, "quoted": "3100" })
    );
}

#[test]
fn anchors_are_followed_and_own_keys_win() {
    let manifest = parse("anchors.yaml", ANCHORS).unwrap();
    assert_eq!(file(&manifest, "b").include, ["/b.log"]);
    assert_eq!(file(&manifest, "b").rescan, Duration::from_secs(5));
    assert_eq!(file(&manifest, "c").labels["env"], "prod");
    assert_eq!(file(&manifest, "c").rescan, FileSettings::default().rescan);
}

#[test]
fn a_timeout_that_is_not_given_follows_a_shorter_interval() {
    let text = "sources: {a: {prometheus: {scrape_interval: 5s, static_configs: [{targets: [a]}]}}}\n\
                sinks: {b: {console: {}}}\npipelines: {c: {from: [a], to: [b]}}";
    let manifest = parse("m.yaml", text).unwrap();
    assert_eq!(scrape(&manifest, "a").scrape_timeout, Duration::from_secs(5));
    assert_eq!(scrape(&manifest, "a").job_name, "a");
}

#[test]
fn later_errors_point_into_stage_settings() {
    let manifest = parse("ticketon.yaml", TICKETON).unwrap();
    let steps = ["pipelines", "app", "stages", "1", "regex", "expression"];
    let error = manifest
        .error_at(
            manifest.place_of_value(&steps).unwrap(),
            "stage 2 of pipeline `app` refuses its settings",
            "",
        )
        .because("no such group");
    assert_eq!(
        error.place(),
        Place {
            line: 14,
            column: 30,
            width: 44
        }
    );
    let text = ManifestErrors::from(error).to_string();
    assert!(
        text.contains("ticketon.yaml:14:30\n") && text.ends_with("= because: no such group"),
        "{text}"
    );
    assert_eq!(
        manifest.place_of(&steps).map(|place| (place.column, place.width)),
        Some((18, 10))
    );
    assert_eq!(manifest.pipelines["app"].stages[1].place.column, 9);
    assert_eq!(manifest.place_of(&["pipelines", "app", "stages", "9"]), None);
}

#[test]
fn nothing_that_can_be_printed_holds_a_secret() {
    let text = "sources: {a: {file: {include: [a]}}}\npipelines: {c: {from: [a], to: [b]}}\nsinks:\n  b:\n    loki:\n\
                \x20     url: http://loki/push\n      basic_auth: { username: me, password: hunter2 }\n\
                \x20     headers: { X-Key: hunter2 }\n";
    let manifest = parse("m.yaml", text).unwrap();
    assert!(!format!("{manifest:?}").contains("hunter2"));
    let place = manifest
        .place_of(&["sinks", "b", "loki", "basic_auth", "password"])
        .unwrap();
    assert!(
        !manifest
            .error_at(place, "refused", "")
            .to_string()
            .contains("hunter2")
    );
}

#[test]
fn paths_start_from_the_manifests_folder() {
    let text = "sources: {a: {file: {include: [./x.log, /y.log], exclude: [z.log]}}}\n\
                sinks: {b: {console: {}}}\npipelines: {c: {from: [a], to: [b]}}";
    let manifest = parse("/etc/[a]/m.yaml", text).unwrap();
    assert_eq!(
        file(&manifest, "a").include,
        ["/etc/[[]a[]]/x.log", "/y.log"],
        "the folder is no glob"
    );
    let manifest = parse("m.yaml", text).unwrap();
    assert_eq!(file(&manifest, "a").include, ["x.log", "/y.log"]);
    assert_eq!(file(&manifest, "a").exclude, ["z.log"]);
}

/// Pieces that manifests are made of, so that random texts get far.
const PIECES: [&str; 40] = [
    "sources:",
    "sinks:",
    "pipelines:",
    "plugins:",
    "a:",
    "file:",
    "prometheus:",
    "loki:",
    "console:",
    "remote_write:",
    "include:",
    "from:",
    "to:",
    "stages:",
    "url:",
    "static_configs:",
    "targets:",
    "basic_auth:",
    "password:",
    "labels:",
    "batch_wait:",
    "memory:",
    "- ",
    "[",
    "]",
    "{",
    "}",
    ", ",
    "\n",
    "\n  ",
    "\n    ",
    "\n      ",
    " x",
    " 1s",
    " \"",
    " '",
    " ${env:HOST}",
    " &a",
    " *a",
    "<<: ",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_text_breaks_it(text in "\\PC*|[ -~\n\t]*") {
        let _ = parse("m.yaml", &text).map_err(|errors| errors.to_string());
    }

    #[test]
    fn no_pieces_break_it(pieces in prop::collection::vec(0..PIECES.len(), 0..60)) {
        let text: String = pieces.into_iter().map(|piece| PIECES[piece]).collect();
        if let Err(errors) = parse("m.yaml", &text) {
            prop_assert!(errors.iter().len() > 0);
            let _ = errors.to_string();
        }
    }

    #[test]
    fn no_slip_in_a_good_manifest_breaks_it(
        at in 0_usize..3000, length in 0_usize..12, piece in 0..PIECES.len(), drop in any::<bool>(),
    ) {
        let mut text: Vec<char> = EVERY_KEY.chars().collect();
        let at = at.min(text.len());
        let end = (at + length).min(text.len());
        text.splice(at..end, if drop { Vec::new() } else { PIECES[piece].chars().collect() });
        let text: String = text.into_iter().collect();
        match parse("m.yaml", &text) {
            Ok(manifest) => prop_assert!(manifest.pipelines.values().all(|pipeline| !pipeline.to.is_empty())),
            Err(errors) => prop_assert!(errors.iter().len() > 0, "refused without an error:\n{}", text),
        }
    }
}
