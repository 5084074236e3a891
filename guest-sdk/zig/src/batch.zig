//! A batch as a stage sees it: rows, and columns for speed.

const c = @import("c.zig");
const memory = @import("memory.zig");

/// The call uses a column that was not declared; the core has written down which.
pub const Undeclared = error{Undeclared};

/// Texts laid end to end.
pub const TextColumn = struct {
    raw: c.Column,

    /// How many texts there are.
    pub fn len(column: TextColumn) usize {
        return column.raw.rows;
    }

    /// The text of a row. It copies nothing.
    pub fn at(column: TextColumn, row: usize) []const u8 {
        const start = if (row == 0) 0 else column.raw.ends[row - 1];
        return column.raw.bytes[start..column.raw.ends[row]];
    }
};

/// A named column beside the line.
pub const Field = struct {
    raw: *const c.Field,

    /// The value of a row, if it has one.
    pub fn at(field: Field, row: usize) ?[]const u8 {
        if (field.raw.present_size != 0) {
            const bits = field.raw.present.?[row / 8];
            if (bits >> @intCast(row % 8) & 1 == 0) return null;
        }
        return (TextColumn{ .raw = field.raw.values }).at(row);
    }
};

/// The label sets of a batch: a handful, and rows point at them.
pub const LabelSets = struct {
    raw: *const c.LabelSets,

    /// How many sets there are.
    pub fn len(sets: LabelSets) usize {
        return sets.raw.count;
    }

    /// The value of a label in a set, if it has it.
    pub fn get(sets: LabelSets, set: usize, name: []const u8) ?[]const u8 {
        return c.ms_labels_get(sets.raw, set, .of(name)).get();
    }
};

/// A column under construction, in scratch memory.
pub const Builder = struct {
    raw: c.Builder = .{ .bytes = null, .size = 0, .byte_room = 0, .ends = null, .rows = 0, .row_room = 0 },

    /// Appends to the text under construction; `end` completes it.
    pub fn append(builder: *Builder, part: []const u8) void {
        c.ms_builder_append(&builder.raw, .of(part));
    }

    /// Completes the text under construction.
    pub fn end(builder: *Builder) void {
        c.ms_builder_end(&builder.raw);
    }

    /// Appends a whole text.
    pub fn push(builder: *Builder, text: []const u8) void {
        c.ms_builder_push(&builder.raw, .of(text));
    }

    /// Appends the texts of rows from..to of another column in one copy.
    pub fn pushRows(builder: *Builder, other: TextColumn, from: usize, to: usize) void {
        c.ms_builder_push_rows(&builder.raw, &other.raw, from, to);
    }

    /// What was built so far.
    pub fn column(builder: *const Builder) TextColumn {
        return .{ .raw = c.ms_builder_column(&builder.raw) };
    }
};

/// A batch of entries. Row edits take effect when the call returns, so reads always show the batch as it came in.
pub const Batch = opaque {
    fn core(batch: *Batch) *c.Batch {
        return @ptrCast(batch);
    }

    /// How many rows there are.
    pub fn len(batch: *Batch) usize {
        return c.ms_rows(batch.core());
    }

    /// The rows, in order: `while (entries.next()) |entry|`.
    pub fn entries(batch: *Batch) Entries {
        return .{ .batch = batch, .rows = batch.len() };
    }

    /// One row.
    pub fn entry(batch: *Batch, row: usize) Entry {
        return .{ .batch = batch, .row = row };
    }

    /// The lines.
    pub fn lines(batch: *Batch) Undeclared!TextColumn {
        return .{ .raw = (c.ms_lines(batch.core()) orelse return error.Undeclared).* };
    }

    /// Nanoseconds since the epoch, one a row.
    pub fn timestamps(batch: *Batch) Undeclared![]const i64 {
        return (c.ms_timestamps(batch.core()) orelse return error.Undeclared)[0..batch.len()];
    }

    /// Per row, the index of its set in `labels`.
    pub fn streams(batch: *Batch) Undeclared![]const u32 {
        return (c.ms_streams(batch.core()) orelse return error.Undeclared)[0..batch.len()];
    }

    /// The label sets.
    pub fn labels(batch: *Batch) Undeclared!LabelSets {
        return .{ .raw = c.ms_labels(batch.core()) orelse return error.Undeclared };
    }

    /// The field of that name; null where no row has it, and where it was not declared, which fails the call.
    pub fn field(batch: *Batch, name: []const u8) ?Field {
        return .{ .raw = c.ms_field_column(batch.core(), .of(name)) orelse return null };
    }

    /// The structured metadata of that name, likewise.
    pub fn metadata(batch: *Batch, name: []const u8) ?Field {
        return .{ .raw = c.ms_metadata_column(batch.core(), .of(name)) orelse return null };
    }

    /// Where whole columns are set.
    pub fn output(batch: *Batch) *Output {
        return @ptrCast(c.ms_out(batch.core()));
    }

    /// Fails the call: `return batch.fail(…)`.
    pub fn fail(batch: *Batch, comptime why: []const u8, arguments: anytype) error{Failed} {
        return batch.output().fail(why, arguments);
    }
};

/// The rows of a batch, in order.
pub const Entries = struct {
    batch: *Batch,
    rows: usize,
    row: usize = 0,

    /// The next row, if there is one.
    pub fn next(entries: *Entries) ?Entry {
        if (entries.row == entries.rows) return null;
        defer entries.row += 1;
        return .{ .batch = entries.batch, .row = entries.row };
    }
};

/// One row of a batch.
pub const Entry = struct {
    batch: *Batch,
    row: usize,

    /// The entry's id: unique at this stage, never used twice.
    pub fn id(entry: Entry) u64 {
        return c.ms_id(entry.batch.core(), entry.row);
    }

    /// The text. Needs `setup.readsLines()`.
    pub fn line(entry: Entry) []const u8 {
        return c.ms_line(entry.batch.core(), entry.row).get() orelse "";
    }

    /// Nanoseconds since the epoch. Needs `setup.readsTimestamps()`.
    pub fn timestamp(entry: Entry) i64 {
        return c.ms_timestamp(entry.batch.core(), entry.row);
    }

    /// The value of a label. Needs `setup.readsLabels()`.
    pub fn label(entry: Entry, name: []const u8) ?[]const u8 {
        return c.ms_label(entry.batch.core(), entry.row, .of(name)).get();
    }

    /// The value of a field. Needs `setup.readsField(name)`.
    pub fn field(entry: Entry, name: []const u8) ?[]const u8 {
        return c.ms_field_value(entry.batch.core(), entry.row, .of(name)).get();
    }

    /// The value of structured metadata. Needs `setup.readsMetadata(name)`.
    pub fn metadata(entry: Entry, name: []const u8) ?[]const u8 {
        return c.ms_metadata_value(entry.batch.core(), entry.row, .of(name)).get();
    }

    /// Replaces the text; it is copied. Needs `setup.readsLines()`.
    pub fn setLine(entry: Entry, text: []const u8) void {
        c.ms_set_line(entry.batch.core(), entry.row, .of(text));
    }

    /// Replaces the timestamp. Needs `setup.readsTimestamps()`.
    pub fn setTimestamp(entry: Entry, time: i64) void {
        c.ms_set_timestamp(entry.batch.core(), entry.row, time);
    }

    /// Sets a label. Needs `setup.readsLabels()`. Cheap where values repeat.
    pub fn setLabel(entry: Entry, name: []const u8, value: []const u8) void {
        c.ms_set_label(entry.batch.core(), entry.row, .of(name), .of(value));
    }

    /// Removes a label. Needs `setup.readsLabels()`.
    pub fn removeLabel(entry: Entry, name: []const u8) void {
        c.ms_remove_label(entry.batch.core(), entry.row, .of(name));
    }

    /// Sets a field. Needs `setup.readsField(name)`: the other rows keep theirs.
    pub fn setField(entry: Entry, name: []const u8, value: []const u8) void {
        c.ms_set_field(entry.batch.core(), entry.row, .of(name), .of(value));
    }

    /// Takes a field's value away. Needs `setup.readsField(name)`.
    pub fn unsetField(entry: Entry, name: []const u8) void {
        c.ms_unset_field(entry.batch.core(), entry.row, .of(name));
    }

    /// Sets structured metadata. Needs `setup.readsMetadata(name)`.
    pub fn setMetadata(entry: Entry, name: []const u8, value: []const u8) void {
        c.ms_set_metadata(entry.batch.core(), entry.row, .of(name), .of(value));
    }

    /// Removes structured metadata. Needs `setup.readsMetadata(name)`.
    pub fn unsetMetadata(entry: Entry, name: []const u8) void {
        c.ms_unset_metadata(entry.batch.core(), entry.row, .of(name));
    }

    /// Drops the entry on purpose, counted under `reason`. Dropping it again changes nothing.
    pub fn drop(entry: Entry, reason: []const u8) void {
        c.ms_drop(entry.batch.core(), entry.row, .of(reason));
    }
};

/// What a call gives back, column by column, for its output rows: the batch's, or one per origin. What is not set is
/// inherited. Slices are not copied: scratch memory, or memory that stays.
pub const Output = opaque {
    pub fn core(out: *Output) *c.Output {
        return @ptrCast(out);
    }

    /// Output row i inherits every unset column from the row with id `ids[i]`: of this batch, or held.
    pub fn setOrigins(out: *Output, ids: []const u64) void {
        c.ms_out_origins(out.core(), ids.ptr, ids.len);
    }

    /// Sets the lines.
    pub fn setLines(out: *Output, lines: TextColumn) void {
        c.ms_out_lines(out.core(), lines.raw);
    }

    /// Sets the timestamps.
    pub fn setTimestamps(out: *Output, timestamps: []const i64) void {
        c.ms_out_timestamps(out.core(), timestamps.ptr, timestamps.len);
    }

    /// Sets, per row, an index into the sets of `setLabels`, or else into the batch's.
    pub fn setStreams(out: *Output, streams: []const u32) void {
        c.ms_out_streams(out.core(), streams.ptr, streams.len);
    }

    /// Sets new label sets: set i is the pairs ends[i-1]..ends[i], sorted by name, names unique.
    pub fn setLabels(out: *Output, ends: []const u32, names: TextColumn, values: TextColumn) void {
        c.ms_out_labels(out.core(), .{ .ends = ends.ptr, .count = ends.len, .names = names.raw, .values = values.raw });
    }

    /// Replaces the whole field of that name, with a value in every row or those of a bitmap (row i at bit i%8 of byte i/8).
    pub fn setField(out: *Output, name: []const u8, values: TextColumn, present: ?[]const u8) void {
        c.ms_out_field(out.core(), fieldOf(name, values, present));
    }

    /// Replaces the whole structured metadata of that name, likewise.
    pub fn setMetadata(out: *Output, name: []const u8, values: TextColumn, present: ?[]const u8) void {
        c.ms_out_metadata(out.core(), fieldOf(name, values, present));
    }

    /// Counts rows as dropped on purpose. Rows that vanish uncounted were merged into others.
    pub fn countDrops(out: *Output, reason: []const u8, count: u32) void {
        c.ms_out_drops(out.core(), .of(reason), count);
    }

    /// Names every row the stage keeps back, ascending. Each call says it anew.
    pub fn hold(out: *Output, ids: []const u64) void {
        c.ms_out_held(out.core(), ids.ptr, ids.len);
    }

    /// Asks for a tick at that time. Each call says it anew.
    pub fn wakeAt(out: *Output, time: i64) void {
        c.ms_out_wake_at(out.core(), time);
    }

    /// Fails the call: `return out.fail(…)`.
    pub fn fail(out: *Output, comptime why: []const u8, arguments: anytype) error{Failed} {
        _ = c.ms_fail(out.core(), "%s", memory.formatZ(why, arguments).ptr);
        return error.Failed;
    }
};

fn fieldOf(name: []const u8, values: TextColumn, present: ?[]const u8) c.Field {
    const bits = present orelse &.{};
    return .{ .name = .of(name), .values = values.raw, .present = bits.ptr, .present_size = bits.len };
}
