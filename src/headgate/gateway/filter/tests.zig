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

const KEY = "hg_00000000000000000000000000000000" ++ "2wjyrI";
const NOW = 1_798_761_600 * 1_000_000_000; // 2027-01-01

/// API 1 in product 1, operation 1, one caller with a rate of five an hour.
const World = struct {
    table: t.Table,
    call: decide.Call = .{ .now_ns = NOW, .operation = 1, .api = 1, .address = @splat(1), .key = KEY },

    fn init() !World {
        const memory = std.c.mmap(null, t.FILE_BYTES, .{ .READ = true, .WRITE = true }, .{ .TYPE = .PRIVATE, .ANONYMOUS = true, .NORESERVE = true }, -1, 0);
        try std.testing.expect(memory != std.c.MAP_FAILED);
        const table: t.Table = .{ .base = @ptrCast(@alignCast(memory)) };
        const header = table.header();
        header.credential_region = 12;
        header.subscription_region = 12;
        const credential = table.at("credential", t.Credential, 1);
        std.crypto.hash.sha2.Sha256.hash(KEY, &credential.sha256, .{});
        credential.application = 1;
        credential.state = t.ACTIVE;
        const print = std.mem.readInt(u32, credential.sha256[0..4], .little);
        table.at("credential_index", u64, 4096 + (print & 4095)).* = 1 << 32 | @as(u64, print);
        table.at("application", t.Application, 1).state = t.ACTIVE;
        const pair: u64 = (@as(u64, 1 << 32 | 1) *% 0x9E37_79B9_7F4A_7C15) >> 32;
        table.at("subscription_index", u64, 4096 + (pair & 4095)).* = 1 << 32 | pair;
        const subscription = table.at("subscription", t.Subscription, 1);
        subscription.application = 1;
        subscription.product = 1;
        subscription.plan_state = t.ACTIVE << 32 | 1;
        const plan = table.at("plan", t.Plan, 1);
        plan.state = t.ACTIVE;
        plan.limits[3] = 5 | 5 << 32 | 2 << 56 | 1 << 59;
        const api = table.at("api", t.API, 1);
        api.version = 2;
        api.copies[0].state = t.ACTIVE;
        api.copies[0].product_count = 1;
        api.copies[0].products[0] = 1;
        table.at("operation", t.Operation, 1).api = 1;
        return .{ .table = table };
    }

    fn reason(self: *World) decide.Reason {
        var settings: t.Settings = undefined;
        const api = self.table.api(1).?;
        _ = self.table.settings(api, &settings);
        var decision: decide.Decision = .{};
        decide.decide(self.table, api, &settings, &self.call, &decision);
        return decision.reason;
    }
};

test "refusals come in their order and each says its own" {
    var world = try World.init();
    const credential = world.table.at("credential", t.Credential, 1);
    const application = world.table.at("application", t.Application, 1);
    const subscription = world.table.at("subscription", t.Subscription, 1);
    try std.testing.expectEqual(.allowed, world.reason());
    subscription.plan_state = t.SUSPENDED << 32 | 1;
    try std.testing.expectEqual(.subscription_suspended, world.reason());
    application.state = t.SUSPENDED;
    try std.testing.expectEqual(.application_suspended, world.reason());
    credential.expires_us = NOW / 1000;
    try std.testing.expectEqual(.expired, world.reason());
    credential.state = t.REVOKED;
    try std.testing.expectEqual(.revoked, world.reason());
    world.call.key = "hg_other";
    try std.testing.expectEqual(.unknown_credential, world.reason());
    world.call.key = null;
    try std.testing.expectEqual(.no_credential, world.reason());
    const hash = t.blockHash(&world.call.address, 128);
    const block = world.table.at("block", t.Block, hash & (t.BLOCK_SLOTS - 1));
    block.* = .{ .tag = hash | 1 << 63, .key = world.call.address, .expires_us = NOW / 1000 + 1, .prefix = 128, .row = 1 };
    world.table.header().block_bits[2] = 1;
    try std.testing.expectEqual(.blocked, world.reason());
    block.expires_us = NOW / 1000;
    try std.testing.expectEqual(.no_credential, world.reason());
    try std.testing.expectEqual(1, world.table.at("operation", t.Operation, 1).allowed);
    try std.testing.expectEqual(8, world.table.at("operation", t.Operation, 1).rejected);
}

test "a call that the last limit refuses gives the others theirs back" {
    var world = try World.init();
    const operation = world.table.at("operation", t.Operation, 1);
    operation.limits[0] = 1 | 4 << 56 | 2 << 59; // a quota of one a month
    try std.testing.expectEqual(.allowed, world.reason());
    for (0..20) |_| try std.testing.expectEqual(.quota_exceeded, world.reason());
    operation.limits[0] = 0;
    for (0..4) |_| try std.testing.expectEqual(.allowed, world.reason());
    try std.testing.expectEqual(.rate_limited, world.reason());
}
