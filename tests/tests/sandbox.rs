//! Promise: whatever a guest does, it fails its own call, within its limits, and nothing is lost or blocked.
//!
//! The guest is `guests/rogue`. Each of its acts has a case here: [`cases!`] makes the tests and the list.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "these are tests; their shared steps may fail like them"
)]

#[path = "../guests/rogue/src/act.rs"]
mod act;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use act::{ACTS, Act, TRIGGER};
use anyhow::Context;
use millstream_batch::{Field, Labels, LogBatch};
use millstream_plugin_host::{
    Compiler, Failed, Host, Level, Limits, LogStage, MetricKind, Plugin, STACK_SIZE, StageError, StageEvents,
};
use tokio::time::Instant;

/// What the host calls "now".
const NOW: i64 = 1_700_000_000_000_000_000;

/// The time limit of a call, and within what even the worst failure is over: the call, a fresh instance, the replay.
const TIMEOUT: Duration = Duration::from_millis(200);
const OVER: Duration = Duration::from_secs(2);

/// Makes a test of each case, and the list of the acts they are about.
macro_rules! cases {
    ($($name:ident: $act:ident => $check:expr;)+) => {
        $(
            #[test]
            fn $name() {
                on_stage_thread(|| $check(Act::$act));
            }
        )+

        const CASES: &[Act] = &[$(Act::$act),+];
    };
}

cases! {
    an_endless_loop_is_ended: Loop => |act| fails(act, "timeout", "time limit of 200 ms");
    a_recursion_without_end_traps: Recurse => |act| fails(act, "trap", "call stack exhausted in");
    a_hoarder_is_refused_memory: Hoard => |act| fails(act, "memory", "may have 16777216");
    a_panic_reaches_the_log_and_the_trap_says_where: Panic => panic_is_told;
    a_failure_is_reported: Fail => |act| fails(act, "reported", "it reports: no, as asked");
    an_answer_too_large_is_refused: Oversize => |act| fails(act, "oversize", "bytes where at most");
    an_answer_far_too_large_is_refused: Gush => |act| fails(act, "oversize", "at most");
    an_answer_that_would_grow_is_refused: Copies => copies_are_counted;
    columns_without_number_are_refused: Columns => columns_are_counted;
    descending_ends_are_refused: EndsDescend => |act| fails(act, "contract", "lines of its answer is broken");
    bytes_that_are_no_text_are_refused: NotUtf8 => |act| fails(act, "contract", "value 0 is not UTF-8");
    a_short_column_is_refused: ShortColumn => |act| fails(act, "contract", "lines has 0 rows");
    a_field_set_twice_is_refused: FieldTwice => |act| fails(act, "contract", "\"twice\" is empty or set twice");
    a_stream_without_labels_is_refused: StreamRange => |act| fails(act, "contract", "stream 4294967295");
    a_label_name_that_is_none_is_refused: LabelName => |act| fails(act, "contract", "a label name is not");
    labels_out_of_order_are_refused: LabelOrder => |act| fails(act, "contract", "do not ascend");
    an_unknown_origin_is_refused: UnknownOrigin => |act| fails(act, "contract", "origins names row 4");
    an_invented_held_row_is_refused: HeldInvented => |act| fails(act, "contract", "held names row 18446744073709551615");
    holding_must_be_declared: HeldUndeclared => |act| fails(act, "contract", "did not declare `holds`");
    descending_held_rows_are_refused: HeldDescend => |act| fails(act, "contract", "held is not ascending");
    a_row_both_held_and_put_out_is_refused: HeldAndOut => |act| fails(act, "contract", "both held and put out");
    drops_beyond_the_rows_are_refused: TooManyDrops => |act| fails(act, "contract", "only 0 vanished");
    a_trap_in_configure_is_told: ConfigureTrap => |act| cannot_be_set_up(act, "trap", "give_up");
    a_loop_in_configure_is_ended: ConfigureLoop => |act| cannot_be_set_up(act, "timeout", "time limit");
    a_refusal_is_told_as_it_is: Refuse => refusal_is_told;
    a_flood_of_log_lines_does_no_harm: LogFlood => flood_does_no_harm;
    held_rows_outlive_a_trap: HoldThenTrap => held_rows_are_fed_again;
    held_rows_that_are_poison_are_let_go: HoldPoison => held_poison_is_let_go;
    held_rows_outlive_a_trap_in_tick: TickTrap => |act| held_rows_stay(act, "trap", LogStage::tick);
    held_rows_outlive_a_loop_in_flush: FlushLoop => |act| held_rows_stay(act, "timeout", LogStage::flush);
    held_rows_outlive_a_trap_in_flush: FlushTrap => |act| held_rows_stay(act, "trap", LogStage::flush);
    forgotten_rows_are_accounted_for: Forget => forgotten_rows_vanish;
    patterns_without_number_are_refused_memory: KernelHoard => |act| cannot_be_set_up(act, "memory", "may have 16777216");
    kernels_have_no_batch_before_there_is_one: KernelEarly => |act| cannot_be_set_up(act, "trap", "only while `process` runs");
    kernels_are_not_compiled_per_batch: KernelTardy => |act| fails(act, "trap", "only while the stage is configured");
    a_pattern_that_was_not_compiled_is_not_run: KernelHandle => |act| fails(act, "trap", "there is no pattern 7");
    a_kernel_that_takes_too_long_is_ended: KernelLate => kernels_are_ended;
    a_kernel_makes_no_more_than_may_be_returned: KernelFlood => |act| fails(act, "oversize", "at most");
    a_patch_that_does_not_fit_is_refused: KernelPatch => |act| fails(act, "trap", "row 0, bytes 0..4294967295 does not fit");
    who_drops_by_kernels_names_no_origins: KernelDrops => |act| fails(act, "contract", "although `drop-rows`");
    what_kernels_did_before_a_trap_is_undone: KernelThenTrap => |act| fails(act, "trap", "give_up");
    slow_work_within_the_limit_is_none_of_our_business: Slow => slow_work_is_done;
    a_wish_to_wake_in_the_past_is_only_a_wish: WakePast => past_wishes_do_no_harm;
    what_is_not_declared_does_not_cross: Blind => blind_sees_nothing;
}

#[test]
fn every_act_has_a_case() {
    let missing: Vec<_> = ACTS.iter().filter(|(_, act)| !CASES.contains(act)).collect();
    assert!(missing.is_empty(), "no case for {missing:?}");
    assert_eq!(CASES.len(), ACTS.len());
}

/// What a stage said.
#[derive(Default)]
struct Said(Mutex<Vec<(Level, String)>>);

impl Said {
    fn lines(&self) -> Vec<(Level, String)> {
        self.0.lock().unwrap().clone()
    }

    /// How many instances were configured.
    fn instances(&self) -> usize {
        self.lines()
            .iter()
            .filter(|(_, line)| line == "configured")
            .count()
    }
}

impl StageEvents for Said {
    fn log(&self, level: Level, message: &str) {
        self.0.lock().unwrap().push((level, message.to_owned()));
    }

    fn register(&self, _: MetricKind, _: &str, _: &str, _: &[String], _: &[f64]) -> Result<u32, String> {
        Ok(0)
    }

    fn add(&self, _: u32, _: &[String], _: f64) {}

    fn set(&self, _: u32, _: &[String], _: f64) {}
}

/// Runs a case as the agent runs stages.
fn on_stage_thread(case: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new()
        .stack_size(STACK_SIZE)
        .spawn(case)
        .unwrap();
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

fn wasm() -> Vec<u8> {
    fs::read(env!("ROGUE_WASM")).unwrap()
}

/// The rogue, compiled once.
fn rogue() -> Plugin {
    static ROGUE: OnceLock<Plugin> = OnceLock::new();
    ROGUE
        .get_or_init(|| Host::new(None).unwrap().load("rogue", &wasm()).unwrap())
        .clone()
}

fn set_up(act: Act) -> (Result<LogStage, StageError>, Arc<Said>) {
    let name = ACTS.iter().find(|(_, other)| *other == act).unwrap().0;
    let said = Arc::new(Said::default());
    let limits = Limits {
        memory: 16 << 20,
        timeout: TIMEOUT,
        ..Limits::default()
    };
    let stage = LogStage::new(rogue(), &serde_json::json!({ "act": name }), limits, said.clone());
    (stage, said)
}

fn start(act: Act) -> (LogStage, Arc<Said>) {
    let (stage, said) = set_up(act);
    (stage.map_err(anyhow::Error::from).unwrap(), said)
}

/// A batch with every kind of column.
fn batch(first_seq: u64, lines: &[&str]) -> LogBatch {
    let rows = lines.len();
    LogBatch {
        timestamps: (0..rows as i64).map(|row| NOW + row).collect(),
        lines: lines.iter().copied().collect(),
        streams: vec![0; rows],
        labels: vec![Labels::from_pairs([("job", "sandbox")])],
        fields: vec![Field::from_values("level", lines.iter().map(|_| Some("info")))],
        metadata: vec![Field::from_values("trace", lines.iter().map(|_| Some("abc")))],
        seqs: (first_seq..first_seq + rows as u64).collect(),
    }
}

fn poison(first_seq: u64) -> LogBatch {
    batch(first_seq, &["harmless", TRIGGER])
}

fn words(error: impl Into<anyhow::Error>) -> String {
    format!("{:#}", error.into())
}

/// Makes a call that must fail, and soon.
fn failing<T>(call: impl FnOnce() -> Result<T, Box<Failed>>) -> Failed {
    let began = Instant::now();
    let Err(failed) = call() else {
        panic!("it went well")
    };
    assert!(began.elapsed() < OVER, "it took {:?}", began.elapsed());
    *failed
}

fn passes(stage: &mut LogStage) {
    let good = batch(70, &["good", "as before"]);
    assert_eq!(stage.process(good.clone(), NOW).unwrap().output, good);
}

/// The act fails the call that sets it off and no other.
fn fails(act: Act, kind: &str, text: &str) {
    fails_with(act, kind, text, poison(0));
}

fn fails_with(act: Act, kind: &str, text: &str, poison: LogBatch) {
    let (mut stage, said) = start(act);
    passes(&mut stage);
    let failed = failing(|| stage.process(poison.clone(), NOW));
    assert_eq!(failed.error.kind(), kind, "{:?}", failed.error);
    let told = words(failed.error);
    assert!(told.contains(text), "{told}");
    assert_eq!(failed.batch, poison, "the batch comes back whole");
    assert!(failed.released.output.is_empty() && failed.released.vanished.is_empty());
    assert_eq!(said.instances(), 2, "a fresh instance follows");
    passes(&mut stage);
    assert_eq!(said.instances(), 2, "and stays");
}

fn panic_is_told(act: Act) {
    fails(act, "trap", "give_up");
    let (mut stage, said) = start(act);
    stage.process(poison(0), NOW).unwrap_err();
    let told = said
        .lines()
        .into_iter()
        .find(|(level, _)| *level == Level::Error)
        .unwrap()
        .1;
    assert!(
        told.contains("the rogue gives up") && told.contains("misdeeds.rs:"),
        "{told}"
    );
}

fn copies_are_counted(act: Act) {
    fails_with(
        act,
        "oversize",
        "at most",
        batch(0, &[&format!("{TRIGGER} {}", "x".repeat(10_000))]),
    );
}

/// A large batch allows a large answer, even of columns without a byte.
fn columns_are_counted(act: Act) {
    fails_with(
        act,
        "contract",
        "sets 50000 columns",
        batch(0, &[&format!("{TRIGGER} {}", "x".repeat(500_000))]),
    );
}

/// Host code is not interrupted, so it has to look at the clock itself: to the end this would take half a minute.
fn kernels_are_ended(act: Act) {
    let mut state = 7_u64;
    let mut line = || -> String {
        let mut letter = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            if state >> 40 & 1 == 0 { 'a' } else { 'b' }
        };
        (0..8_000).map(|_| letter()).collect()
    };
    let lines: Vec<String> = std::iter::once(TRIGGER.to_owned())
        .chain((0..4_000).map(|_| line()))
        .collect();
    let began = Instant::now();
    let poison = batch(0, &lines.iter().map(String::as_str).collect::<Vec<_>>());
    let mut stage = LogStage::new(
        rogue(),
        &serde_json::json!({ "act": "kernel-late" }),
        Limits {
            timeout: TIMEOUT,
            ..Limits::of_memory(256 << 20)
        },
        Arc::new(Said::default()),
    )
    .unwrap();
    let failed = failing(|| stage.process(poison.clone(), NOW));
    assert_eq!((failed.error.kind(), act), ("timeout", Act::KernelLate));
    assert!(words(failed.error).contains("time limit of 200 ms"));
    assert_eq!(failed.batch.len(), poison.len());
    assert!(began.elapsed() < OVER);
}

fn cannot_be_set_up(act: Act, kind: &str, text: &str) {
    let began = Instant::now();
    let Err(StageError::Failed { call, source }) = set_up(act).0 else {
        panic!("it was set up")
    };
    assert!(began.elapsed() < OVER);
    assert_eq!((call, source.kind()), ("configure", kind));
    assert!(source.to_string().contains(text), "{source}");
}

fn refusal_is_told(act: Act) {
    let Err(error) = set_up(act).0 else {
        panic!("it was not refused")
    };
    assert!(matches!(error, StageError::Refused(_)));
    assert_eq!(error.to_string(), "setting `act`: refused, as asked");
}

fn flood_does_no_harm(act: Act) {
    let (mut stage, said) = start(act);
    assert_eq!(stage.process(poison(0), NOW).unwrap().output, poison(0));
    let lines = said.lines();
    assert_eq!(lines.len(), 10_001);
    assert_eq!(lines[10_000], (Level::Warn, "line 9999 of a flood".into()));
    passes(&mut stage);
    assert_eq!(said.instances(), 1);
}

/// A stage that holds three batches of one row each.
fn holding(act: Act) -> (LogStage, Arc<Said>, LogBatch) {
    let (mut stage, said) = start(act);
    for (seq, line) in [(1, "one"), (2, "two"), (3, "three")] {
        let answer = stage.process(batch(seq, &[line]), NOW).unwrap();
        assert!(answer.output.is_empty() && answer.vanished.is_empty());
    }
    let held = stage.held().rows().clone();
    assert_eq!(held.lines, ["one", "two", "three"].into_iter().collect());
    assert_eq!((stage.held().ids(), &held.seqs), (&[0, 1, 2][..], &vec![1, 2, 3]));
    (stage, said, held)
}

fn held_rows_are_fed_again(act: Act) {
    let (mut stage, said, held) = holding(act);
    let failed = failing(|| stage.process(poison(4), NOW));
    assert_eq!((failed.error.kind(), failed.batch), ("trap", poison(4)));
    assert!(failed.released.output.is_empty() && failed.released.vanished.is_empty());
    assert_eq!(said.instances(), 2);
    assert_eq!(stage.held().rows(), &held);
    assert_eq!(stage.held().ids(), [3, 4, 5], "ids are never used twice");
    assert_eq!(stage.wake_at(), Some(NOW + 1));
    // Once more: the second fresh instance has them too, and lets go of them whole.
    failing(|| stage.process(poison(4), NOW));
    let answer = stage.tick(NOW + 1).unwrap();
    assert_eq!(answer.output, held);
    assert!(answer.vanished.is_empty() && stage.held().ids().is_empty());
}

fn held_poison_is_let_go(act: Act) {
    let (mut stage, said, held) = holding(act);
    let failed = failing(|| stage.process(poison(4), NOW));
    assert_eq!((failed.error.kind(), failed.batch), ("trap", poison(4)));
    assert_eq!(failed.stranded, held, "what cannot be fed again comes back");
    assert!(failed.released.output.is_empty() && failed.released.vanished.is_empty());
    assert!(stage.held().ids().is_empty());
    stage.process(batch(7, &["seven"]), NOW).unwrap();
    assert_eq!(
        said.instances(),
        3,
        "the one that failed in the replay was replaced as well"
    );
    assert_eq!(stage.held().rows().seqs, [7]);
}

/// What is neither put out nor held has vanished, and the host is told of each row, so that nobody waits for it.
fn forgotten_rows_vanish(act: Act) {
    let (mut stage, said, held) = holding(act);
    let answer = stage.process(poison(4), NOW).unwrap();
    assert!(answer.output.is_empty() && stage.held().ids().is_empty());
    let mut seqs = answer.vanished;
    seqs.sort_unstable();
    let all: Vec<u64> = held.seqs.iter().copied().chain(poison(4).seqs).collect();
    assert_eq!(seqs, all);
    assert_eq!(stage.wake_at(), None, "nothing is held for which to wake");
    assert_eq!(said.instances(), 1);
}

fn slow_work_is_done(act: Act) {
    let (mut stage, said) = start(act);
    for seq in 0..3 {
        assert_eq!(stage.process(poison(seq), NOW).unwrap().output, poison(seq));
    }
    assert_eq!(said.instances(), 1);
}

fn held_rows_stay<T>(act: Act, kind: &str, call: impl FnOnce(&mut LogStage, i64) -> Result<T, Box<Failed>>) {
    let (mut stage, said, held) = holding(act);
    let failed = failing(|| call(&mut stage, NOW));
    assert_eq!(failed.error.kind(), kind);
    assert!(failed.batch.is_empty() && failed.released.output.is_empty());
    assert_eq!((stage.held().rows(), said.instances()), (&held, 2));
    stage.process(batch(4, &["four"]), NOW).unwrap();
    assert_eq!(stage.held().rows().seqs, [1, 2, 3, 4]);
}

fn past_wishes_do_no_harm(act: Act) {
    let (mut stage, said) = start(act);
    passes(&mut stage);
    for round in 0..3 {
        assert_eq!(stage.wake_at(), Some(NOW + round - 1));
        assert!(stage.tick(NOW + round + 1).unwrap().output.is_empty());
    }
    passes(&mut stage);
    assert_eq!(said.instances(), 1);
}

fn blind_sees_nothing(act: Act) {
    let (mut stage, said) = start(act);
    assert!(!stage.interest().lines && !stage.interest().labels);
    assert_eq!(stage.process(poison(0), NOW).unwrap().output, poison(0));
    assert_eq!(said.lines()[1].1, "2 rows, [0, 0, 0, 0, 0] crossed");
}

/// The one file in the cache.
fn compiled(cache: &Path) -> PathBuf {
    let mut files: Vec<_> = fs::read_dir(cache)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert_eq!(files.len(), 1, "{files:?}");
    files.remove(0)
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o777
}

fn allow(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Whether a host with this cache compiles nothing; the plugin works either way.
fn is_cached(cache: &Path) -> bool {
    let plugin = Host::new(Some(cache)).unwrap().load("rogue", &wasm()).unwrap();
    let settings = serde_json::json!({ "act": "fail" });
    let from_cache = plugin.from_cache();
    let mut stage = LogStage::new(plugin, &settings, Limits::default(), Arc::new(Said::default())).unwrap();
    passes(&mut stage);
    from_cache
}

#[test]
fn compiled_code_is_kept_where_only_we_may_write() {
    on_stage_thread(|| {
        let folder = tempfile::tempdir().unwrap();
        let cache = folder.path().join("state/compiled");
        assert!(!is_cached(&cache), "the first start compiles");
        let file = compiled(&cache);
        assert_eq!((mode(&cache), mode(&file)), (0o700, 0o600));
        assert!(is_cached(&cache), "the second does not");
        let code = fs::read(&file).unwrap();
        fs::write(&file, &code[..code.len() / 2]).unwrap();
        assert!(!is_cached(&cache), "a torn file is compiled anew");
        assert!(is_cached(&cache));
    });
}

#[test]
fn compiled_code_that_others_may_write_is_ignored() {
    on_stage_thread(|| {
        let folder = tempfile::tempdir().unwrap();
        let cache = folder.path().join("compiled");
        is_cached(&cache);
        let file = compiled(&cache);
        for open in [0o620, 0o602, 0o604] {
            // As if someone else had put code of theirs there: it is never mapped, and replaced by our own.
            fs::write(&file, b"code of somebody else").unwrap();
            allow(&file, open);
            assert!(!is_cached(&cache), "{open:o}");
            assert_eq!(mode(&file), 0o600);
            assert!(is_cached(&cache));
        }
        allow(&cache, 0o777);
        assert!(!is_cached(&cache), "a folder that others may write");
        allow(&cache, 0o700);
        assert!(is_cached(&cache));
        let elsewhere = folder.path().join("elsewhere");
        fs::rename(&file, &elsewhere).unwrap();
        std::os::unix::fs::symlink(&elsewhere, &file).unwrap();
        assert!(!is_cached(&cache), "a link is not followed");
    });
}

/// What comes of a component that this program compiles, with the cache's files afterwards.
fn compiled_by(program: &Path, arguments: &[&str], component: &[u8]) -> (Result<(), String>, usize) {
    let folder = tempfile::tempdir().unwrap();
    let arguments = arguments.iter().map(Into::into).collect();
    let compiler = Compiler::new(program.to_path_buf(), arguments);
    let host = Host::compiling_apart(folder.path(), compiler).unwrap();
    let loaded = host.load("rogue", component).map(|_| ()).map_err(words);
    (loaded, fs::read_dir(folder.path()).unwrap().count())
}

#[test]
fn a_component_is_compiled_in_a_process_that_may_die_alone() {
    let agent = millstream_tests::binary().unwrap();
    assert_eq!(compiled_by(&agent, &["compile"], &wasm()), (Ok(()), 1));
    // It says no: why is found in this process.
    let (refused, files) = compiled_by(&agent, &["compile"], &wasm()[..1000]);
    assert!(refused.unwrap_err().starts_with("cannot compile rogue"));
    assert_eq!(files, 0);
    // It dies of the component, as this process would.
    let (died, files) = compiled_by(Path::new("/bin/sh"), &["-c", "kill -9 $$"], &wasm());
    let died = died.unwrap_err();
    assert!(
        died.contains("the process that compiled it died: signal: 9"),
        "{died}"
    );
    assert_eq!(files, 0);
    // There is none, or it leaves nothing: then it is done here.
    for (program, arguments) in [("/nowhere", &[][..]), ("/bin/true", &[])] {
        assert_eq!(compiled_by(Path::new(program), arguments, &wasm()), (Ok(()), 1));
    }
}

#[test]
fn what_is_no_stage_is_refused_with_a_reason() -> anyhow::Result<()> {
    let host = Host::new(None)?;
    let component = wasm();
    for (bytes, hint) in [
        (&b"fn main() {}"[..], "it is a text file"),
        (&b"\0asm\x01\0\0\0"[..], "it is a core module"),
        (&b"\x7fELF\x02\x01\x01\0"[..], "is not a WebAssembly component"),
        (&b"\0asm\x0d\0\x01\0"[..], "is not a plugin for the world"),
        (&component[..component.len() / 2], "cannot compile"),
    ] {
        let told = words(host.load("stranger", bytes).err().context("it was loaded")?);
        assert!(
            told.starts_with(if hint.starts_with("cannot") {
                hint
            } else {
                "stranger"
            }),
            "{told}"
        );
        assert!(told.contains(hint), "{told}");
    }
    Ok(())
}
