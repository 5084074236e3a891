//! Two allocators: one for a call, one for what outlives it.

const std = @import("std");
const c = @import("c.zig");
const Alignment = std.mem.Alignment;

/// Memory that is good until the call returns. Nothing is freed; the same memory serves the next call.
pub const scratch: std.mem.Allocator = .{ .ptr = undefined, .vtable = &.{
    .alloc = takeScratch,
    .resize = std.mem.Allocator.noResize,
    .remap = std.mem.Allocator.noRemap,
    .free = std.mem.Allocator.noFree,
} };

/// Memory that stays until it is freed: for what a stage keeps across calls.
pub const lasting: std.mem.Allocator = .{ .ptr = undefined, .vtable = &.{
    .alloc = takeLasting,
    .resize = std.mem.Allocator.noResize,
    .remap = std.mem.Allocator.noRemap,
    .free = freeLasting,
} };

/// What the core's blocks are aligned to at least.
const widest: usize = 8;

fn takeScratch(_: *anyopaque, size: usize, alignment: Alignment, _: usize) ?[*]u8 {
    if (alignment.toByteUnits() > widest) return null;
    return @ptrCast(c.ms_scratch(size));
}

fn takeLasting(_: *anyopaque, size: usize, alignment: Alignment, _: usize) ?[*]u8 {
    if (alignment.toByteUnits() > widest) return null;
    return @ptrCast(c.malloc(size));
}

fn freeLasting(_: *anyopaque, block: []u8, _: Alignment, _: usize) void {
    c.free(block.ptr);
}

/// A text in scratch memory, formatted as by std.fmt.
pub fn format(comptime text: []const u8, arguments: anytype) []const u8 {
    return std.fmt.allocPrint(scratch, text, arguments) catch c.abort();
}

/// The same with a NUL behind it.
pub fn formatZ(comptime text: []const u8, arguments: anytype) [:0]const u8 {
    return std.fmt.allocPrintSentinel(scratch, text, arguments, 0) catch c.abort();
}
