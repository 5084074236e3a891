//! Masks card and resident-registration numbers in lines, and counts what it masked.

const std = @import("std");
const millstream = @import("millstream");
const Scanner = @import("scanner.zig").Scanner;

const Redact = struct {
    scanner: Scanner,
    redacted: millstream.Counter,

    pub const Settings = struct {
        cards: bool = true,
        resident_numbers: bool = true,
        mask: []const u8 = "*",
    };

    pub fn configure(settings: Settings, setup: *millstream.Setup) millstream.Refused!Redact {
        if (!settings.cards and !settings.resident_numbers) {
            return setup.refuse("cards", "with `resident_numbers` off too there is nothing to mask", .{});
        }
        if ((std.unicode.utf8CountCodepoints(settings.mask) catch 0) != 1) {
            return setup.refuse("mask", "must be exactly one character, not `{s}`", .{settings.mask});
        }
        setup.readsLines();
        return .{
            .scanner = .{ .cards = settings.cards, .residents = settings.resident_numbers, .mask = settings.mask },
            .redacted = try setup.counter("redacted_total", "Numbers masked.", &.{"kind"}),
        };
    }

    pub fn process(redact: *Redact, batch: *millstream.Batch, _: i64) !void {
        var entries = batch.entries();
        while (entries.next()) |entry| {
            if (try redact.scanner.scan(entry.line())) |masked| entry.setLine(masked);
        }
        redact.count("card", &redact.scanner.found_cards);
        redact.count("resident", &redact.scanner.found_residents);
    }

    fn count(redact: *Redact, kind: []const u8, found: *usize) void {
        if (found.* > 0) redact.redacted.add(@floatFromInt(found.*), &.{kind});
        found.* = 0;
    }
};

const plugin = millstream.stage(Redact);
pub const panic = millstream.panic;

comptime {
    millstream.exportStage(&plugin);
}

test "the golden cases" {
    try millstream.testing.cases(&plugin, "cases");
}

test "counts by kind" {
    var stage = millstream.testing.Harness.init(&plugin, "{}");
    defer stage.deinit();
    _ = try stage.push(&.{ "4111111111111111 and 900101-1234567", "5500 0000 0000 0004" });
    try std.testing.expectEqual(2, stage.metric("redacted_total", &.{"card"}));
    try std.testing.expectEqual(1, stage.metric("redacted_total", &.{"resident"}));
}

test "cards have 13 to 19 digits" {
    var stage = millstream.testing.Harness.init(&plugin, "{}");
    defer stage.deinit();
    const out = try stage.push(&.{ "411111111117", "4111111111119", "4111111111111111110", "41111111111111111115" });
    for (out, [_][]const u8{ "411111111117", "*********1119", "***************1110", "41111111111111111115" }) |row, want| {
        try std.testing.expectEqualStrings(want, row.line());
    }
}

test "long runs of digits pass" {
    const line: [100_000:0]u8 = @splat('4');
    var stage = millstream.testing.Harness.init(&plugin, "{\"resident_numbers\": false}");
    defer stage.deinit();
    try std.testing.expectEqualStrings(&line, (try stage.push(&.{&line}))[0].line());
}
