use super::{Identity, componentize, wrap};

/// Modules by hand: what is exported and imported, and what is in the body.
struct Module {
    exports: Vec<&'static str>,
    imports: Vec<(&'static str, &'static str)>,
}

impl Module {
    fn stage() -> Self {
        Self {
            exports: vec!["configure", "process", "tick", "flush", "cabi_realloc", "memory"],
            imports: Vec::new(),
        }
    }

    fn without(mut self, name: &str) -> Self {
        self.exports.retain(|export| *export != name);
        self
    }

    fn with(mut self, name: &'static str) -> Self {
        self.exports.push(name);
        self
    }

    fn importing(mut self, module: &'static str, name: &'static str) -> Self {
        self.imports.push((module, name));
        self
    }

    fn bytes(&self) -> Vec<u8> {
        let functions: Vec<(&str, u8)> = self
            .exports
            .iter()
            .filter(|name| **name != "memory")
            .map(|name| (*name, type_of(name)))
            .collect();
        let mut bytes = b"\0asm\x01\0\0\0".to_vec();
        section(&mut bytes, 1, &types());
        let imports = self.imports.iter().map(|(module, name)| {
            let mut entry = text(module);
            entry.extend(text(name));
            entry.extend([0, 6]);
            entry
        });
        section(&mut bytes, 2, &vector(imports));
        section(
            &mut bytes,
            3,
            &vector(functions.iter().map(|(_, kind)| vec![*kind])),
        );
        section(&mut bytes, 5, &[1, 0, 1]);
        let offset = self.imports.len();
        let mut exports: Vec<Vec<u8>> = functions
            .iter()
            .enumerate()
            .map(|(index, (name, _))| [text(name), vec![0, (offset + index) as u8]].concat())
            .collect();
        if self.exports.contains(&"memory") {
            exports.push([text("memory"), vec![2, 0]].concat());
        }
        section(&mut bytes, 7, &vector(exports.into_iter()));
        // Every body is `unreachable`.
        section(
            &mut bytes,
            10,
            &vector(functions.iter().map(|_| vec![3, 0, 0, 11])),
        );
        bytes
    }
}

/// configure, process, tick and flush, realloc, start, fd_close, in this order.
fn types() -> Vec<u8> {
    const I32: u8 = 0x7f;
    const I64: u8 = 0x7e;
    // A batch has 18 words of parameters, more than the 16 that go flat: it comes as a pointer.
    let kinds: [(&[u8], &[u8]); 7] = [
        (&[I32, I32], &[I32]),
        (&[I32], &[I32]),
        (&[I64], &[I32]),
        (&[I32, I32, I32, I32], &[I32]),
        (&[], &[]),
        (&[I64], &[I64]),
        (&[I32], &[I32]),
    ];
    vector(kinds.iter().map(|(parameters, results)| {
        let flat = |types: &[u8]| [&[types.len() as u8], types].concat();
        [&[0x60], &flat(parameters)[..], &flat(results)].concat()
    }))
}

fn type_of(export: &str) -> u8 {
    match export {
        "configure" => 0,
        "process" => 1,
        "tick" | "flush" => 2,
        "cabi_realloc" => 3,
        _ => 4,
    }
}

fn text(text: &str) -> Vec<u8> {
    [&[text.len() as u8], text.as_bytes()].concat()
}

fn vector(items: impl ExactSizeIterator<Item = Vec<u8>>) -> Vec<u8> {
    let mut bytes = vec![items.len() as u8];
    bytes.extend(items.flatten());
    bytes
}

fn section(bytes: &mut Vec<u8>, id: u8, content: &[u8]) {
    bytes.push(id);
    let length = content.len();
    bytes.extend([length as u8 | 0x80, (length >> 7) as u8]);
    bytes.extend_from_slice(content);
}

/// The name, version and licence in a component's metadata.
fn identity_of(component: &[u8]) -> Identity {
    let payload = wasm_metadata::Payload::from_binary(component).unwrap();
    let metadata = payload.metadata();
    Identity {
        name: metadata.name.clone(),
        version: metadata.version.as_ref().map(ToString::to_string),
        licence: metadata.licenses.as_ref().map(ToString::to_string),
    }
}

fn refusal(wasm: &[u8]) -> String {
    format!("{:#}", componentize(wasm, &Identity::default()).unwrap_err())
}

#[test]
fn a_bare_module_gets_the_world_and_its_name() {
    let identity = Identity {
        name: Some("by_hand".into()),
        version: Some("1.2.3".into()),
        licence: Some("Apache-2.0 OR MIT".into()),
    };
    let component = componentize(&Module::stage().bytes(), &identity).unwrap();
    assert!(wasmparser::Parser::is_component(&component));
    assert_eq!(identity_of(&component), identity);
    // A component goes through as well, and keeps the name it has.
    let again = componentize(&component, &Identity::default()).unwrap();
    assert_eq!(identity_of(&again), identity);
}

#[test]
fn a_module_of_the_first_preview_gets_the_adapter() {
    let module = Module::stage().importing("wasi_snapshot_preview1", "fd_close");
    let component = componentize(&module.bytes(), &Identity::default()).unwrap();
    let surface = super::Surface::of(&component).unwrap();
    assert!(!surface.wasi().is_empty(), "{:?}", surface.imports);
    let error = format!("{:#}", wrap(&module.bytes(), &Identity::default()).unwrap_err());
    assert!(
        error.contains("a stage gets only millstream:stage/host@1.0.0"),
        "{error}"
    );
}

#[test]
fn what_is_wrong_is_told_in_plain_words() {
    let stage = Module::stage;
    for (module, says) in [
        (
            stage().without("tick").without("flush"),
            "it does not export `tick`, `flush`; a stage exports",
        ),
        (stage().without("memory"), "does not export its `memory`"),
        (
            stage().without("cabi_realloc"),
            "`cabi_realloc`, by which the agent gets room",
        ),
        (stage().with("_start"), "it is a program that runs and ends"),
        (
            stage().importing("env", "strtold"),
            "imports `strtold` from `env`: the linker did not find",
        ),
        (
            stage().importing("gojs", "x"),
            "imports `x` from `gojs`, which no agent gives",
        ),
        (
            stage().importing("millstream:stage/host@2.0.0", "log"),
            "from `millstream:stage/host@2.0.0`, which no agent gives",
        ),
        (
            stage().importing("millstream:stage/host@1.0.0", "shout"),
            "does not fit the contract",
        ),
    ] {
        let error = refusal(&module.bytes());
        assert!(error.contains(says), "{error}");
    }
    let library = stage().with("_start").with("_initialize");
    assert!(componentize(&library.bytes(), &Identity::default()).is_ok());
}

#[test]
fn other_things_are_refused() {
    for (bytes, says) in [
        (&b"hello"[..], "not WebAssembly"),
        (
            b"\0asm\x01\0\0\0",
            "it does not export `configure`, `process`, `tick`, `flush`",
        ),
        (b"\0asm\x0d\0\x01\0", "it does not export `configure`"),
    ] {
        let error = refusal(bytes);
        assert!(error.contains(says), "{error}");
    }
}

#[test]
fn a_licence_must_be_one() {
    let identity = Identity {
        licence: Some("as you like".into()),
        ..Identity::default()
    };
    let error = format!(
        "{:#}",
        componentize(&Module::stage().bytes(), &identity).unwrap_err()
    );
    assert!(
        error.contains("the licence `as you like` is no SPDX expression"),
        "{error}"
    );
}
