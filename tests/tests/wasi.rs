//! Promise: a component finds the WASI it needs to run, nothing of this machine but what was granted, and nothing in it
//! blocks or bloats the host.
//!
//! The guest is `guests/errand`. Each of its errands has a case here: [`cases!`] makes the tests and the list.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../guests/errand/src/errand.rs"]
mod errand;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use errand::{ERRANDS, Errand};
use millstream_plugin_host::{Grants, Host, Level, Limits, LogStage, Plugin, Want, inspect};
use millstream_tests::staged::{Said, batch, on_stage_thread};
use tokio::time::Instant;

/// What the host calls "now": 1,700,000,000.123456789 s.
const NOW: i64 = 1_700_000_000_123_456_789;

/// Within what a call is over that waits for nothing, on a busy machine.
const OVER: Duration = Duration::from_secs(2);

/// Makes a test of each case, and the list of the errands they are about.
macro_rules! cases {
    ($($name:ident: $errand:ident => $check:expr;)+) => {
        $(
            #[test]
            fn $name() {
                on_stage_thread(|| $check(Errand::$errand)).unwrap();
            }
        )+

        const CASES: &[Errand] = &[$(Errand::$errand),+];
    };
}

cases! {
    what_is_printed_becomes_log_lines: Print => printed_lines;
    a_line_without_end_is_bounded: PrintLong => long_lines_are_cut;
    input_has_ended_and_there_is_no_terminal: Read => |errand| tells(errand, &Grants::default(), "true true true");
    the_environment_is_what_was_granted: Environment => environment;
    clocks_show_the_calls_now_until_granted: Clocks => clocks;
    who_sleeps_loses_no_time: Sleep => sleepers;
    who_waits_for_nothing_traps: PollNothing => |errand| fails(errand, "it waits for nothing");
    randomness_is_the_same_until_granted: Random => randomness;
    a_gush_of_randomness_is_refused: RandomGush => |errand| fails(errand, "at most 65536 are given at once");
    an_exit_ends_the_call: Exit => |errand| fails(errand, "it ended itself with the status 1");
    a_granted_folder_can_be_read_and_nothing_else: Files => files;
    open_files_are_bounded: OpenMany => open_files;
    handles_are_bounded: Handles => |errand| fails(errand, "resource table has no free keys");
}

#[test]
fn every_errand_has_a_case() {
    let missing: Vec<_> = ERRANDS
        .iter()
        .filter(|(_, errand)| !CASES.contains(errand))
        .collect();
    assert!(missing.is_empty(), "no case for {missing:?}");
    assert_eq!(CASES.len(), ERRANDS.len());
}

/// The guest, compiled once.
fn plugin() -> Plugin {
    static ERRAND: OnceLock<Plugin> = OnceLock::new();
    let load = || {
        Host::new(None)
            .unwrap()
            .load("errand", &fs::read(env!("ERRAND_WASM")).unwrap())
    };
    ERRAND.get_or_init(|| load().unwrap()).clone()
}

fn stage(errand: Errand, grants: &Grants) -> (LogStage, Arc<Said>) {
    let name = ERRANDS.iter().find(|(_, other)| *other == errand).unwrap().0;
    let said = Arc::new(Said::default());
    let plugin = plugin().with_grants(grants).unwrap();
    let settings = serde_json::json!({ "errand": name });
    let stage = LogStage::new(plugin, &settings, Limits::default(), said.clone());
    (stage.map_err(anyhow::Error::from).unwrap(), said)
}

/// What the guest logs when it is given these lines.
fn told(errand: Errand, grants: &Grants, lines: &[&str]) -> Vec<String> {
    let (mut stage, said) = stage(errand, grants);
    let before = said.texts().len();
    let batch = batch(lines);
    assert_eq!(stage.process(batch.clone(), NOW).unwrap().output, batch);
    said.texts().split_off(before)
}

fn tells(errand: Errand, grants: &Grants, text: &str) {
    assert_eq!(told(errand, grants, &["go"]), [text]);
}

/// The call fails, soon and with these words; the next one is as good as the first.
fn fails(errand: Errand, words: &str) {
    let (mut stage, _) = stage(errand, &Grants::default());
    for _ in 0..2 {
        let began = Instant::now();
        let failed = stage.process(batch(&["go"]), NOW).unwrap_err();
        assert!(began.elapsed() < OVER, "it took {:?}", began.elapsed());
        assert_eq!(failed.error.kind(), "trap");
        let told = failed.error.to_string();
        assert!(told.contains(words), "{told}");
        assert_eq!(failed.batch, batch(&["go"]));
    }
}

fn printed_lines(errand: Errand) {
    let (mut stage, said) = stage(errand, &Grants::default());
    stage.process(batch(&["go"]), NOW).unwrap();
    let line = |level, text: &str| (level, text.to_owned());
    let mut lines = vec![
        line(Level::Info, "one"),
        line(Level::Warn, "warned"),
        line(Level::Info, "two \u{fffd}"),
    ];
    assert_eq!(said.lines(), lines);
    drop(stage);
    lines.push(line(Level::Info, "three"));
    assert_eq!(said.lines(), lines, "what has no end is told at the end");
}

fn long_lines_are_cut(errand: Errand) {
    let lines = told(errand, &Grants::default(), &["go"]);
    assert_eq!(lines, [format!("{}…", "x".repeat(2048)), "short".into()]);
}

fn environment(errand: Errand) {
    assert!(std::env::vars().count() > 0, "the host has an environment");
    tells(errand, &Grants::default(), "[] [] None");
    let grants = Grants {
        environment: BTreeMap::from([("NAME".into(), "value".into())]),
        ..Grants::default()
    };
    tells(errand, &grants, r#"[("NAME", "value")] [] None"#);
}

fn numbers(line: &str) -> Vec<u64> {
    line.split(' ').map(|number| number.parse().unwrap()).collect()
}

fn clocks(errand: Errand) {
    let (mut stage, said) = stage(errand, &Grants::default());
    stage.process(batch(&["go"]), NOW).unwrap();
    stage.tick(NOW + 1).unwrap();
    stage.process(batch(&["go"]), NOW + 1_000_000_000).unwrap();
    assert_eq!(
        said.texts(),
        [
            "0 0 1000 2000",
            "1700000000 123456789 3000 4000",
            "1700000001 123456789 5000 6000"
        ]
    );
    let granted = Grants {
        clock: true,
        ..Grants::default()
    };
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let shown = numbers(&told(errand, &granted, &["go"])[0]);
    assert!((since..since + 60).contains(&shown[0]), "{shown:?}");
    assert!(shown[2] <= shown[3] && shown[3] < 60_000_000_000, "{shown:?}");
}

fn sleepers(errand: Errand) {
    for clock in [false, true] {
        let grants = Grants {
            clock,
            ..Grants::default()
        };
        let began = Instant::now();
        tells(errand, &grants, "true [1] [1] false");
        assert!(began.elapsed() < OVER);
    }
}

fn randomness(errand: Errand) {
    let stubbed = told(errand, &Grants::default(), &["go", "go"]);
    assert_eq!(stubbed, told(errand, &Grants::default(), &["go", "go"]));
    assert_ne!(stubbed[0], stubbed[1], "it goes on");
    let granted = Grants {
        random: true,
        ..Grants::default()
    };
    let real = told(errand, &granted, &["go"]);
    assert!(real[0] != stubbed[0] && real != told(errand, &granted, &["go"]));
}

/// A folder to grant beside one that is not granted.
fn folders() -> (tempfile::TempDir, Grants) {
    let folder = tempfile::tempdir().unwrap();
    let (lookup, outside) = (folder.path().join("lookup"), folder.path().join("outside"));
    for path in [&lookup.join("deep/er"), &outside] {
        fs::create_dir_all(path).unwrap();
    }
    fs::write(outside.join("secret"), "hunter2").unwrap();
    fs::write(lookup.join("table"), "1,one\n").unwrap();
    fs::write(lookup.join("deep/table"), "2,two\n").unwrap();
    fs::write(lookup.join("large"), "x".repeat(200_000)).unwrap();
    symlink("deep/table", lookup.join("inside")).unwrap();
    symlink("../outside/secret", lookup.join("out")).unwrap();
    symlink(outside.join("secret"), lookup.join("absolute")).unwrap();
    symlink("../outside", lookup.join("out_folder")).unwrap();
    symlink("../../outside/secret", lookup.join("deep/out")).unwrap();
    symlink("/proc/self/root/etc/passwd", lookup.join("magic")).unwrap();
    symlink("round", lookup.join("round")).unwrap();
    let fifo = Command::new("mkfifo").arg(lookup.join("fifo")).status().unwrap();
    assert!(fifo.success());
    let grants = Grants {
        folders: BTreeMap::from([
            ("/lookup".into(), lookup.clone()),
            ("/deep".into(), lookup.join("deep")),
        ]),
        ..Grants::default()
    };
    (folder, grants)
}

fn files(errand: Errand) {
    assert_eq!(
        told(errand, &Grants::default(), &["folders", "read / etc/passwd"]),
        ["[]", "\"no such folder\""]
    );
    let (folder, grants) = folders();
    let outside = folder.path().join("outside/secret");
    let outside = format!("read /lookup {}", outside.display());
    let large = format!("Ok({:?})", "x".repeat(200_000));
    let began = Instant::now();
    let denied = r#"Err("not-permitted")"#;
    let read_only = r#"Err("read-only")"#;
    for (line, says) in [
        ("folders", r#"["/deep", "/lookup"]"#),
        ("read /lookup table", r#"Ok("1,one\n")"#),
        ("read /lookup ./deep/../table", r#"Ok("1,one\n")"#),
        ("read /deep table", r#"Ok("2,two\n")"#),
        ("read /lookup large", &large),
        ("stream /lookup table", r#"Ok(",one\n")"#),
        ("through /lookup deep table", r#"Ok("2,two\n")"#),
        ("stat /lookup inside", r#"Ok("DescriptorType::RegularFile 6")"#),
        ("lstat /lookup inside", r#"Ok("DescriptorType::SymbolicLink")"#),
        ("link /lookup inside", r#"Ok("deep/table")"#),
        (
            "list /lookup deep",
            r#"Ok("er:DescriptorType::Directory out:DescriptorType::SymbolicLink table:DescriptorType::RegularFile")"#,
        ),
        ("read /lookup inside", r#"Ok("2,two\n")"#),
        ("read /lookup nothing", r#"Err("no-entry")"#),
        ("read /lookup deep", r#"Err("is-directory")"#),
        ("read /lookup table/x", r#"Err("not-directory")"#),
        ("read /lookup round", r#"Err("loop")"#),
        ("list /lookup table", r#"Err("not-directory")"#),
        ("nofollow /lookup inside", r#"Err("loop")"#),
        // Out of the folder, in every way.
        ("read /lookup ../outside/secret", denied),
        ("read /lookup deep/../../outside/secret", denied),
        ("read /deep ../table", denied),
        ("through /lookup deep ../table", denied),
        ("through /lookup deep ../../outside/secret", denied),
        ("read /lookup /etc/passwd", denied),
        (&outside, denied),
        ("read /lookup out", denied),
        ("read /lookup absolute", denied),
        ("read /lookup out_folder/secret", denied),
        ("list /lookup out_folder", denied),
        ("list /lookup ..", denied),
        ("read /lookup deep/out", denied),
        ("read /deep out", denied),
        ("read /lookup magic", denied),
        ("stat /lookup out", denied),
        ("stat /lookup ../outside/secret", denied),
        ("hash /lookup out", denied),
        ("link /lookup absolute", denied),
        ("link /lookup ../outside", denied),
        // A pipe would wait for ever.
        ("read /lookup fifo", denied),
        // Nothing is written.
        ("write /lookup table", read_only),
        ("create /lookup new", read_only),
        ("truncate /lookup table", read_only),
        ("unlink /lookup table", read_only),
        ("mkdir /lookup new", read_only),
        ("symlink /lookup new", read_only),
        ("rename /lookup table", read_only),
    ] {
        assert_eq!(told(errand, &grants, &[line]), [says], "{line}");
    }
    assert!(began.elapsed() < 5 * OVER);
    assert_eq!(
        fs::read_to_string(folder.path().join("lookup/table")).unwrap(),
        "1,one\n"
    );
    assert!(!folder.path().join("lookup/new").exists());
}

fn open_files(errand: Errand) {
    let (_folder, grants) = folders();
    // Two are the granted folders themselves, open twice: in the table, and asked for again.
    assert_eq!(told(errand, &grants, &["table"]), [r#"62 "quota""#, "true"]);
    let open = fs::read_dir("/proc/self/fd").unwrap().count();
    assert!(open < 200, "{open} files are open");
}

#[test]
fn a_folder_that_is_not_there_cannot_be_granted() {
    let (folder, _) = folders();
    for (path, why) in [("nothing", "No such file"), ("lookup/table", "Not a directory")] {
        let path = folder.path().join(path);
        let error = open(&path).unwrap_err();
        assert!(
            error.starts_with(&format!(
                "cannot open the folder {} for a plugin: {why}",
                path.display()
            )),
            "{error}"
        );
    }
    assert!(open(&folder.path().join("lookup")).is_ok());
}

fn open(path: &Path) -> Result<(), String> {
    let grants = Grants {
        folders: BTreeMap::from([("/x".into(), path.to_owned())]),
        ..Grants::default()
    };
    match plugin().with_grants(&grants) {
        Ok(_) => Ok(()),
        Err(error) => Err(format!("{:#}", anyhow::Error::from(error))),
    }
}

/// A component with one more custom section, of less than 128 bytes.
fn with_section(wasm: &mut Vec<u8>, name: &str, data: &[u8]) {
    let length = u8::try_from(1 + name.len() + data.len()).unwrap();
    assert!(length < 128);
    wasm.extend([0, length, u8::try_from(name.len()).unwrap()]);
    wasm.extend_from_slice(name.as_bytes());
    wasm.extend_from_slice(data);
}

#[test]
fn a_component_is_described_from_its_bytes() {
    let mut wasm = fs::read(env!("ERRAND_WASM")).unwrap();
    with_section(&mut wasm, "component-name", b"\0\x07\x06errand");
    with_section(&mut wasm, "version", b"1.2.3\x1b[31m");
    with_section(&mut wasm, "licenses", b"Apache-2.0");
    with_section(&mut wasm, "producers", b"\x01\x08language\x01\x02Go\x041.27");
    let about = inspect(&wasm).unwrap();
    assert_eq!(about.name.as_deref(), Some("errand"));
    assert_eq!(
        about.version.as_deref(),
        Some("1.2.3[31m"),
        "what a terminal obeys is left out"
    );
    assert_eq!(about.licence.as_deref(), Some("Apache-2.0"));
    assert_eq!(about.languages, ["Go"]);
    assert_eq!(
        (about.size, about.world.as_deref()),
        (wasm.len(), Some("millstream:stage/log-stage"))
    );
    assert_eq!(about.refused().count(), 0);
    assert!(
        about
            .imports
            .iter()
            .any(|import| import == "wasi:filesystem/types@0.2.12"),
        "{:?}",
        about.imports
    );
    let wants: Vec<_> = Want::ALL.into_iter().filter(|want| about.wants(*want)).collect();
    assert_eq!(
        wants,
        [
            Want::Files,
            Want::Environment,
            Want::Clock,
            Want::Random,
            Want::Output
        ]
    );
    let plugin = Host::new(None).unwrap().load("errand", &wasm).unwrap();
    assert_eq!(plugin.sha256(), about.sha256);
}

#[test]
fn interest_is_known_without_a_stage() {
    on_stage_thread(|| {
        let interest = plugin().interest(&serde_json::json!({ "errand": "print" }), &Limits::default());
        assert!(interest.map_err(anyhow::Error::from).unwrap().lines);
        let refused = plugin().interest(&serde_json::json!({ "errand": "none" }), &Limits::default());
        assert!(refused.unwrap_err().to_string().contains("no such errand"));
    })
    .unwrap();
}

#[test]
fn what_is_no_component_is_not_described() {
    let wasm = fs::read(env!("ERRAND_WASM")).unwrap();
    for bytes in [&b"text"[..], b"\0asm\x01\0\0\0", &wasm[..wasm.len() / 2]] {
        assert!(inspect(bytes).is_err());
    }
}

/// The guest with another name for an interface it imports, of the same length.
fn importing(interface: &[u8], instead: &[u8]) -> Vec<u8> {
    assert_eq!(interface.len(), instead.len());
    let mut wasm = fs::read(env!("ERRAND_WASM")).unwrap();
    let mut places = 0;
    for at in 0..wasm.len() - interface.len() {
        if wasm[at..].starts_with(interface) {
            wasm[at..at + instead.len()].copy_from_slice(instead);
            places += 1;
        }
    }
    assert!(places > 0);
    wasm
}

#[test]
fn sockets_may_be_imported_and_not_called() {
    on_stage_thread(|| {
        let wasm = importing(b"wasi:random/insecure@0.2.12", b"wasi:sockets/insecur@0.2.12");
        let about = inspect(&wasm).unwrap();
        assert!(about.wants(Want::Sockets) && about.refused().next().is_none());
        let plugin = Host::new(None).unwrap().load("errand", &wasm).unwrap();
        let start = |errand: &str| {
            let settings = serde_json::json!({ "errand": errand });
            let stage = LogStage::new(
                plugin.clone(),
                &settings,
                Limits::default(),
                Arc::new(Said::default()),
            );
            stage.map_err(anyhow::Error::from).unwrap()
        };
        assert!(start("print").process(batch(&["go"]), NOW).is_ok());
        let told = start("random")
            .process(batch(&["go"]), NOW)
            .unwrap_err()
            .error
            .to_string();
        assert!(
            told.contains("it calls wasi:sockets/insecur@0.2.12#get-insecure-random-u64"),
            "{told}"
        );
        assert!(told.contains("there is no network for plugins"), "{told}");
    })
    .unwrap();
}

#[test]
fn what_no_plugin_is_given_is_refused_by_name() {
    for instead in [
        &b"wasi:http/handlers@0.2.12"[..],
        b"wasi:config/store1@0.2.12",
        b"wasi:random/random@0.3.10",
        b"some:thing/else123@0.2.12",
    ] {
        let wasm = importing(b"wasi:random/random@0.2.12", instead);
        let name = String::from_utf8(instead.to_vec()).unwrap();
        assert_eq!(
            inspect(&wasm).unwrap().refused().collect::<Vec<_>>(),
            [name.as_str()]
        );
        let error = Host::new(None)
            .unwrap()
            .load("errand", &wasm)
            .err()
            .unwrap()
            .to_string();
        assert_eq!(error, format!("errand imports {name}, which no plugin is given"));
    }
}
