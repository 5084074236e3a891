use std::collections::BTreeMap;

use super::*;
use crate::sources::prometheus::StaticTargets;

fn group(targets: &[&str], labels: &[(&str, &str)]) -> StaticTargets {
    StaticTargets {
        targets: targets.iter().map(|&target| target.into()).collect(),
        labels: labels
            .iter()
            .map(|&(name, value)| (name.into(), value.into()))
            .collect(),
    }
}

fn settings(static_configs: Vec<StaticTargets>) -> ScrapeSettings {
    ScrapeSettings {
        job_name: "ticketon".into(),
        static_configs,
        ..ScrapeSettings::default()
    }
}

fn builder(pairs: &[(&str, &str)]) -> LabelsBuilder {
    Labels::from_pairs(pairs.iter().copied()).to_builder()
}

#[test]
fn a_target_has_job_and_instance_and_nothing_internal() {
    let mut settings = settings(vec![group(
        &["ticketon:8080"],
        &[("env", "prod"), ("empty", ""), ("__x", "y")],
    )]);
    settings.metrics_path = "/actuator/prometheus".into();
    let targets = resolve(&settings).unwrap();
    assert_eq!(targets.len(), 1);
    assert_eq!(
        targets[0].url.as_str(),
        "http://ticketon:8080/actuator/prometheus"
    );
    assert_eq!(
        targets[0].labels.to_string(),
        r#"{env="prod", instance="ticketon:8080", job="ticketon"}"#
    );
}

#[test]
fn labels_of_a_target_override_the_settings() {
    let labels = [
        ("__scheme__", "https"),
        ("__metrics_path__", "/probe"),
        ("__param_module", "icmp"),
        ("__param_target", "a b&c"),
        ("job", "other"),
        ("instance", "me"),
    ];
    let mut settings = settings(vec![group(&["h:1"], &labels)]);
    settings.params = BTreeMap::from([
        ("module".into(), vec!["http".into(), "second".into()]),
        ("none".into(), vec![]),
    ]);
    let target = resolve(&settings).unwrap().remove(0);
    assert_eq!(
        target.url.as_str(),
        "https://h:1/probe?module=icmp&module=second&target=a+b%26c"
    );
    assert_eq!(target.labels.to_string(), r#"{instance="me", job="other"}"#);
}

#[test]
fn a_target_named_twice_is_scraped_once() {
    let settings = settings(vec![
        group(&["h:1", "h:1"], &[]),
        group(&["h:1"], &[]),
        group(&["h:1"], &[("a", "b")]),
    ]);
    let targets = resolve(&settings).unwrap();
    assert_eq!(targets.len(), 2);
    assert_ne!(targets[0].hash, targets[1].hash);
}

#[test]
fn what_is_no_address_is_refused() {
    let refused = |address: &str| {
        resolve(&settings(vec![group(&[address], &[])]))
            .unwrap_err()
            .to_string()
    };
    assert_eq!(refused(""), r#"job "ticketon" has a target without an address"#);
    assert!(refused("http://h:1").contains("not `host:port`"));
    assert!(refused("h:99999").starts_with("making a URL of scheme"));
}

#[test]
fn the_path_is_a_path_even_without_a_slash_and_with_a_question_mark() {
    let mut settings = settings(vec![group(&["h:1"], &[])]);
    settings.metrics_path = "a?b".into();
    assert_eq!(resolve(&settings).unwrap()[0].url.as_str(), "http://h:1/a%3Fb");
}

#[test]
fn conflicting_labels_are_exported() {
    let target = Labels::from_pairs([("instance", "t"), ("job", "j")]);
    let sample = [
        ("__name__", "m"),
        ("instance", "s"),
        ("exported_instance", "e"),
        ("gone", ""),
    ];
    assert_eq!(
        attach(builder(&sample), &target, false).to_string(),
        r#"{__name__="m", exported_exported_instance="s", exported_instance="e", instance="t", job="j"}"#
    );
    assert_eq!(
        attach(builder(&sample), &target, true).to_string(),
        r#"{__name__="m", exported_instance="e", instance="s", job="j"}"#
    );
    // The target may itself have the name that is exported to.
    let target = Labels::from_pairs([("exported_a", "t2"), ("a", "t1")]);
    assert_eq!(
        attach(builder(&[("a", "s1"), ("exported_a", "s2")]), &target, false).to_string(),
        r#"{a="t1", exported_a="t2", exported_exported_a="s1", exported_exported_exported_a="s2"}"#
    );
    // An empty label of the sample is no conflict, but keeps the target's away when it is honoured.
    let target = Labels::from_pairs([("instance", "t")]);
    assert_eq!(
        attach(builder(&[("instance", "")]), &target, false).to_string(),
        r#"{instance="t"}"#
    );
    assert_eq!(
        attach(builder(&[("instance", "")]), &target, true).to_string(),
        "{}"
    );
}
