//! Write a Millstream stage in Zig.
//!
//! A stage is a type with `configure` and `process`; `stage` makes it what the host calls, `exportStage` a module's
//! exports. It gets batches of columns and changes what it wants, row by row or whole columns; only what was touched goes
//! back. README.md beside this file is the one page an author needs.
//!
//! - A stage reads only the columns it declared on `Setup`. Reading or changing another one fails the call with a message
//!   that names the missing declaration; it never looks empty.
//! - Time comes in as `now` (nanoseconds since the Unix epoch). There is no clock.
//! - What a batch or `scratch` gives is good until the call returns; what outlives it comes from `lasting`.
//! - The core is that of the C SDK (core/), so a stage in Zig is checked by the same code, natively and in the sandbox.

const batch_file = @import("src/batch.zig");
const setup_file = @import("src/setup.zig");
const stage_file = @import("src/stage.zig");
const memory = @import("src/memory.zig");

pub const Stage = stage_file.Stage;
pub const NoSettings = stage_file.NoSettings;
pub const stage = stage_file.stage;
pub const exportStage = stage_file.exportStage;
pub const panic = stage_file.panic;
pub const Level = stage_file.Level;
pub const log = stage_file.log;

pub const Setup = setup_file.Setup;
pub const Refused = setup_file.Refused;
pub const Counter = setup_file.Counter;
pub const Gauge = setup_file.Gauge;
pub const Histogram = setup_file.Histogram;

pub const Batch = batch_file.Batch;
pub const Entry = batch_file.Entry;
pub const Output = batch_file.Output;
pub const Undeclared = batch_file.Undeclared;
pub const TextColumn = batch_file.TextColumn;
pub const Field = batch_file.Field;
pub const LabelSets = batch_file.LabelSets;
pub const Builder = batch_file.Builder;

pub const Hold = @import("src/hold.zig").Hold;
pub const never = @import("src/hold.zig").never;

pub const scratch = memory.scratch;
pub const lasting = memory.lasting;
pub const format = memory.format;

pub const testing = @import("src/testing.zig");
