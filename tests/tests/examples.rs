//! `examples/ticketon` and the README's manifest, kept honest without a container engine.
//!
//! The Dockerfile is read instruction by instruction, its copies are replayed into a folder, its arguments are given to
//! the real binary, and the health check of the compose file is run against a socket and against the agent. Not proven
//! here: that the base images exist, and that `make build` passes inside of one.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use anyhow::{Context, bail, ensure};

/// A drain may take this long (`DRAIN_DEADLINE` in runtime/src/agent.rs), in seconds.
const DRAIN: u64 = 30;

const EXAMPLE: &str = "examples/ticketon";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn example(name: &str) -> anyhow::Result<String> {
    let path = root().join(EXAMPLE).join(name);
    fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
}

/// The YAML the example's files are written in: maps and lists in blocks, everything else a scalar on one line. Gives
/// every scalar by its path, such as `services.loki.command[0]`.
fn yaml(text: &str) -> anyhow::Result<BTreeMap<String, String>> {
    let mut values = BTreeMap::new();
    let mut lengths: BTreeMap<String, usize> = BTreeMap::new();
    let mut open: Vec<(usize, String)> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let place = || format!("line {}: {line}", number + 1);
        let mut body = line.trim_start_matches(' ');
        let mut indent = line.len() - body.len();
        ensure!(!body.starts_with('\t'), "a tab in {}", place());
        if body.is_empty() || body.starts_with('#') {
            continue;
        }
        while open.last().is_some_and(|(outer, _)| *outer >= indent) {
            open.pop();
        }
        while let Some(item) = body.strip_prefix("- ") {
            let parent = open.last().map(|(_, path)| path.clone()).with_context(place)?;
            let length = lengths.entry(parent.clone()).or_default();
            open.push((indent, format!("{parent}[{length}]")));
            *length += 1;
            (indent, body) = (indent + 2, item);
        }
        let parent = open.last().map(|(_, path)| path.clone()).unwrap_or_default();
        let (path, value) = match body
            .split_once(": ")
            .or_else(|| Some((body.strip_suffix(':')?, "")))
        {
            Some((key, value)) if !body.starts_with(['\'', '"']) => {
                let path = if parent.is_empty() {
                    key.to_owned()
                } else {
                    format!("{parent}.{key}")
                };
                open.push((indent, path.clone()));
                (path, value.trim())
            }
            _ => (parent, body),
        };
        let quoted = ['\'', '"']
            .iter()
            .find_map(|&quote| value.strip_prefix(quote)?.strip_suffix(quote));
        ensure!(
            values.insert(path, quoted.unwrap_or(value).to_owned()).is_none(),
            "said twice: {}",
            place()
        );
    }
    Ok(values)
}

/// The items of a list, or nothing.
fn items<'v>(values: &'v BTreeMap<String, String>, path: &str) -> Vec<&'v str> {
    (0..)
        .map_while(|n| values.get(&format!("{path}[{n}]")).map(String::as_str))
        .collect()
}

/// An instruction of a Dockerfile and its arguments.
type Instruction = (String, String);

/// The instructions with continued lines joined; an unknown one is an error.
fn instructions(dockerfile: &str) -> anyhow::Result<Vec<Instruction>> {
    const KNOWN: [&str; 15] = [
        "ADD",
        "ARG",
        "CMD",
        "COPY",
        "ENTRYPOINT",
        "ENV",
        "EXPOSE",
        "FROM",
        "HEALTHCHECK",
        "LABEL",
        "RUN",
        "STOPSIGNAL",
        "USER",
        "VOLUME",
        "WORKDIR",
    ];
    let mut found = Vec::new();
    let mut pending = String::new();
    for line in dockerfile
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        if let Some(part) = line.strip_suffix('\\') {
            pending.push_str(part);
            continue;
        }
        let whole = std::mem::take(&mut pending) + line;
        let (name, arguments) = whole
            .split_once(' ')
            .with_context(|| format!("no arguments: {whole}"))?;
        ensure!(KNOWN.contains(&name), "unknown instruction: {whole}");
        found.push((name.to_owned(), arguments.trim().to_owned()));
    }
    ensure!(pending.is_empty(), "the last line goes on: {pending}");
    Ok(found)
}

/// The arguments of the last instruction of this name.
fn last<'i>(instructions: &'i [Instruction], name: &str) -> anyhow::Result<&'i str> {
    let found = instructions.iter().rev().find(|(other, _)| other == name);
    Ok(&found.with_context(|| format!("no {name}"))?.1)
}

/// A command in exec form, `["a", "b"]`.
fn exec(arguments: &str) -> anyhow::Result<Vec<String>> {
    serde_json::from_str(arguments)
        .with_context(|| format!("not in exec form, so signals would go to a shell: {arguments}"))
}

/// What a COPY takes from where: stage (none is the repository), sources, target.
fn copy(arguments: &str) -> anyhow::Result<(Option<&str>, Vec<&str>, &str)> {
    let (flags, mut paths): (Vec<&str>, Vec<&str>) = arguments
        .split_whitespace()
        .partition(|word| word.starts_with("--"));
    let target = paths.pop().context("COPY without a target")?;
    ensure!(!paths.is_empty(), "COPY without a source: {arguments}");
    Ok((
        flags.iter().find_map(|flag| flag.strip_prefix("--from=")),
        paths,
        target,
    ))
}

/// What is wrong with a Dockerfile, given what is in the repository.
fn dockerfile_faults(
    instructions: &[Instruction],
    exists: impl Fn(&str) -> bool,
) -> anyhow::Result<Vec<String>> {
    let mut faults = Vec::new();
    let mut stages: Vec<&str> = Vec::new();
    let mut user = "root";
    if instructions.first().is_none_or(|(name, _)| name != "FROM") {
        faults.push("the first instruction is not FROM".to_owned());
    }
    for (name, arguments) in instructions {
        match name.as_str() {
            "FROM" => {
                user = "root";
                let (image, stage) = arguments.split_once(" AS ").unwrap_or((arguments, ""));
                if !image.contains(':') || image.ends_with(":latest") {
                    faults.push(format!("{image}: name a version"));
                }
                stages.push(stage);
            }
            "USER" => user = arguments,
            "COPY" => match copy(arguments)? {
                (Some(stage), ..) if !stages.contains(&stage) => faults.push(format!("no stage `{stage}`")),
                (None, sources, _) => {
                    faults.extend(
                        sources
                            .iter()
                            .filter(|path| !exists(path))
                            .map(|path| format!("`{path}` is not there")),
                    );
                }
                _ => {}
            },
            _ => {}
        }
    }
    if ["root", "0"].contains(&user.split(':').next().unwrap_or_default()) {
        faults.push("the image runs as root".to_owned());
    }
    Ok(faults)
}

/// What the compose file says of its services, so that a wrong word in one place is found by the other.
fn compose_faults(compose: &BTreeMap<String, String>) -> Vec<String> {
    let mut faults = Vec::new();
    let mut want = |holds: bool, what: &str| faults.extend((!holds).then(|| what.to_owned()));
    let of = |key: &str| {
        compose
            .get(&format!("services.millstream.{key}"))
            .map(String::as_str)
            .unwrap_or_default()
    };
    let volumes = items(compose, "services.millstream.volumes");
    want(
        volumes.contains(&"./logs:/var/log/ticketon:ro"),
        "the logs are mounted read-only",
    );
    want(
        volumes
            .iter()
            .any(|volume| volume.ends_with(":/etc/millstream/millstream.yaml:ro")),
        "the manifest is mounted read-only",
    );
    want(
        volumes.contains(&"millstream-data:/var/lib/millstream"),
        "state has a named volume",
    );
    want(
        compose.contains_key("volumes.millstream-data"),
        "the named volume is declared",
    );
    want(
        !of("user").is_empty() && !of("user").starts_with(['0', 'r']),
        "the user is not root",
    );
    want(of("read_only") == "true", "the root file system is read-only");
    let grace = of("stop_grace_period")
        .strip_suffix('s')
        .and_then(|text| text.parse::<u64>().ok());
    want(
        grace.is_some_and(|grace| grace > DRAIN),
        "the grace period is longer than a drain",
    );
    want(
        items(compose, "services.millstream.healthcheck.test")
            .iter()
            .any(|part| part.contains("/-/ready")),
        "the health check asks /-/ready",
    );
    let networks = |service: &str| items(compose, &format!("services.{service}.networks"));
    for service in ["ticketon", "millstream", "prometheus", "loki", "grafana"] {
        want(
            networks(service) == ["monitoring"],
            &format!("{service} is in the network"),
        );
    }
    let loki = items(compose, "services.loki.command");
    let config = loki
        .iter()
        .find_map(|argument| argument.strip_prefix("-config.file="))
        .unwrap_or("?");
    let mounted = items(compose, "services.loki.volumes");
    want(
        mounted.contains(&format!("./loki-config.yml:{config}:ro").as_str()),
        "Loki reads the file that is mounted",
    );
    want(
        items(compose, "services.prometheus.command").contains(&"--web.enable-remote-write-receiver"),
        "Prometheus takes remote writes",
    );
    faults
}

/// `host:port` of every http URL in a text.
fn addresses(text: &str) -> Vec<String> {
    let rests = text.split("http://").skip(1);
    rests
        .map(|rest| {
            rest.split(['/', '"', '\'', ' ', '\n'])
                .next()
                .unwrap_or_default()
                .to_owned()
        })
        .collect()
}

fn millstream(arguments: &[impl AsRef<str>]) -> anyhow::Result<(bool, String)> {
    let output = Command::new(millstream_tests::binary()?)
        .args(arguments.iter().map(AsRef::as_ref))
        .current_dir(root())
        .output()
        .context("cannot run millstream")?;
    let said =
        String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    Ok((output.status.success(), said))
}

/// Runs the compose file's health check with another port; whether it says healthy.
fn healthy(compose: &BTreeMap<String, String>, port: u16) -> anyhow::Result<bool> {
    let test = items(compose, "services.millstream.healthcheck.test");
    let ["CMD", program, arguments @ ..] = test.as_slice() else {
        bail!("not a CMD: {test:?}")
    };
    let arguments = arguments
        .iter()
        .map(|argument| argument.replace("12345", &port.to_string()));
    let status = Command::new(program)
        .args(arguments)
        .stderr(Stdio::null())
        .status();
    Ok(status.with_context(|| format!("cannot run {program}"))?.success())
}

/// Answers one request with this status line; gives the port.
fn answer_once(status: &'static str) -> anyhow::Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    std::thread::spawn(move || {
        let answer = |mut stream: TcpStream| {
            // Bash sends a line at a time.
            let (mut request, mut byte) = (Vec::new(), [0]);
            while !request.ends_with(b"\r\n\r\n") && stream.read(&mut byte)? == 1 {
                request.push(byte[0]);
            }
            let asked = request.starts_with(b"GET /-/ready HTTP/1.0\r\n");
            stream.write_all(if asked { status } else { "HTTP/1.0 400 Bad Request" }.as_bytes())
        };
        listener.accept().and_then(|(stream, _)| answer(stream))
    });
    Ok(port)
}

/// A process that does not outlive its test.
struct Running(std::process::Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn copy_tree(from: &Path, to: &Path) -> anyhow::Result<()> {
    if from.is_file() {
        fs::create_dir_all(to.parent().unwrap_or(to))?;
        fs::copy(from, to)?;
        return Ok(());
    }
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        if entry.file_name() != "target" {
            copy_tree(&entry.path(), &to.join(entry.file_name()))?;
        }
    }
    Ok(())
}

/// Files that Rust sources under `folder` include by a literal path and that are not there.
fn missing_includes(folder: &Path) -> anyhow::Result<Vec<String>> {
    let mut missing = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            missing.extend(missing_includes(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path)?;
            for part in ["include_str!(\"", "include_bytes!(\"", "include!(\""]
                .iter()
                .flat_map(|call| text.split(call).skip(1))
            {
                let name = part.split('"').next().unwrap_or_default();
                if !path.parent().unwrap_or(folder).join(name).exists() {
                    missing.push(format!("{} includes {name}", path.display()));
                }
            }
        }
    }
    Ok(missing)
}

#[test]
fn the_manifest_is_good() {
    let (good, said) = millstream(&["check", "examples/ticketon/millstream.yaml"]).unwrap();
    assert!(good, "{said}");
}

#[test]
fn every_manifest_in_the_readmes_is_good() {
    let mut checked = 0;
    for document in ["README.md", "examples/ticketon/README.md"] {
        let text = fs::read_to_string(root().join(document)).unwrap();
        for block in text
            .split("```yaml\n")
            .skip(1)
            .map(|rest| rest.split("```").next().unwrap())
        {
            if block.contains("pipelines:") {
                let folder = tempfile::tempdir().unwrap();
                let path = folder.path().join("millstream.yaml");
                fs::write(&path, block).unwrap();
                let (good, said) = millstream(&["check", path.to_str().unwrap()]).unwrap();
                assert!(good, "{document}:\n{said}");
                checked += 1;
            }
        }
    }
    assert!(checked > 0, "README.md shows no manifest");
}

#[test]
fn the_readme_names_flags_and_commands_that_exist() {
    let text = fs::read_to_string(root().join("README.md")).unwrap();
    let commands = ["run", "check", "demo", "checkpoint show", "schema", "completions"];
    let helps = commands.map(|command| {
        let words: Vec<&str> = command.split(' ').chain(["--help"]).collect();
        let (good, said) = millstream(&words).unwrap();
        assert!(good && text.contains(&format!("`{command}")), "{command}: {said}");
        said
    });
    let table = text.lines().filter(|line| line.starts_with('|'));
    let quoted = table.flat_map(|line| line.split('`').skip(1).step_by(2));
    let flags: Vec<&str> = quoted
        .filter_map(|piece| piece.split(' ').find(|word| word.starts_with("--")))
        .collect();
    assert!(flags.len() >= 4, "{flags:?}");
    for flag in flags {
        assert!(
            helps.iter().any(|help| help.contains(flag)),
            "README.md names {flag}"
        );
    }
}

#[test]
fn the_dockerfile_is_sound() {
    let read = instructions(&example("Dockerfile").unwrap()).unwrap();
    let faults = dockerfile_faults(&read, |path| root().join(path).exists()).unwrap();
    assert!(faults.is_empty(), "{faults:?}");
    assert_eq!(last(&read, "STOPSIGNAL").unwrap(), "SIGTERM");
    let storage = format!("--storage-path={}", last(&read, "VOLUME").unwrap());
    assert!(
        exec(last(&read, "CMD").unwrap()).unwrap().contains(&storage),
        "state is not in the volume"
    );
    let program = exec(last(&read, "ENTRYPOINT").unwrap()).unwrap().remove(0);
    let copied = read
        .iter()
        .filter(|(name, _)| name == "COPY")
        .map(|(_, arguments)| copy(arguments).unwrap().2);
    assert!(
        copied.into_iter().any(|target| target == program),
        "{program} is not in the image"
    );
}

#[test]
fn the_dockerfiles_copies_are_a_whole_workspace() {
    let folder = tempfile::tempdir().unwrap();
    for (_, arguments) in instructions(&example("Dockerfile").unwrap())
        .unwrap()
        .iter()
        .filter(|(name, _)| name == "COPY")
    {
        let (stage, sources, target) = copy(arguments).unwrap();
        for source in sources.iter().filter(|_| stage.is_none()) {
            let into = folder.path().join(target);
            let to = if root().join(source).is_dir() {
                into
            } else {
                into.join(source)
            };
            copy_tree(&root().join(source), &to).unwrap();
        }
    }
    let version = String::from_utf8(Command::new("rustc").arg("-vV").output().unwrap().stdout).unwrap();
    let host = version
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .unwrap();
    let cargo = Command::new("cargo")
        .args([
            "metadata",
            "--format-version",
            "1",
            "--locked",
            "--offline",
            "--filter-platform",
            host,
        ])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(
        cargo.status.success(),
        "{}",
        String::from_utf8_lossy(&cargo.stderr)
    );
    let missing = missing_includes(folder.path()).unwrap();
    assert!(missing.is_empty(), "{missing:?}");
    let make = Command::new("make")
        .args(["--dry-run", "build"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(make.status.success(), "{}", String::from_utf8_lossy(&make.stderr));
    let steps = String::from_utf8(make.stdout).unwrap();
    for script in steps.split_whitespace().filter(|word| word.ends_with(".sh")) {
        assert!(
            folder.path().join(script).exists(),
            "`make build` needs {script}, which is not copied"
        );
    }
}

#[test]
fn the_agent_knows_the_images_arguments() {
    let read = instructions(&example("Dockerfile").unwrap()).unwrap();
    let of_image = exec(last(&read, "CMD").unwrap()).unwrap();
    let compose = yaml(&example("docker-compose.yml").unwrap()).unwrap();
    let of_compose: Vec<String> = items(&compose, "services.millstream.command")
        .into_iter()
        .map(String::from)
        .collect();
    for mut arguments in [of_image, of_compose] {
        assert!(
            arguments.contains(&"--listen=0.0.0.0:12345".to_owned()),
            "a container's localhost is nobody's: {arguments:?}"
        );
        // Arguments are read in order, so with `--help` last all others are checked and nothing is run.
        arguments.push("--help".to_owned());
        let (good, said) = millstream(&arguments).unwrap();
        assert!(good, "{arguments:?}: {said}");
        arguments.insert(1, "--no-such-argument".to_owned());
        assert!(!millstream(&arguments).unwrap().0, "anything is taken");
    }
}

#[test]
fn the_compose_file_is_sound() {
    let compose = yaml(&example("docker-compose.yml").unwrap()).unwrap();
    assert_eq!(compose_faults(&compose), Vec::<String>::new());
    let context = root()
        .join(EXAMPLE)
        .join(&compose["services.millstream.build.context"]);
    let dockerfile = context.join(&compose["services.millstream.build.dockerfile"]);
    assert_eq!(
        dockerfile.canonicalize().unwrap(),
        root().join(EXAMPLE).join("Dockerfile").canonicalize().unwrap()
    );
    for (path, volume) in compose
        .iter()
        .filter(|(path, volume)| path.contains(".volumes[") && volume.starts_with("./"))
    {
        let from = volume.split(':').next().unwrap();
        assert!(
            from == "./logs" || root().join(EXAMPLE).join(from).exists(),
            "{path}: {from} is not there"
        );
    }
}

#[test]
fn every_address_is_a_service() {
    let compose = yaml(&example("docker-compose.yml").unwrap()).unwrap();
    let ports = |service: &str| items(&compose, &format!("services.{service}.ports"));
    let manifest = example("millstream.yaml").unwrap();
    let datasources = example("grafana/provisioning/datasources/datasource.yml").unwrap();
    yaml(&datasources).unwrap();
    let all = [addresses(&manifest), addresses(&datasources)].concat();
    assert_eq!(all.len(), 4, "{all:?}");
    for address in all {
        let (host, port) = address.split_once(':').unwrap();
        assert!(
            ports(host)
                .iter()
                .any(|ports| ports.ends_with(&format!(":{port}"))),
            "{address}"
        );
    }
    assert!(manifest.contains("\"ticketon:8080\"") && compose.contains_key("services.ticketon.image"));
    let loki = yaml(&example("loki-config.yml").unwrap()).unwrap();
    assert_eq!(loki["server.http_listen_port"], "3100");
    assert_eq!(loki["limits_config.retention_period"], "168h");
}

#[test]
fn the_health_check_tells_ready_from_not() {
    let compose = yaml(&example("docker-compose.yml").unwrap()).unwrap();
    let ready = answer_once("HTTP/1.0 200 OK\r\n\r\nMillstream is ready.\n").unwrap();
    assert!(healthy(&compose, ready).unwrap());
    let not_ready =
        answer_once("HTTP/1.0 503 Service Unavailable\r\n\r\nMillstream is not ready.\n").unwrap();
    assert!(!healthy(&compose, not_ready).unwrap());
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    assert!(!healthy(&compose, closed).unwrap());
}

/// The compose file's command with the paths and the port of this machine: the agent becomes ready without any of the
/// other services.
#[test]
fn the_agent_becomes_ready_alone() {
    let compose = yaml(&example("docker-compose.yml").unwrap()).unwrap();
    let storage = tempfile::tempdir().unwrap();
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let arguments = items(&compose, "services.millstream.command")
        .into_iter()
        .map(|argument| {
            let here = argument.replace("0.0.0.0:12345", &format!("127.0.0.1:{port}"));
            let here = here.replace("/var/lib/millstream", storage.path().to_str().unwrap());
            here.replace("/etc/millstream", root().join(EXAMPLE).to_str().unwrap())
        });
    let child = Command::new(millstream_tests::binary().unwrap())
        .args(arguments)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut running = Running(child);
    // Compiling the plugins, cold and unoptimised on a busy machine, takes the longest.
    let (_keep, never) = sync_channel::<()>(0);
    let ready = (0..600).any(|_| {
        let _ = never.recv_timeout(Duration::from_millis(100));
        running.0.try_wait().unwrap().is_some() || healthy(&compose, port).unwrap()
    });
    let ended = running.0.try_wait().unwrap();
    let _ = running.0.kill();
    let mut said = String::new();
    running
        .0
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    assert!(ready && ended.is_none(), "not ready: {said}");
}

#[test]
fn the_yaml_reader_reads_what_is_there_and_refuses_the_rest() {
    let read = yaml("# c\na:\n  b: 'x: y'\n  c:\n    - d: 1\n      e: 2\n    - f\n    - \"g: h\"\n").unwrap();
    let pairs: Vec<(&str, &str)> = read
        .iter()
        .map(|(path, value)| (path.as_str(), value.as_str()))
        .collect();
    let scalars = [
        ("a.b", "x: y"),
        ("a.c[0].d", "1"),
        ("a.c[0].e", "2"),
        ("a.c[1]", "f"),
        ("a.c[2]", "g: h"),
    ];
    assert!(scalars.iter().all(|scalar| pairs.contains(scalar)), "{pairs:?}");
    assert!(
        yaml("a:\n\t- b\n")
            .unwrap_err()
            .to_string()
            .contains("a tab in line 2")
    );
    assert!(
        yaml("a: 1\na: 2\n")
            .unwrap_err()
            .to_string()
            .contains("said twice: line 2")
    );
}

#[test]
fn a_bad_dockerfile_is_seen() {
    assert!(
        instructions("FROM a:1\nFORM b\n")
            .unwrap_err()
            .to_string()
            .contains("unknown instruction: FORM b")
    );
    assert!(exec("millstream run").is_err());
    let faults =
        |text: &str| dockerfile_faults(&instructions(text).unwrap(), |path| path == "there").unwrap();
    assert_eq!(
        faults("FROM a:1 AS b\nCOPY there x\nFROM c:1\nCOPY --from=b /x /x\nUSER 10001\n"),
        [""; 0]
    );
    assert_eq!(faults("FROM a:1\nUSER 1\nFROM b:1\n"), ["the image runs as root"]);
    assert_eq!(faults("FROM a\nUSER app\n"), ["a: name a version"]);
    assert_eq!(
        faults("FROM a:1\nCOPY --from=gone x y\nCOPY gone \\\n there x/\nUSER app\n"),
        ["no stage `gone`", "`gone` is not there"]
    );
    assert_eq!(
        faults("RUN x\nFROM a:1\nUSER 0:0\n"),
        ["the first instruction is not FROM", "the image runs as root"]
    );
}

#[test]
fn a_bad_compose_file_is_seen() {
    let good = example("docker-compose.yml").unwrap();
    for (from, to, fault) in [
        (
            "/var/log/ticketon:ro",
            "/var/log/ticketon",
            "the logs are mounted read-only",
        ),
        (
            "stop_grace_period: 40s",
            "stop_grace_period: 10s",
            "the grace period is longer than a drain",
        ),
        ("user: \"10001:10001\"", "user: \"0:0\"", "the user is not root"),
        ("/-/ready", "/-/redy", "the health check asks /-/ready"),
        (
            "-config.file=/etc/loki/loki-config.yml",
            "-config.file=/etc/loki/local-config.yaml",
            "Loki reads the file that is mounted",
        ),
    ] {
        assert_eq!(compose_faults(&yaml(&good.replace(from, to)).unwrap()), [fault]);
    }
}
