//! Drops access-log entries of one path and labels the others by the class of their status.

const std = @import("std");
const millstream = @import("millstream");

const AccessLog = struct {
    drop_path: []const u8,
    statuses: millstream.Counter,

    /// A setting that is not here is refused by name.
    pub const Settings = struct {
        /// The path whose entries are dropped, as long as they succeed.
        drop_path: []const u8 = "/health",
    };

    /// Checks the settings and declares what the stage reads or changes: nothing else crosses into the sandbox.
    pub fn configure(settings: Settings, setup: *millstream.Setup) millstream.Refused!AccessLog {
        if (!std.mem.startsWith(u8, settings.drop_path, "/")) {
            return setup.refuse("drop_path", "must begin with a slash, not be `{s}`", .{settings.drop_path});
        }
        setup.readsLines();
        setup.readsLabels();
        return .{
            .drop_path = settings.drop_path,
            .statuses = try setup.counter("statuses_total", "Entries by the class of their status.", &.{"class"}),
        };
    }

    /// Handles lines like `GET /orders 200`. A line that looks otherwise passes unchanged.
    pub fn process(log: *AccessLog, batch: *millstream.Batch, _: i64) !void {
        var counts: [10]u32 = @splat(0);
        var entries = batch.entries();
        while (entries.next()) |entry| {
            var words = std.mem.splitScalar(u8, entry.line(), ' ');
            _ = words.next();
            const path = words.next() orelse continue;
            const status = words.next() orelse continue;
            if (words.next() != null or status.len != 3 or !std.ascii.isDigit(status[0])) continue;
            if (status[0] == '2' and std.mem.eql(u8, path, log.drop_path)) {
                entry.drop("uninteresting");
                continue;
            }
            entry.setLabel("status", &.{ status[0], 'x', 'x' });
            counts[status[0] - '0'] += 1;
        }
        for (counts, 0..) |count, class| {
            if (count > 0) log.statuses.add(@floatFromInt(count), &.{millstream.format("{d}xx", .{class})});
        }
    }
};

const plugin = millstream.stage(AccessLog);
pub const panic = millstream.panic;

comptime {
    millstream.exportStage(&plugin);
}

test "the cases" {
    try millstream.testing.cases(&plugin, "cases");
}

test "drops only success" {
    var stage = millstream.testing.Harness.init(&plugin, "{\"drop_path\": \"/ready\"}");
    defer stage.deinit();
    const out = try stage.push(&.{ "GET /ready 200", "GET /ready 503" });
    try std.testing.expectEqual(1, out.len);
    try std.testing.expectEqualStrings("5xx", out[0].label("status").?);
    try std.testing.expectEqual(1, stage.dropped("uninteresting"));
}

test "refuses a path without slash" {
    const refusal = millstream.testing.refusal(&plugin, "{\"drop_path\": \"ready\"}");
    try std.testing.expect(std.mem.indexOf(u8, refusal, "`drop_path`") != null);
}
