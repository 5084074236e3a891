//! A stage that gets every line and does nothing: the price of the crossing.

const millstream = @import("millstream");

const Idle = struct {
    pub const Settings = struct {};

    pub fn configure(_: Settings, setup: *millstream.Setup) millstream.Refused!Idle {
        setup.readsLines();
        return .{};
    }

    pub fn process(_: *Idle, _: *millstream.Batch, _: i64) !void {}
};

const plugin = millstream.stage(Idle);
pub const panic = millstream.panic;

comptime {
    millstream.exportStage(&plugin);
}
