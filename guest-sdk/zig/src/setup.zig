//! What a stage declares while it is configured, and the settings it is configured with.

const std = @import("std");
const c = @import("c.zig");
const memory = @import("memory.zig");

/// The answer of a configure that refuses; made by `Setup.refuse`.
pub const Refused = error{Refused};

/// Collects the declarations of one stage. What is not declared does not cross into the sandbox.
pub const Setup = opaque {
    fn core(setup: *Setup) *c.Setup {
        return @ptrCast(setup);
    }

    /// The stage reads or changes lines.
    pub fn readsLines(setup: *Setup) void {
        c.ms_reads_lines(setup.core());
    }

    /// The stage reads or changes timestamps.
    pub fn readsTimestamps(setup: *Setup) void {
        c.ms_reads_timestamps(setup.core());
    }

    /// The stage reads or changes labels, or tells streams apart.
    pub fn readsLabels(setup: *Setup) void {
        c.ms_reads_labels(setup.core());
    }

    /// The stage reads or changes the field `name`; "*" stands for all of them.
    pub fn readsField(setup: *Setup, name: []const u8) void {
        c.ms_reads_field(setup.core(), .of(name));
    }

    /// The stage reads or changes the structured metadata `name`; "*" stands for all of it.
    pub fn readsMetadata(setup: *Setup, name: []const u8) void {
        c.ms_reads_metadata(setup.core(), .of(name));
    }

    /// The stage keeps entries back across calls (see `Hold`).
    pub fn holds(setup: *Setup) void {
        c.ms_holds(setup.core());
    }

    /// Refuses the setting `path`, named as in the manifest ("values.level"): `return setup.refuse(…)`.
    pub fn refuse(setup: *Setup, path: [:0]const u8, comptime why: []const u8, arguments: anytype) Refused {
        _ = c.ms_refuse(setup.core(), path, "%s", memory.formatZ(why, arguments).ptr);
        return error.Refused;
    }

    /// Registers a counter.
    pub fn counter(setup: *Setup, name: [:0]const u8, help: [:0]const u8, comptime labels: []const [*:0]const u8) Refused!Counter {
        var metric: c.Metric = undefined;
        if (!c.ms_counter(setup.core(), &metric, name, help, labels.ptr, labels.len)) return error.Refused;
        return .{ .metric = metric };
    }

    /// Registers a gauge.
    pub fn gauge(setup: *Setup, name: [:0]const u8, help: [:0]const u8, comptime labels: []const [*:0]const u8) Refused!Gauge {
        var metric: c.Metric = undefined;
        if (!c.ms_gauge(setup.core(), &metric, name, help, labels.ptr, labels.len)) return error.Refused;
        return .{ .metric = metric };
    }

    /// Registers a histogram with these upper bounds.
    pub fn histogram(setup: *Setup, name: [:0]const u8, help: [:0]const u8, comptime labels: []const [*:0]const u8, buckets: []const f64) Refused!Histogram {
        var metric: c.Metric = undefined;
        if (!c.ms_histogram(setup.core(), &metric, name, help, labels.ptr, labels.len, buckets.ptr, buckets.len)) return error.Refused;
        return .{ .metric = metric };
    }
};

fn texts(values: []const []const u8) []const c.Text {
    const list = memory.scratch.alloc(c.Text, values.len) catch c.abort();
    for (values, list) |value, *text| text.* = .of(value);
    return list;
}

/// Only grows. Add up within a batch and call it once: every call crosses the sandbox.
pub const Counter = struct {
    metric: c.Metric,

    /// Adds to the series with these label values, in the order they were registered.
    pub fn add(counter: Counter, value: f64, label_values: []const []const u8) void {
        c.ms_add(counter.metric, value, texts(label_values).ptr, label_values.len);
    }
};

/// Goes up and down.
pub const Gauge = struct {
    metric: c.Metric,

    /// Adds to the series with these label values.
    pub fn add(gauge: Gauge, value: f64, label_values: []const []const u8) void {
        c.ms_add(gauge.metric, value, texts(label_values).ptr, label_values.len);
    }

    /// Sets the series with these label values.
    pub fn set(gauge: Gauge, value: f64, label_values: []const []const u8) void {
        c.ms_set(gauge.metric, value, texts(label_values).ptr, label_values.len);
    }
};

/// Counts observations by size.
pub const Histogram = struct {
    metric: c.Metric,

    /// Counts a value in the series with these label values.
    pub fn observe(histogram: Histogram, value: f64, label_values: []const []const u8) void {
        c.ms_add(histogram.metric, value, texts(label_values).ptr, label_values.len);
    }
};

/// Reads the settings into a struct whose fields all have defaults. A setting of the wrong type is refused by name; one
/// that the struct does not have is refused by the core, because it was never asked for.
pub fn settings(comptime T: type, setup: *Setup) Refused!T {
    var all: T = .{};
    inline for (comptime std.meta.fieldNames(T)) |name| {
        if (c.ms_setting(setup.core(), name)) |json| {
            @field(all, name) = try read(@FieldType(T, name), setup, json, name);
        }
    }
    return all;
}

fn read(comptime T: type, setup: *Setup, json: *c.Json, path: [:0]const u8) Refused!T {
    switch (@typeInfo(T)) {
        .optional => |optional| {
            if (json.kind == .null) return null;
            return try read(optional.child, setup, json, path);
        },
        .bool => {
            if (json.kind != .bool) return wrong(setup, json, path, "true or false");
            return json.truth;
        },
        .int => {
            if (json.kind != .number or !json.truth) return wrong(setup, json, path, "a whole number");
            return std.math.cast(T, json.whole) orelse setup.refuse(path, "must be a whole number from {d} to {d}", .{ std.math.minInt(T), std.math.maxInt(T) });
        },
        .float => {
            if (json.kind != .number) return wrong(setup, json, path, "a number");
            return @floatCast(json.number);
        },
        .@"enum" => {
            if (json.kind != .string) return wrong(setup, json, path, "a text");
            const text = json.text.get().?;
            return std.meta.stringToEnum(T, text) orelse setup.refuse(path, "unknown value `{s}`", .{text});
        },
        .pointer => |pointer| {
            if (T == []const u8) {
                if (json.kind != .string) return wrong(setup, json, path, "a text");
                return json.text.get().?;
            }
            if (json.kind != .list) return wrong(setup, json, path, "a list");
            var list: std.ArrayList(pointer.child) = .empty;
            var at = c.ms_json_each(json, null);
            while (at) |element| : (at = c.ms_json_each(json, element)) {
                const inner = memory.formatZ("{s}[{d}]", .{ path, list.items.len });
                list.append(memory.scratch, try read(pointer.child, setup, element, inner)) catch c.abort();
            }
            return list.items;
        },
        .@"struct" => {
            if (json.kind != .object) return wrong(setup, json, path, "an object");
            var all: T = .{};
            inline for (comptime std.meta.fieldNames(T)) |name| {
                if (c.ms_json_member(json, name)) |member| {
                    const inner = memory.formatZ("{s}.{s}", .{ path, name });
                    @field(all, name) = try read(@FieldType(T, name), setup, member, inner);
                }
            }
            return all;
        },
        else => @compileError("a setting cannot be a " ++ @typeName(T)),
    }
}

fn wrong(setup: *Setup, json: *const c.Json, path: [:0]const u8, needed: []const u8) Refused {
    const got = switch (json.kind) {
        .null => "null",
        .bool => "true or false",
        .number => "a number",
        .string => "a text",
        .list => "a list",
        .object => "an object",
    };
    return setup.refuse(path, "got {s}, needs {s}", .{ got, needed });
}
