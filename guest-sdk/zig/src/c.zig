//! The C core of this SDK (core/include), by declarations of its own: what `millstream.h` says, in Zig's types.

pub const Text = extern struct {
    data: ?[*]const u8,
    size: usize,

    pub fn of(slice: []const u8) Text {
        return .{ .data = slice.ptr, .size = slice.len };
    }

    pub fn get(text: Text) ?[]const u8 {
        return if (text.data) |data| data[0..text.size] else null;
    }
};

pub const none: Text = .{ .data = null, .size = 0 };

pub const Column = extern struct {
    bytes: [*]const u8,
    size: usize,
    ends: [*]const u32,
    rows: usize,
};

pub const Field = extern struct {
    name: Text,
    values: Column,
    present: ?[*]const u8,
    present_size: usize,
};

pub const LabelSets = extern struct {
    ends: [*]const u32,
    count: usize,
    names: Column,
    values: Column,
};

pub const Setup = opaque {};
pub const Batch = opaque {};
pub const Output = opaque {};
pub const Hold = opaque {};
pub const Harness = opaque {};

pub const Stage = extern struct {
    configure: *const fn (*Setup, *?*anyopaque) callconv(.c) bool,
    process: *const fn (?*anyopaque, *Batch, i64) callconv(.c) bool,
    tick: ?*const fn (?*anyopaque, *Output, i64) callconv(.c) bool = null,
    flush: ?*const fn (?*anyopaque, *Output, i64) callconv(.c) bool = null,
    destroy: ?*const fn (?*anyopaque) callconv(.c) void = null,
};

pub const JsonKind = enum(c_uint) { null, bool, number, string, list, object };

pub const Json = extern struct {
    kind: JsonKind,
    truth: bool,
    asked: bool,
    number: f64,
    whole: i64,
    text: Text,
    name: Text,
    first: ?*Json,
    next: ?*Json,
};

pub const Metric = extern struct { handle: u32 };

pub const Builder = extern struct {
    bytes: ?[*]u8,
    size: usize,
    byte_room: usize,
    ends: ?[*]u32,
    rows: usize,
    row_room: usize,
};

pub const Block = extern struct {
    ids: [*]u64,
    count: usize,
    room: usize,
    deadline: i64,
    value: ?*anyopaque,
};

pub const Pair = extern struct { name: Text, value: Text };
pub const Pairs = extern struct { list: ?[*]const Pair, count: usize };

pub const Row = extern struct {
    line: Text,
    timestamp: i64,
    labels: Pairs,
    fields: Pairs,
    metadata: Pairs,
};

pub const RowList = extern struct { rows: ?[*]const Row, count: usize };

pub extern fn malloc(size: usize) ?*anyopaque;
pub extern fn free(block: ?*anyopaque) void;
pub extern fn abort() noreturn;
pub extern fn ms_scratch(size: usize) *anyopaque;
pub extern fn ms_labels_get(sets: *const LabelSets, set: usize, name: Text) Text;

pub extern fn ms_reads_lines(setup: *Setup) void;
pub extern fn ms_reads_timestamps(setup: *Setup) void;
pub extern fn ms_reads_labels(setup: *Setup) void;
pub extern fn ms_reads_field(setup: *Setup, name: Text) void;
pub extern fn ms_reads_metadata(setup: *Setup, name: Text) void;
pub extern fn ms_holds(setup: *Setup) void;
pub extern fn ms_refuse(setup: *Setup, path: ?[*:0]const u8, format: [*:0]const u8, ...) bool;
pub extern fn ms_setting(setup: *Setup, name: [*:0]const u8) ?*Json;
pub extern fn ms_json_member(object: *Json, name: [*:0]const u8) ?*Json;
pub extern fn ms_json_each(within: *Json, before: ?*Json) ?*Json;
pub extern fn ms_counter(setup: *Setup, metric: *Metric, name: [*:0]const u8, help: [*:0]const u8, labels: [*]const [*:0]const u8, label_count: usize) bool;
pub extern fn ms_gauge(setup: *Setup, metric: *Metric, name: [*:0]const u8, help: [*:0]const u8, labels: [*]const [*:0]const u8, label_count: usize) bool;
pub extern fn ms_histogram(setup: *Setup, metric: *Metric, name: [*:0]const u8, help: [*:0]const u8, labels: [*]const [*:0]const u8, label_count: usize, buckets: [*]const f64, bucket_count: usize) bool;
pub extern fn ms_add(metric: Metric, value: f64, values: [*]const Text, count: usize) void;
pub extern fn ms_set(metric: Metric, value: f64, values: [*]const Text, count: usize) void;
pub extern fn ms_log(level: c_uint, format: [*:0]const u8, ...) void;

pub extern fn ms_rows(batch: *const Batch) usize;
pub extern fn ms_id(batch: *const Batch, row: usize) u64;
pub extern fn ms_line(batch: *Batch, row: usize) Text;
pub extern fn ms_timestamp(batch: *Batch, row: usize) i64;
pub extern fn ms_label(batch: *Batch, row: usize, name: Text) Text;
pub extern fn ms_field_value(batch: *Batch, row: usize, name: Text) Text;
pub extern fn ms_metadata_value(batch: *Batch, row: usize, name: Text) Text;
pub extern fn ms_set_line(batch: *Batch, row: usize, line: Text) void;
pub extern fn ms_set_timestamp(batch: *Batch, row: usize, timestamp: i64) void;
pub extern fn ms_set_label(batch: *Batch, row: usize, name: Text, value: Text) void;
pub extern fn ms_remove_label(batch: *Batch, row: usize, name: Text) void;
pub extern fn ms_set_field(batch: *Batch, row: usize, name: Text, value: Text) void;
pub extern fn ms_unset_field(batch: *Batch, row: usize, name: Text) void;
pub extern fn ms_set_metadata(batch: *Batch, row: usize, name: Text, value: Text) void;
pub extern fn ms_unset_metadata(batch: *Batch, row: usize, name: Text) void;
pub extern fn ms_drop(batch: *Batch, row: usize, reason: Text) void;
pub extern fn ms_lines(batch: *Batch) ?*const Column;
pub extern fn ms_timestamps(batch: *Batch) ?[*]const i64;
pub extern fn ms_streams(batch: *Batch) ?[*]const u32;
pub extern fn ms_labels(batch: *Batch) ?*const LabelSets;
pub extern fn ms_field_column(batch: *Batch, name: Text) ?*const Field;
pub extern fn ms_metadata_column(batch: *Batch, name: Text) ?*const Field;

pub extern fn ms_builder_append(builder: *Builder, part: Text) void;
pub extern fn ms_builder_end(builder: *Builder) void;
pub extern fn ms_builder_push(builder: *Builder, text: Text) void;
pub extern fn ms_builder_push_rows(builder: *Builder, other: *const Column, from: usize, to: usize) void;
pub extern fn ms_builder_column(builder: *const Builder) Column;

pub extern fn ms_out(batch: *Batch) *Output;
pub extern fn ms_out_origins(out: *Output, origins: [*]const u64, count: usize) void;
pub extern fn ms_out_lines(out: *Output, lines: Column) void;
pub extern fn ms_out_timestamps(out: *Output, timestamps: [*]const i64, count: usize) void;
pub extern fn ms_out_streams(out: *Output, streams: [*]const u32, count: usize) void;
pub extern fn ms_out_labels(out: *Output, sets: LabelSets) void;
pub extern fn ms_out_field(out: *Output, field: Field) void;
pub extern fn ms_out_metadata(out: *Output, field: Field) void;
pub extern fn ms_out_drops(out: *Output, reason: Text, count: u32) void;
pub extern fn ms_out_held(out: *Output, ids: [*]const u64, count: usize) void;
pub extern fn ms_out_wake_at(out: *Output, time: i64) void;
pub extern fn ms_fail(out: *Output, format: [*:0]const u8, ...) bool;

pub extern fn ms_hold_new() *Hold;
pub extern fn ms_hold_free(hold: *Hold, free_value: ?*const fn (?*anyopaque) callconv(.c) void) void;
pub extern fn ms_hold_begin(hold: *Hold, batch: *Batch) bool;
pub extern fn ms_hold_get(hold: *Hold, stream: u32) ?*Block;
pub extern fn ms_hold_put(hold: *Hold, stream: u32, deadline: i64, value: ?*anyopaque) *Block;
pub extern fn ms_block_add(block: *Block, id: u64) void;
pub extern fn ms_hold_take(hold: *Hold, stream: u32) ?*Block;
pub extern fn ms_hold_take_due(hold: *Hold, now: i64, count: *usize) [*]*Block;
pub extern fn ms_hold_take_all(hold: *Hold, count: *usize) [*]*Block;
pub extern fn ms_block_free(block: *Block) void;
pub extern fn ms_hold_report(hold: *const Hold, out: *Output) void;

pub extern var ms_harness_fail: *const fn ([*:0]const u8) callconv(.c) void;
pub extern fn ms_harness_new(stage: *const Stage, settings: [*:0]const u8) *Harness;
pub extern fn ms_harness_free(harness: *Harness) void;
pub extern fn ms_harness_refusal(stage: *const Stage, settings: [*:0]const u8) [*:0]const u8;
pub extern fn ms_row_new(harness: *Harness, line: [*:0]const u8) Row;
pub extern fn ms_row_label(harness: *Harness, row: Row, name: [*:0]const u8, value: [*:0]const u8) Row;
pub extern fn ms_row_field(harness: *Harness, row: Row, name: [*:0]const u8, value: [*:0]const u8) Row;
pub extern fn ms_row_metadata(harness: *Harness, row: Row, name: [*:0]const u8, value: [*:0]const u8) Row;
pub extern fn ms_row_equal(one: *const Row, other: *const Row) bool;
pub extern fn ms_pairs_get(pairs: *const Pairs, name: [*:0]const u8) Text;
pub extern fn ms_harness_try_push(harness: *Harness, rows: [*]const Row, count: usize, out: *RowList, failure: *?[*:0]const u8) bool;
pub extern fn ms_harness_advance(harness: *Harness, nanoseconds: i64) RowList;
pub extern fn ms_harness_flush(harness: *Harness) RowList;
pub extern fn ms_harness_replay(harness: *Harness) RowList;
pub extern fn ms_harness_held(harness: *const Harness, count: *usize) ?[*]const u64;
pub extern fn ms_harness_wake_at(harness: *const Harness) i64;
pub extern fn ms_harness_now(harness: *const Harness) i64;
pub extern fn ms_harness_dropped(harness: *const Harness, reason: [*:0]const u8) usize;
pub extern fn ms_harness_merged(harness: *const Harness) usize;
pub extern fn ms_harness_message(harness: *const Harness, index: usize) ?[*:0]const u8;
pub extern fn ms_harness_metric(harness: *const Harness, name: [*:0]const u8, values: [*]const [*:0]const u8, count: usize) f64;
pub extern fn ms_harness_cases(stage: *const Stage, folder: [*:0]const u8) bool;
