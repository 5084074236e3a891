//! Where the guest can be sent. The suite `wasi` includes this file and has a case for each.

macro_rules! errands {
    ($($(#[doc = $doc:literal])+ $errand:ident $name:literal,)+) => {
        /// One errand.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Errand {
            $($(#[doc = $doc])+ $errand,)+
        }

        /// Every errand with the name it has in the settings.
        pub const ERRANDS: &[(&str, Errand)] = &[$(($name, Errand::$errand),)+];
    };
}

errands! {
    /// Writes lines to the standard streams, the last without an end.
    Print "print",
    /// Writes four MiB without an end of line, and then a line.
    PrintLong "print-long",
    /// Reads standard input and asks for terminals.
    Read "read",
    /// Tells the environment, the arguments and the folder it is in.
    Environment "environment",
    /// Tells what the clocks show.
    Clocks "clocks",
    /// Sleeps for an hour, twice, and waits for what is there already.
    Sleep "sleep",
    /// Waits for nothing.
    PollNothing "poll-nothing",
    /// Tells random numbers.
    Random "random",
    /// Asks for a GiB of random bytes.
    RandomGush "random-gush",
    /// Ends itself.
    Exit "exit",
    /// Does with files what the lines say: `read PATH`, `list PATH`, …
    Files "files",
    /// Opens a file until it may not.
    OpenMany "open-many",
    /// Makes handles until it may not.
    Handles "handles",
}
