//! Entries kept back, one block per stream. The hold knows every kept id, so it can tell the host exactly what is held.

const std = @import("std");
const c = @import("c.zig");
const memory = @import("memory.zig");
const batch_file = @import("batch.zig");
const Batch = batch_file.Batch;
const Output = batch_file.Output;

/// A deadline that never comes.
pub const never = std.math.maxInt(i64);

/// The blocks of all streams, each with a `T`: what the stage made of the rows so far.
pub fn Hold(comptime T: type) type {
    return struct {
        core: *c.Hold,

        const Self = @This();

        /// What is kept back of one stream.
        pub const Block = struct {
            core: *c.Block,

            /// The ids of the rows kept back, ascending.
            pub fn ids(block: Block) []const u64 {
                return block.core.ids[0..block.core.count];
            }

            /// Adds the id of a row.
            pub fn add(block: Block, id: u64) void {
                c.ms_block_add(block.core, id);
            }

            /// What the stage made of the rows so far, to be read or changed.
            pub fn value(block: Block) *T {
                return @ptrCast(@alignCast(block.core.value.?));
            }

            /// Sets when the block is due.
            pub fn setDeadline(block: Block, deadline: i64) void {
                block.core.deadline = deadline;
            }

            /// Frees a block that was taken out. What its value points at is freed before.
            pub fn free(block: Block) void {
                memory.lasting.destroy(block.value());
                c.ms_block_free(block.core);
            }
        };

        /// Nothing held.
        pub fn init() Self {
            return .{ .core = c.ms_hold_new() };
        }

        /// Frees the hold and the blocks that are still in it.
        pub fn deinit(hold: Self) void {
            c.ms_hold_free(hold.core, freeValue);
        }

        fn freeValue(given: ?*anyopaque) callconv(.c) void {
            const kept: *T = @ptrCast(@alignCast(given.?));
            if (comptime @typeInfo(T) == .@"struct" and @hasDecl(T, "deinit")) kept.deinit();
            memory.lasting.destroy(kept);
        }

        /// Finds the blocks of the batch's streams; first thing in process. Needs `setup.readsLabels()`.
        pub fn begin(hold: Self, batch: *Batch) batch_file.Undeclared!void {
            if (!c.ms_hold_begin(hold.core, @ptrCast(batch))) return error.Undeclared;
        }

        /// The block of a stream of the batch last begun.
        pub fn get(hold: Self, stream: u32) ?Block {
            return .{ .core = c.ms_hold_get(hold.core, stream) orelse return null };
        }

        /// A new, empty block for a stream that has none.
        pub fn put(hold: Self, stream: u32, deadline: i64, value: T) error{OutOfMemory}!Block {
            const kept = try memory.lasting.create(T);
            kept.* = value;
            return .{ .core = c.ms_hold_put(hold.core, stream, deadline, kept) };
        }

        /// Takes the block of a stream out.
        pub fn take(hold: Self, stream: u32) ?Block {
            return .{ .core = c.ms_hold_take(hold.core, stream) orelse return null };
        }

        /// Takes out every block whose deadline has come, in the order of their first ids.
        pub fn takeDue(hold: Self, now: i64) []const Block {
            var count: usize = 0;
            const blocks = c.ms_hold_take_due(hold.core, now, &count);
            return wrap(blocks[0..count]);
        }

        /// Takes out every block, in the order of their first ids.
        pub fn takeAll(hold: Self) []const Block {
            var count: usize = 0;
            const blocks = c.ms_hold_take_all(hold.core, &count);
            return wrap(blocks[0..count]);
        }

        fn wrap(blocks: []const *c.Block) []const Block {
            const wrapped = memory.scratch.alloc(Block, blocks.len) catch c.abort();
            for (blocks, wrapped) |block, *to| to.* = .{ .core = block };
            return wrapped;
        }

        /// Tells the host what is held and when the next block is due; last thing in every call.
        pub fn report(hold: Self, out: *Output) void {
            c.ms_hold_report(hold.core, out.core());
        }
    };
}
