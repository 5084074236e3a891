//! Promise: the manifest says where a plugin comes from and what it may use, `check` tells it, and nothing else reaches it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;

use axum::Router;
use axum::routing::get;
use millstream_tests::receiver::Receiver;
use millstream_tests::{Agent, millstream};
use tokio::net::TcpListener;

/// A pipeline with one custom stage.
fn manifest(plugin: &str, stage: &str, folder: &Path, push_url: &str) -> String {
    format!(
        "plugins:\n  guest:\n    {}\n\
         sources: {{ logs: {{ file: {{ include: ['{}/logs/*.log'] }} }} }}\n\
         pipelines:\n  p:\n    from: [logs]\n    stages:\n      - guest: {stage}\n    to: [loki]\n\
         sinks: {{ loki: {{ loki: {{ url: '{push_url}', batch_wait: 100ms }} }} }}\n",
        plugin.trim().replace('\n', "\n    "),
        folder.display()
    )
}

fn errand() -> String {
    format!("path: '{}'", env!("ERRAND_WASM"))
}

/// What `check` says of a manifest: exit code, stdout, stderr.
fn check(folder: &Path, plugin: &str, stage: &str) -> (i32, String, String) {
    let path = folder.join("m.yaml");
    fs::write(&path, manifest(plugin, stage, folder, "http://127.0.0.1:1/push")).unwrap();
    let arguments = ["check", path.to_str().unwrap(), "--storage-path"];
    let storage = folder.join("state");
    let output = millstream(arguments.into_iter().chain([storage.to_str().unwrap()])).unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code().unwrap(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[test]
fn check_tells_what_a_plugin_may_use_and_is_given() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("lookup")).unwrap();
    let stage = "{ errand: files }";
    let (code, said, errors) = check(folder.path(), &errand(), stage);
    assert_eq!((code, errors.as_str()), (0, ""));
    for line in [
        "  may use files: given none; `grants: { folders: { /lookup: ./lookup } }` would give a folder to read\n",
        "  may use environment variables: given none; `grants: { environment: { NAME: value } }` would give one\n",
        "  may use the clock: given the time of its call; `grants: { clock: true }` would give the system's\n",
        "  may use random numbers: given the same ones each time; `grants: { random: true }` would give the system's\n",
        "  may use standard output: given the log\n",
    ] {
        assert!(said.contains(line), "{said}");
    }
    let grants = "grants: { folders: { /lookup: ./lookup }, environment: { TOKEN: hunter2 }, clock: true, random: true }";
    let (code, said, errors) = check(folder.path(), &format!("{}\n{grants}", errand()), stage);
    assert_eq!((code, errors.as_str()), (0, ""));
    let lookup = folder.path().join("lookup");
    assert!(
        said.contains(&format!(
            "  may use files: given /lookup ({})\n",
            lookup.display()
        )),
        "{said}"
    );
    assert!(
        said.contains("  may use environment variables: given TOKEN\n"),
        "{said}"
    );
    assert!(
        said.contains("  may use the clock: given the system's\n"),
        "{said}"
    );
    assert!(
        !said.contains("hunter2") && !said.contains("would give"),
        "{said}"
    );
    let rogue = format!("path: '{}'\ngrants: {{ clock: true }}", env!("ROGUE_WASM"));
    let (_, said, _) = check(folder.path(), &rogue, "{ act: fail }");
    assert!(
        said.contains("  does not import the clock: the system's is of no use to it\n"),
        "{said}"
    );
}

#[test]
fn a_folder_that_is_not_there_is_told_at_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let plugin = format!("{}\ngrants:\n  folders: {{ /lookup: ./lookup }}", errand());
    let (code, said, errors) = check(folder.path(), &plugin, "{ errand: files }");
    assert_eq!((code, said.as_str()), (2, ""));
    assert!(errors.contains("m.yaml:5:18\n"), "{errors}");
    assert!(
        errors.contains("cannot open the folder") && errors.contains("make the folder, or correct its path"),
        "{errors}"
    );
}

#[test]
fn a_component_that_wants_http_is_refused_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    // The guest, but what it imports as randomness is something else.
    let (random, http) = (b"wasi:random/random@0.2.12", b"wasi:http/handlers@0.2.12");
    let mut wasm = fs::read(env!("ERRAND_WASM")).unwrap();
    let mut at = 0;
    while let Some(found) = wasm[at..]
        .windows(random.len())
        .position(|window| window == random)
    {
        wasm[at + found..][..http.len()].copy_from_slice(http);
        at += found;
    }
    assert!(at > 0);
    fs::write(folder.path().join("guest.wasm"), wasm).unwrap();
    let (code, _, errors) = check(folder.path(), "path: ./guest.wasm", "{ errand: files }");
    assert_eq!(code, 2);
    assert!(errors.contains("m.yaml:2:3\n"), "{errors}");
    assert!(
        errors.contains("guest imports wasi:http/handlers@0.2.12, which no plugin is given"),
        "{errors}"
    );
    assert!(
        errors.contains("build it without them, for JavaScript with `--disable http`; `grants` can give"),
        "{errors}"
    );
}

#[tokio::test]
async fn a_granted_folder_is_read_by_a_running_stage() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["logs", "lookup"] {
        fs::create_dir(folder.path().join(name)).unwrap();
    }
    fs::write(folder.path().join("lookup/table"), "one and two").unwrap();
    fs::write(folder.path().join("secret"), "hunter2").unwrap();
    fs::write(
        folder.path().join("logs/a.log"),
        "read /lookup table\nread /lookup ../secret\nread /lookup nothing\n",
    )
    .unwrap();
    let receiver = Receiver::start().await.unwrap();
    // Two lines: the third is silent.
    let plugin = format!(
        "{}\nlog_rate: 2\ngrants: {{ folders: {{ /lookup: ./lookup }} }}",
        errand()
    );
    let manifest = manifest(&plugin, "{ errand: files }", folder.path(), &receiver.push_url());
    let agent = Agent::start(folder.path(), &manifest).await.unwrap();
    receiver.wait_for(3).await.unwrap();
    let log = agent.log().join("\n");
    assert!(agent.stop().await.unwrap().success());
    assert!(log.contains("one and two"), "{log}");
    assert!(log.contains("not-permitted") && !log.contains("hunter2"), "{log}");
    assert!(!log.contains("no-entry"), "a third line was written: {log}");
}

#[tokio::test]
async fn output_says_how_much_more_a_call_may_return_than_went_in() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("logs")).unwrap();
    fs::write(
        folder.path().join("logs/a.log"),
        format!("poison {}\n", "x".repeat(200)),
    )
    .unwrap();
    let receiver = Receiver::start().await.unwrap();
    // Its answer has 1.5 MiB: 1 MiB is allowed to all, the rest because of `output`.
    let plugin = format!("path: '{}'\noutput: 10000\non_error: halt", env!("ROGUE_WASM"));
    let manifest = manifest(&plugin, "{ act: oversize }", folder.path(), &receiver.push_url());
    let agent = Agent::start(folder.path(), &manifest).await.unwrap();
    receiver.wait_for(1).await.unwrap();
    assert_eq!(receiver.entries()[0].line.len(), 3 << 19);
    assert!(agent.stop().await.unwrap().success());
}

/// Serves the guest at `/guest.wasm`; gives the URL.
async fn serve() -> String {
    let wasm = fs::read(env!("ERRAND_WASM")).unwrap();
    let router = Router::new().route("/guest.wasm", get(move || async move { wasm }));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}/guest.wasm")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fetched_plugin_runs_without_the_network_afterwards() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("logs")).unwrap();
    let url = serve().await;
    let plugin = |url: &str, sha256: &str| format!("url: '{url}'\nsha256: {sha256}");
    let stage = "{ errand: print }";
    let (code, _, errors) = check(folder.path(), &plugin(&url, &"0".repeat(64)), stage);
    assert_eq!(code, 2);
    assert!(errors.contains("m.yaml:4:"), "{errors}");
    let right = errors.split("write `sha256: ").nth(1).unwrap();
    let right = right.split('`').next().unwrap();
    let (code, said, errors) = check(folder.path(), &plugin(&url, right), stage);
    assert_eq!((code, errors.as_str()), (0, ""));
    assert!(
        said.contains(&format!("  from {url}, fetched for this: ")),
        "{said}"
    );
    let stored = folder.path().join(format!("state/plugins/{right}.wasm"));
    assert!(
        said.contains(stored.to_str().unwrap()) && stored.is_file(),
        "{said}"
    );
    // Nobody listens on port 1.
    let gone = "http://127.0.0.1:1/guest.wasm";
    let (_, said, _) = check(folder.path(), &plugin(gone, right), stage);
    assert!(said.contains("fetched before: "), "{said}");
    let receiver = Receiver::start().await.unwrap();
    fs::write(folder.path().join("logs/a.log"), "a line\n").unwrap();
    let manifest = manifest(&plugin(gone, right), stage, folder.path(), &receiver.push_url());
    let agent = Agent::start(folder.path(), &manifest).await.unwrap();
    receiver.wait_for(1).await.unwrap();
    assert!(agent.stop().await.unwrap().success());
}

#[test]
fn what_cannot_be_fetched_is_told_at_its_address() {
    let folder = tempfile::tempdir().unwrap();
    let sha256 = "0".repeat(64);
    for (key, address, what) in [
        (
            "url",
            "http://127.0.0.1:1/guest.wasm",
            "cannot fetch http://127.0.0.1:1/guest.wasm",
        ),
        (
            "oci",
            "127.0.0.1:1/example/guest:1",
            "cannot pull 127.0.0.1:1/example/guest:1",
        ),
    ] {
        let plugin = format!("{key}: '{address}'\nsha256: {sha256}");
        let (code, _, errors) = check(folder.path(), &plugin, "{ errand: print }");
        assert_eq!(code, 2);
        assert!(
            errors.contains("m.yaml:3:5\n") && errors.contains(what),
            "{errors}"
        );
        assert!(
            errors.contains("or fetch it where it can be reached and write `path`"),
            "{errors}"
        );
    }
}
