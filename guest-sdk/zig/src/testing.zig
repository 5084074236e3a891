//! Runs a stage natively by the host's rules, for its author's tests. Every answer is checked as the host would check it;
//! a violation panics with what was wrong. One harness runs at a time; what it answers is good until `deinit`.

const std = @import("std");
const c = @import("c.zig");

/// When a harness starts, and the timestamp of rows that name none: 2026-01-01T00:00:00Z.
pub const start: i64 = 1767225600000000000;

/// An entry: everything a stage could read or change.
pub const Row = struct {
    raw: c.Row,

    /// The text.
    pub fn line(row: Row) []const u8 {
        return row.raw.line.get() orelse "";
    }

    /// Nanoseconds since the epoch.
    pub fn timestamp(row: Row) i64 {
        return row.raw.timestamp;
    }

    /// The value of a label, if it has it.
    pub fn label(row: Row, name: [:0]const u8) ?[]const u8 {
        return c.ms_pairs_get(&row.raw.labels, name).get();
    }

    /// The value of a field, if it has it.
    pub fn field(row: Row, name: [:0]const u8) ?[]const u8 {
        return c.ms_pairs_get(&row.raw.fields, name).get();
    }

    /// The value of structured metadata, if it has it.
    pub fn metadata(row: Row, name: [:0]const u8) ?[]const u8 {
        return c.ms_pairs_get(&row.raw.metadata, name).get();
    }

    /// Whether two entries are the same in everything.
    pub fn eql(row: Row, other: Row) bool {
        return c.ms_row_equal(&row.raw, &other.raw);
    }
};

/// Name and value of a label, field or metadata.
pub const Pair = struct { [:0]const u8, [:0]const u8 };

/// What a new row has beside its line.
pub const With = struct {
    timestamp: i64 = start,
    labels: []const Pair = &.{},
    fields: []const Pair = &.{},
    metadata: []const Pair = &.{},
};

fn panicWith(message: [*:0]const u8) callconv(.c) void {
    @panic(std.mem.span(message));
}

/// One stage in one place, and what a host would keep beside it.
pub const Harness = struct {
    core: *c.Harness,
    failure: ?[*:0]const u8 = null,

    /// A configured stage. The settings are what a manifest says, as JSON.
    pub fn init(stage: *const c.Stage, settings: [:0]const u8) Harness {
        c.ms_harness_fail = panicWith;
        return .{ .core = c.ms_harness_new(stage, settings) };
    }

    pub fn deinit(harness: *Harness) void {
        c.ms_harness_free(harness.core);
    }

    /// A row to push.
    pub fn row(harness: *Harness, text: [:0]const u8, with: With) Row {
        var raw = c.ms_row_new(harness.core, text);
        raw.timestamp = with.timestamp;
        for (with.labels) |pair| raw = c.ms_row_label(harness.core, raw, pair[0], pair[1]);
        for (with.fields) |pair| raw = c.ms_row_field(harness.core, raw, pair[0], pair[1]);
        for (with.metadata) |pair| raw = c.ms_row_metadata(harness.core, raw, pair[0], pair[1]);
        return .{ .raw = raw };
    }

    /// Sends one batch of lines through the stage and answers what came out.
    pub fn push(harness: *Harness, lines: []const [:0]const u8) ![]const Row {
        const rows = try std.testing.allocator.alloc(Row, lines.len);
        defer std.testing.allocator.free(rows);
        for (lines, rows) |text, *to| to.* = harness.row(text, .{});
        return harness.pushRows(rows);
    }

    /// Sends one batch through the stage. After error.Failed, `failure` says why, and nothing has changed outside the stage.
    pub fn pushRows(harness: *Harness, rows: []const Row) error{Failed}![]const Row {
        var out: c.RowList = undefined;
        if (!c.ms_harness_try_push(harness.core, @ptrCast(rows.ptr), rows.len, &out, &harness.failure)) return error.Failed;
        return list(out);
    }

    /// Lets time pass. The stage is called whenever it asked for that.
    pub fn advance(harness: *Harness, nanoseconds: i64) []const Row {
        return list(c.ms_harness_advance(harness.core, nanoseconds));
    }

    /// No more batches: the stage has to let go of everything.
    pub fn flush(harness: *Harness) []const Row {
        return list(c.ms_harness_flush(harness.core));
    }

    /// Replaces the stage by a fresh one and feeds it the held entries. Answers what came out, which is nothing for a
    /// stage that decides by what it holds.
    pub fn replay(harness: *Harness) []const Row {
        return list(c.ms_harness_replay(harness.core));
    }

    /// The ids of the rows the stage holds.
    pub fn held(harness: *const Harness) []const u64 {
        var count: usize = 0;
        const ids = c.ms_harness_held(harness.core, &count);
        return if (count == 0) &.{} else ids.?[0..count];
    }

    /// When the stage wants to be called, if it does.
    pub fn wakeAt(harness: *const Harness) ?i64 {
        const time = c.ms_harness_wake_at(harness.core);
        return if (time == std.math.maxInt(i64)) null else time;
    }

    /// What time it is.
    pub fn now(harness: *const Harness) i64 {
        return c.ms_harness_now(harness.core);
    }

    /// How many rows were dropped on purpose for a reason.
    pub fn dropped(harness: *const Harness, reason: [:0]const u8) usize {
        return c.ms_harness_dropped(harness.core, reason);
    }

    /// How many rows vanished uncounted: merged into others.
    pub fn merged(harness: *const Harness) usize {
        return c.ms_harness_merged(harness.core);
    }

    /// A message to the agent's log, if there were so many.
    pub fn message(harness: *const Harness, index: usize) ?[]const u8 {
        return std.mem.span(c.ms_harness_message(harness.core, index) orelse return null);
    }

    /// The value of a metric's series; a histogram's is the sum of its observations.
    pub fn metric(harness: *const Harness, name: [:0]const u8, label_values: []const [*:0]const u8) f64 {
        return c.ms_harness_metric(harness.core, name, label_values.ptr, label_values.len);
    }

    fn list(rows: c.RowList) []const Row {
        return if (rows.count == 0) &.{} else @ptrCast(rows.rows.?[0..rows.count]);
    }
};

/// Why the stage refuses these settings.
pub fn refusal(stage: *const c.Stage, settings: [:0]const u8) []const u8 {
    c.ms_harness_fail = panicWith;
    return std.mem.span(c.ms_harness_refusal(stage, settings));
}

/// Runs every case under a folder and tells on stderr which failed.
pub fn cases(stage: *const c.Stage, folder: [:0]const u8) error{CasesFailed}!void {
    c.ms_harness_fail = panicWith;
    if (!c.ms_harness_cases(stage, folder)) return error.CasesFailed;
}
