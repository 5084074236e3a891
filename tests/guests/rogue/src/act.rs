//! What the rogue can be told to do. The suite `sandbox` includes this file and has a case for each.

/// How the line begins that sets it off.
pub const TRIGGER: &str = "poison";

macro_rules! acts {
    ($($(#[doc = $doc:literal])+ $act:ident $name:literal,)+) => {
        /// One misdeed.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Act {
            $($(#[doc = $doc])+ $act,)+
        }

        /// Every act with the name it has in the settings.
        pub const ACTS: &[(&str, Act)] = &[$(($name, Act::$act),)+];
    };
}

acts! {
    /// An endless loop.
    Loop "loop",
    /// A recursion without end.
    Recurse "recurse",
    /// Allocates until it is refused.
    Hoard "hoard",
    /// Panics.
    Panic "panic",
    /// Returns a failure.
    Fail "fail",
    /// Returns somewhat more bytes than allowed.
    Oversize "oversize",
    /// Returns far more bytes than allowed.
    Gush "gush",
    /// Puts the same long row out many times: few bytes cross, many would be made.
    Copies "copies",
    /// Sets tens of thousands of columns, all empty.
    Columns "columns",
    /// The ends of the lines descend.
    EndsDescend "ends-descend",
    /// A line is not UTF-8.
    NotUtf8 "not-utf8",
    /// Fewer lines than rows.
    ShortColumn "short-column",
    /// A field is set twice.
    FieldTwice "field-twice",
    /// A stream without a label set.
    StreamRange "stream-range",
    /// A label name that is none.
    LabelName "label-name",
    /// Tens of thousands of labels in one set, in descending order.
    LabelOrder "label-order",
    /// An origin that was never given.
    UnknownOrigin "unknown-origin",
    /// Holds a row that was never given.
    HeldInvented "held-invented",
    /// Holds a row without having declared that it holds rows.
    HeldUndeclared "held-undeclared",
    /// The held rows descend.
    HeldDescend "held-descend",
    /// Holds a row and puts it out at once.
    HeldAndOut "held-and-out",
    /// Counts more rows as dropped than there are.
    TooManyDrops "too-many-drops",
    /// Traps while it is configured.
    ConfigureTrap "configure-trap",
    /// Loops for ever while it is configured.
    ConfigureLoop "configure-loop",
    /// Refuses its settings.
    Refuse "refuse",
    /// Logs ten thousand lines in a call, and then does its work.
    LogFlood "log-flood",
    /// Holds every row, then traps.
    HoldThenTrap "hold-then-trap",
    /// Holds every row, then traps; a fresh instance traps when it is fed the held rows.
    HoldPoison "hold-poison",
    /// Holds every row and traps in `tick`.
    TickTrap "tick-trap",
    /// Holds every row and loops for ever in `flush`.
    FlushLoop "flush-loop",
    /// Holds every row and traps in `flush`.
    FlushTrap "flush-trap",
    /// Holds every row, then knows of none.
    Forget "forget",
    /// Compiles patterns until it is refused memory.
    KernelHoard "kernel-hoard",
    /// Runs a pattern while it is configured.
    KernelEarly "kernel-early",
    /// Compiles a pattern while it handles a batch.
    KernelTardy "kernel-tardy",
    /// Runs a pattern that it never compiled.
    KernelHandle "kernel-handle",
    /// Runs the worst of patterns on the worst of texts.
    KernelLate "kernel-late",
    /// Has far more put into lines than it may return.
    KernelFlood "kernel-flood",
    /// Patches what is not there.
    KernelPatch "kernel-patch",
    /// Drops rows and says nevertheless what comes out.
    KernelDrops "kernel-drops",
    /// Has lines replaced and fields set, then traps.
    KernelThenTrap "kernel-then-trap",
    /// Takes its time, within the limit.
    Slow "slow",
    /// Always wants to be woken in the past.
    WakePast "wake-past",
    /// Declares nothing and logs what crossed nevertheless.
    Blind "blind",
}
