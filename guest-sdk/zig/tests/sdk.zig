//! The SDK as an author meets it: small stages, driven by the harness. The core's own tests are those of the C SDK.

const std = @import("std");
const millstream = @import("millstream");
const Harness = millstream.testing.Harness;
const expect = std.testing.expect;
const expectEqual = std.testing.expectEqual;
const second = std.time.ns_per_s;

/// Joins three entries of a stream into one; lets go after a second.
const Triples = struct {
    hold: millstream.Hold(Joined),
    joined: millstream.Counter,

    const Joined = struct {
        text: std.ArrayList(u8) = .empty,

        pub fn deinit(joined: *Joined) void {
            joined.text.deinit(millstream.lasting);
        }
    };

    pub fn configure(_: millstream.NoSettings, setup: *millstream.Setup) millstream.Refused!Triples {
        setup.readsLines();
        setup.readsLabels();
        setup.holds();
        return .{ .hold = .init(), .joined = try setup.counter("joined", "Blocks let go.", &.{"kind"}) };
    }

    pub fn deinit(triples: *Triples) void {
        triples.hold.deinit();
    }

    pub fn process(triples: *Triples, batch: *millstream.Batch, now: i64) !void {
        try triples.hold.begin(batch);
        const streams = try batch.streams();
        var done: std.ArrayList(millstream.Hold(Joined).Block) = .empty;
        var entries = batch.entries();
        while (entries.next()) |entry| {
            const stream = streams[entry.row];
            const block = triples.hold.get(stream) orelse try triples.hold.put(stream, now + second, .{});
            block.add(entry.id());
            try block.value().text.appendSlice(millstream.lasting, entry.line());
            if (block.ids().len == 3) try done.append(millstream.scratch, triples.hold.take(stream).?);
        }
        try triples.release(done.items, batch.output());
    }

    pub fn tick(triples: *Triples, out: *millstream.Output, now: i64) !void {
        try triples.release(triples.hold.takeDue(now), out);
    }

    pub fn flush(triples: *Triples, out: *millstream.Output, _: i64) !void {
        try triples.release(triples.hold.takeAll(), out);
    }

    fn release(triples: *Triples, blocks: []const millstream.Hold(Joined).Block, out: *millstream.Output) !void {
        var lines: millstream.Builder = .{};
        const origins = try millstream.scratch.alloc(u64, blocks.len);
        for (blocks, origins) |block, *origin| {
            lines.push(block.value().text.items);
            origin.* = block.ids()[0];
            block.value().deinit();
            block.free();
        }
        out.setLines(lines.column());
        out.setOrigins(origins);
        triples.joined.add(@floatFromInt(blocks.len), &.{"triple"});
        triples.hold.report(out);
    }
};

const triples_stage = millstream.stage(Triples);

test "held rows keep their columns outside" {
    var stage = Harness.init(&triples_stage, "null");
    defer stage.deinit();
    const in_one: millstream.testing.With = .{ .timestamp = 1, .labels = &.{.{ "s", "1" }}, .fields = &.{.{ "f", "a" }} };
    const in_two: millstream.testing.With = .{ .labels = &.{.{ "s", "2" }} };
    var out = try stage.pushRows(&.{ stage.row("a", in_one), stage.row("x", in_two), stage.row("b", in_one) });
    try expectEqual(0, out.len);
    try std.testing.expectEqualSlices(u64, &.{ 0, 1, 2 }, stage.held());
    out = try stage.pushRows(&.{ stage.row("c", in_one), stage.row("d", in_one) });
    try expectEqual(1, out.len);
    try expect(out[0].eql(stage.row("abc", in_one)));
    try std.testing.expectEqualSlices(u64, &.{ 1, 4 }, stage.held());
    try expectEqual(2, stage.merged());
    try expectEqual(2, stage.flush().len);
    try expectEqual(3, stage.metric("joined", &.{"triple"}));
}

test "time moves only by advancing, and a fresh instance knows what is held" {
    var stage = Harness.init(&triples_stage, "{}");
    defer stage.deinit();
    _ = try stage.push(&.{"a"});
    try expectEqual(millstream.testing.start + second, stage.wakeAt().?);
    try expectEqual(0, stage.replay().len);
    try std.testing.expectEqualSlices(u64, &.{0}, stage.held());
    try expectEqual(0, stage.advance(second - 1).len);
    try std.testing.expectEqualStrings("a", stage.advance(1)[0].line());
    try expectEqual(null, stage.wakeAt());
}

/// Does what its settings say, to every row.
const Actor = struct {
    settings: Settings,

    pub const Settings = struct {
        act: enum { nothing, line, field, columns, all, fail, oom } = .nothing,
        declares: []const []const u8 = &.{},
        count: u8 = 0,
        share: ?f64 = 0.5,
        inner: struct { deep: bool = false } = .{},
    };

    pub fn configure(settings: Settings, setup: *millstream.Setup) millstream.Refused!Actor {
        for (settings.declares) |column| {
            if (std.mem.eql(u8, column, "lines")) setup.readsLines() else setup.readsField(column);
            if (std.mem.eql(u8, column, "labels")) setup.readsLabels();
            if (std.mem.eql(u8, column, "timestamps")) setup.readsTimestamps();
            setup.readsMetadata(column);
        }
        return .{ .settings = settings };
    }

    pub fn process(actor: *Actor, batch: *millstream.Batch, _: i64) !void {
        var entries = batch.entries();
        while (entries.next()) |entry| switch (actor.settings.act) {
            .nothing => {},
            .line => _ = entry.line(),
            .field => _ = entry.field("a"),
            .columns => _ = try batch.labels(),
            .all => {
                entry.setLine(millstream.format("{s}!", .{entry.line()}));
                entry.setTimestamp(entry.timestamp() + 1);
                entry.setLabel("l", entry.field("f") orelse "none");
                entry.removeLabel("gone");
                entry.setField("new", entry.line());
                entry.unsetField("f");
                entry.setMetadata("m", "v");
                entry.unsetMetadata("gone");
                if (std.mem.eql(u8, entry.line(), "drop")) entry.drop("asked");
            },
            .fail => return batch.fail("no {s}", .{"luck"}),
            .oom => return error.OutOfMemory,
        };
    }
};

const actor_stage = millstream.stage(Actor);

const everything = "\"declares\": [\"lines\", \"labels\", \"timestamps\", \"f\", \"new\", \"m\", \"gone\"]";

test "everything an entry can change changes" {
    var stage = Harness.init(&actor_stage, "{\"act\": \"all\", " ++ everything ++ "}");
    defer stage.deinit();
    const with: millstream.testing.With = .{
        .timestamp = 1,
        .labels = &.{ .{ "gone", "1" }, .{ "kept", "1" } },
        .fields = &.{.{ "f", "x" }},
        .metadata = &.{.{ "gone", "1" }},
    };
    const out = try stage.pushRows(&.{ stage.row("a", with), stage.row("drop", with) });
    try expectEqual(1, out.len);
    try expect(out[0].eql(stage.row("a!", .{
        .timestamp = 2,
        .labels = &.{ .{ "kept", "1" }, .{ "l", "x" } },
        .fields = &.{.{ "new", "a" }},
        .metadata = &.{.{ "m", "v" }},
    })));
    try expectEqual(1, stage.dropped("asked"));
}

test "failures say why" {
    inline for (.{
        .{ "line", "ms_reads_lines" },
        .{ "field", "ms_reads_field(setup, ms_str(\"a\"))" },
        .{ "columns", "ms_reads_labels" },
        .{ "fail", "no luck" },
        .{ "oom", "the stage failed: OutOfMemory" },
    }) |case| {
        var stage = Harness.init(&actor_stage, "{\"act\": \"" ++ case[0] ++ "\"}");
        defer stage.deinit();
        try std.testing.expectError(error.Failed, stage.push(&.{"x"}));
        try says(std.mem.span(stage.failure.?), case[1]);
    }
}

test "settings are refused by name" {
    inline for (.{
        .{ "{\"acts\": 1}", "unknown setting `acts`: expected one of `act`, `declares`, `count`, `share`, `inner`" },
        .{ "{\"act\": \"dance\"}", "setting `act`: unknown value `dance`" },
        .{ "{\"count\": 256}", "setting `count`: must be a whole number from 0 to 255" },
        .{ "{\"count\": null}", "setting `count`: got null, needs a whole number" },
        .{ "{\"declares\": [1]}", "setting `declares[0]`: got a number, needs a text" },
        .{ "{\"inner\": {\"depp\": true}}", "unknown setting `inner.depp`: expected one of `deep`" },
        .{ "{\"inner\": {\"deep\": 1}}", "setting `inner.deep`: got a number, needs true or false" },
    }) |case| try says(millstream.testing.refusal(&actor_stage, case[0]), case[1]);
    var stage = Harness.init(&actor_stage, "{\"share\": null, \"inner\": {\"deep\": true}, \"count\": 255}");
    stage.deinit();
}

test "ten thousand calls do not grow" {
    var stage = Harness.init(&actor_stage, "{\"act\": \"all\", " ++ everything ++ "}");
    defer stage.deinit();
    const rows = [_]millstream.testing.Row{ stage.row("a", .{}), stage.row("b", .{}) };
    var size: usize = 0;
    for (0..10_000) |call| {
        _ = try stage.pushRows(&rows);
        if (call == 10) size = callArena();
    }
    try expect(size > 0);
    try expectEqual(size, callArena());
}

extern var ms_call_arena: extern struct { chunks: ?*anyopaque, used: usize };
extern fn ms_arena_size(arena: *const @TypeOf(ms_call_arena)) usize;

fn callArena() usize {
    return ms_arena_size(&ms_call_arena);
}

fn says(text: []const u8, part: []const u8) !void {
    if (std.mem.indexOf(u8, text, part) != null) return;
    std.debug.print("`{s}` does not say `{s}`\n", .{ text, part });
    return error.SaysSomethingElse;
}
