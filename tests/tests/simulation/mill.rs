//! The stages of a schedule's pipelines: real components in a real host, compiled once.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use millstream::admin::Families;
use millstream::admin::reloads::ReloadMetrics;
use millstream::disk::LocalDisk;
use millstream::manifest::OnError;
use millstream::pipeline::chain::Chain;
use millstream::pipeline::plan::Instruments;
use millstream::stages::{DeadLetters, Events, Place, Stage, bundled};
use millstream_plugin_host::{Host, Limits, LogStage, Plugin};
use serde_json::{Value, json};

/// How long `multiline` waits for the next line of a group.
pub const WAIT: Duration = Duration::from_secs(3);

/// What a pipeline is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// No stage.
    Plain,
    /// `multiline`.
    Multiline,
    /// `multiline`, `static_labels`.
    Labels,
    /// `multiline`, `drop`.
    Drop,
    /// `multiline`, `multiline`: a held row that others were merged into is held again.
    Twice,
    /// A stage that traps, and `multiline` behind it.
    TrapFirst,
    /// `multiline`, and a stage behind it that traps.
    TrapLast,
    /// A stage that holds everything and then traps, and `multiline` behind it.
    HoldFirst,
    /// `multiline`, and behind it a stage that holds everything and then traps.
    HoldLast,
    /// `multiline`, and behind it a stage whose held rows are poison to a fresh instance.
    PoisonLast,
    /// `multiline`, and behind it a stage that holds everything and traps in every tick.
    TickLast,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Plain,
        Self::Multiline,
        Self::Labels,
        Self::Drop,
        Self::Twice,
        Self::TrapFirst,
        Self::TrapLast,
        Self::HoldFirst,
        Self::HoldLast,
        Self::PoisonLast,
        Self::TickLast,
    ];

    /// Whether it joins groups.
    pub fn joins(self) -> bool {
        self != Self::Plain
    }

    /// Whether lines reach `multiline` at times of which the worker's say nothing.
    pub fn is_late(self) -> bool {
        self == Self::HoldFirst
    }

    /// Whether it drops what says `debug`.
    pub fn drops(self) -> bool {
        self == Self::Drop
    }

    fn stages(self) -> Vec<(&'static str, Value)> {
        let multiline = || {
            (
                "multiline",
                json!({ "firstline": "^(S|poison)", "max_wait_time": "3s" }),
            )
        };
        let rogue = |act: &str| ("rogue", json!({ "act": act }));
        match self {
            Self::Plain => vec![],
            Self::Multiline => vec![multiline()],
            Self::Labels => vec![
                multiline(),
                ("static_labels", json!({ "values": { "job": "simulated" } })),
            ],
            Self::Drop => vec![multiline(), ("drop", json!({ "expression": "debug" }))],
            Self::Twice => vec![multiline(), multiline()],
            Self::TrapFirst => vec![rogue("panic"), multiline()],
            Self::TrapLast => vec![multiline(), rogue("panic")],
            Self::HoldFirst => vec![rogue("hold-then-trap"), multiline()],
            Self::HoldLast => vec![multiline(), rogue("hold-then-trap")],
            Self::PoisonLast => vec![multiline(), rogue("hold-poison")],
            Self::TickLast => vec![multiline(), rogue("tick-trap")],
        }
    }
}

/// The host and its plugins.
pub struct Mill {
    plugins: Vec<(&'static str, Plugin)>,
    instruments: Instruments,
    reloads: ReloadMetrics,
}

impl Mill {
    /// Compiles every plugin the kinds need.
    pub fn new() -> Self {
        let host = Host::new(Some(&Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled"))).unwrap();
        let mut plugins: Vec<_> = ["multiline", "static_labels", "drop"]
            .into_iter()
            .map(|name| (name, host.load(name, bundled::component(name).unwrap()).unwrap()))
            .collect();
        let rogue = Path::new(env!("ROGUE_WASM"));
        plugins.push(("rogue", host.load_file("rogue", rogue).unwrap()));
        let letters = DeadLetters::new(Arc::new(LocalDisk), env!("CARGO_TARGET_TMPDIR").into());
        let families = Families::register(letters).unwrap();
        Self {
            plugins,
            instruments: families.stages,
            reloads: families.reloads,
        }
    }

    /// Where the pauses of changes are counted.
    pub fn reloads(&self) -> &ReloadMetrics {
        &self.reloads
    }

    /// A chain of fresh stages.
    pub fn chain(&self, kind: Kind) -> Chain {
        Chain::new(self.stages(kind))
    }

    /// Fresh stages.
    pub fn stages(&self, kind: Kind) -> Vec<Stage> {
        let stages = kind.stages().into_iter().map(|(name, settings)| {
            let (_, plugin) = self.plugins.iter().find(|(known, _)| *known == name).unwrap();
            let events = Arc::new(Events::new("simulated", name, self.instruments.guests.clone()));
            // A machine that is busy elsewhere must not decide a schedule.
            let limits = Limits {
                timeout: Duration::from_secs(600),
                ..Limits::default()
            };
            let inner = LogStage::new(plugin.clone(), &settings, limits, events.clone()).unwrap();
            let place = Place {
                on_error: OnError::Pass,
                metrics: self.instruments.stages.clone(),
                letters: self.instruments.letters.of("simulated", name),
            };
            Stage::new(&events, inner, place)
        });
        stages.collect()
    }
}
