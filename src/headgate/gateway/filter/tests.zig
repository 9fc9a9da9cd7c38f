//! The root of `zig test`: every unit test in place, and whether the decision survives any bytes.
//! Seeded, bounded.
const std = @import("std");
const t = @import("table.zig");
const decide = @import("decide.zig");
const keys = @import("keys.zig");

test {
    _ = keys;
    _ = @import("limits.zig");
}

const ROWS = 8; // few rows and small numbers, so that random references often meet

fn scramble(random: std.Random, bytes: []u8) void {
    for (bytes) |*byte| byte.* = switch (random.uintLessThan(u8, 4)) {
        0 => 0,
        1 => 1,
        2 => random.uintLessThan(u8, ROWS),
        else => random.int(u8),
    };
}

test "no table and no call make the decision leave its bounds" {
    const memory = std.c.mmap(null, t.FILE_BYTES, .{ .READ = true, .WRITE = true }, .{ .TYPE = .PRIVATE, .ANONYMOUS = true, .NORESERVE = true }, -1, 0);
    try std.testing.expect(memory != std.c.MAP_FAILED);
    const table: t.Table = .{ .base = @ptrCast(@alignCast(memory)) };
    var prng = std.Random.DefaultPrng.init(20_261_121);
    const random = prng.random();
    for (0..3_000) |_| {
        inline for (.{ "plan", "api", "operation", "application", "subscription", "credential" }, .{ t.Plan, t.API, t.Operation, t.Application, t.Subscription, t.Credential }) |name, T|
            scramble(random, @as([*]u8, @ptrCast(table.at(name, T, 0)))[0 .. ROWS * @sizeOf(T)]);
        const header = table.header();
        scramble(random, std.mem.asBytes(header));
        header.credential_region = random.intRangeAtMost(u64, 10, 27);
        header.subscription_region = 12;
        for (0..200) |_| {
            const entries: [*]u64 = @ptrCast(table.at("subscription_index", u64, 4096));
            entries[random.uintLessThan(usize, 4096)] = random.int(u64);
        }
        const api = table.api(random.uintLessThan(u32, ROWS)) orelse continue;
        var settings: t.Settings = undefined;
        if (!table.settings(api, &settings)) continue;
        var key: [64]u8 = undefined;
        random.bytes(&key);
        var call: decide.Call = .{ .now_ns = random.int(u62) | 1 << 60, .operation = random.uintLessThan(u32, ROWS), .api = 1, .address = undefined, .key = null };
        random.bytes(&call.address);
        if (random.boolean()) call.key = key[0..random.uintAtMost(usize, 64)];
        var decision: decide.Decision = .{};
        decide.decide(table, api, &settings, &call, &decision);
        try std.testing.expect(decision.count <= decide.ITEMS_MAX);
    }
}

test "a path of any bytes is cut within its bounds" {
    var prng = std.Random.DefaultPrng.init(7);
    const random = prng.random();
    const letters = "?&=%a2hg_";
    var path: [80]u8 = undefined;
    var out: [80]u8 = undefined;
    for (0..20_000) |_| {
        const length = random.uintAtMost(usize, path.len);
        for (path[0..length]) |*c| c.* = letters[random.uintLessThan(usize, letters.len)];
        var found: keys.Presented = .{};
        const cut = keys.cutQuery(path[0..length], "a", &out, &found) orelse continue;
        try std.testing.expect(cut.len < length);
        _ = keys.parseAddress(path[0..length]);
    }
}
