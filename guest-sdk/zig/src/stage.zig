//! A type of the author's, made the functions that the core calls.

const std = @import("std");
const builtin = @import("builtin");
const c = @import("c.zig");
const memory = @import("memory.zig");
const setup_file = @import("setup.zig");
const batch_file = @import("batch.zig");

/// A stage, ready to be exported or tested.
pub const Stage = c.Stage;

/// The settings of a stage that has none.
pub const NoSettings = struct {};

/// Makes a stage of a type `S` with
/// - `pub const Settings = struct { … }`, all of whose fields have defaults (without it they are `NoSettings`),
/// - `pub fn configure(settings: Settings, setup: *Setup) Refused!S`,
/// - `pub fn process(self: *S, batch: *Batch, now: i64) !void`,
/// - and, where it holds entries, `pub fn tick` and `pub fn flush` `(self: *S, out: *Output, now: i64) !void`, and
///   `pub fn deinit(self: *S) void` for tests.
pub fn stage(comptime S: type) Stage {
    return .{
        .configure = Glue(S).configure,
        .process = Glue(S).process,
        .tick = if (@hasDecl(S, "tick")) Glue(S).tick else null,
        .flush = if (@hasDecl(S, "flush")) Glue(S).flush else null,
        .destroy = Glue(S).destroy,
    };
}

/// Makes a stage the module's: `comptime { millstream.exportStage(&plugin); }` in the root file.
pub fn exportStage(comptime exported: *const Stage) void {
    if (builtin.cpu.arch == .wasm32) {
        const Exported = struct {
            const address: *const Stage = exported;
        };
        @export(&Exported.address, .{ .name = "ms_exported_stage" });
    }
}

fn Glue(comptime S: type) type {
    return struct {
        const Settings = if (@hasDecl(S, "Settings")) S.Settings else NoSettings;

        fn configure(setup: *c.Setup, state: *?*anyopaque) callconv(.c) bool {
            const wrapped: *setup_file.Setup = @ptrCast(setup);
            const settings = setup_file.settings(Settings, wrapped) catch return false;
            const made = S.configure(settings, wrapped) catch return false;
            const kept = memory.lasting.create(S) catch c.abort();
            kept.* = made;
            state.* = kept;
            return true;
        }

        fn process(state: ?*anyopaque, batch: *c.Batch, now: i64) callconv(.c) bool {
            self(state).process(@ptrCast(batch), now) catch |err| return failed(c.ms_out(batch), err);
            return true;
        }

        fn tick(state: ?*anyopaque, out: *c.Output, now: i64) callconv(.c) bool {
            self(state).tick(@ptrCast(out), now) catch |err| return failed(out, err);
            return true;
        }

        fn flush(state: ?*anyopaque, out: *c.Output, now: i64) callconv(.c) bool {
            self(state).flush(@ptrCast(out), now) catch |err| return failed(out, err);
            return true;
        }

        fn destroy(state: ?*anyopaque) callconv(.c) void {
            if (@hasDecl(S, "deinit")) self(state).deinit();
            memory.lasting.destroy(self(state));
        }

        fn self(state: ?*anyopaque) *S {
            return @ptrCast(@alignCast(state.?));
        }

        /// Keeps what `fail`, or the use of an undeclared column, has said already.
        fn failed(out: *c.Output, err: anyerror) bool {
            return c.ms_fail(out, "the stage failed: %s", @errorName(err).ptr);
        }
    };
}

/// Levels of the agent's log.
pub const Level = enum(c_uint) { trace, debug, info, warn, err };

/// Writes to the agent's own log, under the stage's name and rate-limited there.
pub fn log(level: Level, comptime text: []const u8, arguments: anytype) void {
    c.ms_log(@backingInt(level), "%s", memory.formatZ(text, arguments).ptr);
}

/// Sees to it that a panic reaches the agent's log before the trap that follows it: `pub const panic = millstream.panic;`
/// in the root file. Natively it is Zig's own.
pub const panic = if (builtin.cpu.arch == .wasm32) std.debug.FullPanic(tellPanic) else std.debug.FullPanic(std.debug.defaultPanic);

fn tellPanic(message: []const u8, _: ?usize) noreturn {
    @branchHint(.cold);
    c.ms_log(@backingInt(Level.err), "panic: %.*s", @as(c_int, @intCast(message.len)), message.ptr);
    @trap();
}
