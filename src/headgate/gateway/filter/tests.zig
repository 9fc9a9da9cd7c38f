//! The root of `zig test`: every unit test in place, and whether the decision survives any bytes.
//! Seeded, bounded.
const std = @import("std");
const t = @import("table.zig");
const layout = t.layout;
const allowances = @import("allowances.zig");
const answers = @import("answers.zig");
const decide = @import("decide.zig");
const hash = @import("hash.zig");
const keys = @import("keys.zig");

test {
    _ = keys;
    _ = @import("calendar.zig");
    _ = @import("limits.zig");
    _ = @import("concurrent.zig");
    _ = @import("jose.zig");
    _ = @import("scopes.zig");
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
    const memory = std.c.mmap(null, layout.FILE_BYTES, .{ .READ = true, .WRITE = true }, .{ .TYPE = .PRIVATE, .ANONYMOUS = true, .NORESERVE = true }, -1, 0);
    try std.testing.expect(memory != std.c.MAP_FAILED);
    const table: t.Table = .{ .base = @ptrCast(@alignCast(memory)) };
    var prng = std.Random.DefaultPrng.init(20_261_121);
    const random = prng.random();
    for (0..3_000) |_| {
        inline for (.{ layout.plan, layout.api, layout.operation, layout.application, layout.subscription, layout.credential, layout.grant }) |section|
            scramble(random, @as([*]u8, @ptrCast(table.at(section, 0)))[0 .. ROWS * @sizeOf(section.Row)]);
        const header = table.header();
        scramble(random, std.mem.asBytes(header));
        header.credential_region = random.intRangeAtMost(u64, 10, 27);
        header.subscription_region = 12;
        header.grant_region = random.intRangeAtMost(u64, 10, 27);
        for (0..200) |_| {
            const entries: [*]u64 = @ptrCast(table.at(layout.subscription_index, 4096));
            entries[random.uintLessThan(usize, 4096)] = random.int(u64);
        }
        const row = random.uintLessThan(u32, ROWS);
        const api = table.api(random.uintLessThan(u32, ROWS)) orelse continue;
        const operation = table.operation(row) orelse continue;
        var settings: layout.Settings = undefined;
        if (!t.copySettings(api, &settings)) continue;
        var key: [64]u8 = undefined;
        random.bytes(&key);
        var decision: decide.Decision = undefined;
        decision.begin(random.int(u62) | 1 << 60);
        var call: decide.Call = .{ .table = table, .api = api, .settings = &settings, .operation = operation, .operation_row = row, .address = undefined, .key = null, .token = &.{}, .d = &decision };
        random.bytes(&call.address);
        if (random.boolean()) call.mark = random.uintLessThan(u32, ROWS);
        if (random.boolean()) call.key = key[0..random.uintAtMost(usize, 64)];
        call.decide();
        try std.testing.expect(decision.count <= allowances.ITEMS_MAX);
    }
}

test "both ways to hash agree" {
    hash.choose();
    var text: [1000]u8 = undefined;
    for (&text, 0..) |*byte, i| byte.* = @truncate(i);
    for ([_]usize{ 0, 41, 55, 56, 64, 1000 }) |length| {
        var out: [2][32]u8 = undefined;
        hash.portable(&text, length, &out[0]);
        hash.sha256(&text, length, &out[1]);
        try std.testing.expectEqual(out[0], out[1]);
    }
    // the test in Python says whether this processor hashes by itself
    const expected = std.c.getenv("HASHES_BY_ITSELF") orelse return;
    try std.testing.expectEqual(expected[0] == '1', hash.sha256 != &hash.portable);
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
const ADDRESS: [16]u8 = @splat(1);

/// API 1 in product 1, operation 1, one caller with a rate of five an hour.
const World = struct {
    table: t.Table,
    key: ?[]const u8 = KEY,
    mark: ?u32 = null,
    observed: decide.Reason = .allowed,
    decision: decide.Decision = undefined,

    fn init() !World {
        const memory = std.c.mmap(null, layout.FILE_BYTES, .{ .READ = true, .WRITE = true }, .{ .TYPE = .PRIVATE, .ANONYMOUS = true, .NORESERVE = true }, -1, 0);
        try std.testing.expect(memory != std.c.MAP_FAILED);
        const table: t.Table = .{ .base = @ptrCast(@alignCast(memory)) };
        const header = table.header();
        header.credential_region = 12;
        header.subscription_region = 12;
        header.grant_region = 12;
        const credential = table.at(layout.credential, 1);
        std.crypto.hash.sha2.Sha256.hash(KEY, &credential.sha256, .{});
        credential.application = 1;
        credential.state = layout.ACTIVE;
        const print = std.mem.readInt(u32, credential.sha256[0..4], .little);
        table.at(layout.credential_index, 4096 + (print & 4095)).* = 1 << 32 | @as(u64, print);
        table.at(layout.application, 1).state = layout.ACTIVE;
        const pair: u64 = (@as(u64, 1 << 32 | 1) *% 0x9E37_79B9_7F4A_7C15) >> 32;
        table.at(layout.subscription_index, 4096 + (pair & 4095)).* = 1 << 32 | pair;
        const subscription = table.at(layout.subscription, 1);
        subscription.application = 1;
        subscription.product = 1;
        subscription.plan_state = layout.ACTIVE << 32 | 1;
        const plan = table.at(layout.plan, 1);
        plan.state = layout.ACTIVE;
        plan.limits[3] = 5 | 5 << 32 | 2 << 56 | 1 << 59;
        const api = table.at(layout.api, 1);
        api.version = 2;
        api.copies[0].state = layout.ACTIVE;
        api.copies[0].product_count = 1;
        api.copies[0].products[0] = 1;
        table.at(layout.operation, 1).api = 1;
        table.at(layout.operation, 1).cost = 1;
        return .{ .table = table };
    }

    fn reason(self: *World) decide.Reason {
        var settings: layout.Settings = undefined;
        const api = self.table.api(1).?;
        _ = t.copySettings(api, &settings);
        self.decision.begin(NOW);
        var call: decide.Call = .{ .table = self.table, .api = api, .settings = &settings, .operation = self.table.operation(1).?, .operation_row = 1, .address = ADDRESS, .key = self.key, .token = &.{}, .mark = self.mark, .d = &self.decision };
        call.decide();
        self.observed = self.decision.observed;
        return self.decision.reason;
    }

    /// What the log line of one more call says of limits.
    fn left(self: *World, room: []u8) []const u8 {
        _ = self.reason();
        var text: answers.Text = .{ .bytes = room };
        answers.addLeft(&text, &self.decision);
        return text.text();
    }
};

test "refusals come in their order and each says its own" {
    var world = try World.init();
    const credential = world.table.at(layout.credential, 1);
    const application = world.table.at(layout.application, 1);
    const subscription = world.table.at(layout.subscription, 1);
    try std.testing.expectEqual(.allowed, world.reason());
    subscription.plan_state = layout.SUSPENDED << 32 | 1;
    try std.testing.expectEqual(.subscription_suspended, world.reason());
    application.state = layout.SUSPENDED;
    try std.testing.expectEqual(.application_suspended, world.reason());
    credential.expires_us = NOW / 1000;
    try std.testing.expectEqual(.expired, world.reason());
    credential.state = layout.REVOKED;
    try std.testing.expectEqual(.revoked, world.reason());
    world.key = "hg_other";
    try std.testing.expectEqual(.unknown_credential, world.reason());
    world.key = null;
    try std.testing.expectEqual(.no_credential, world.reason());
    const place = t.blockHash(&ADDRESS, 128);
    const block = world.table.at(layout.block, place & (layout.BLOCK_SLOTS - 1));
    block.* = .{ .tag = place | 1 << 63, .key = ADDRESS, .expires_us = NOW / 1000 + 1, .prefix = 128, .row = 1 };
    world.table.header().block_bits[2] = 1;
    try std.testing.expectEqual(.blocked, world.reason());
    block.expires_us = NOW / 1000;
    try std.testing.expectEqual(.no_credential, world.reason());
    try std.testing.expectEqual(1, world.table.at(layout.operation, 1).allowed);
    try std.testing.expectEqual(8, world.table.at(layout.operation, 1).rejected);
}

test "what is sensitive opens with a grant, until it ends, and nothing else asks for one" {
    var world = try World.init();
    const pair: u64 = (@as(u64, 1 << 32 | 1) *% 0x9E37_79B9_7F4A_7C15) >> 32;
    const grant = world.table.at(layout.grant, 7);
    grant.* = .{ .application = 1, .mark = 1, .state = layout.ACTIVE, .expires_us = NOW / 1000, .pad = 0 };
    try std.testing.expectEqual(.allowed, world.reason());
    world.mark = 1;
    try std.testing.expectEqual(.access_not_granted, world.reason()); // the index does not name it
    world.table.at(layout.grant_index, 4096 + (pair & 4095)).* = 7 << 32 | pair;
    try std.testing.expectEqual(.access_not_granted, world.reason()); // it ends at this instant
    grant.expires_us += 1;
    try std.testing.expectEqual(.allowed, world.reason());
    grant.state = layout.REVOKED;
    try std.testing.expectEqual(.access_not_granted, world.reason());
    grant.state = layout.ACTIVE;
    world.mark = 0; // of a route whose mark cannot be read
    try std.testing.expectEqual(.access_not_granted, world.reason());
    world.key = null;
    const api = world.table.at(layout.api, 1);
    api.copies[0].is_open = 1;
    try std.testing.expectEqual(.no_credential, world.reason());
    world.mark = null;
    try std.testing.expectEqual(.allowed, world.reason());
}

test "a call that the last limit refuses gives the others theirs back" {
    var world = try World.init();
    const operation = world.table.at(layout.operation, 1);
    operation.limits[0] = 1 | 4 << 56 | 2 << 59; // a quota of one a month
    try std.testing.expectEqual(.allowed, world.reason());
    for (0..20) |_| try std.testing.expectEqual(.quota_exceeded, world.reason());
    operation.limits[0] = 0;
    for (0..4) |_| try std.testing.expectEqual(.allowed, world.reason());
    try std.testing.expectEqual(.rate_limited, world.reason());
}

const SHADOW = 1 << 55;

test "a call takes what its operation costs, whole or not at all" {
    var world = try World.init();
    const operation = world.table.at(layout.operation, 1);
    operation.cost = 4;
    try std.testing.expectEqual(.allowed, world.reason());
    for (0..3) |_| try std.testing.expectEqual(.rate_limited, world.reason());
    operation.cost = 1;
    try std.testing.expectEqual(.allowed, world.reason());
    try std.testing.expectEqual(.rate_limited, world.reason());
    operation.cost = 0;
    try std.testing.expectEqual(.allowed, world.reason());
}

test "a limit in shadow counts what it would, refuses nothing and takes nothing of a refused call" {
    var world = try World.init();
    const operation = world.table.at(layout.operation, 1);
    operation.limits[0] = 2 | 4 << 56 | 2 << 59 | SHADOW;
    for (0..5) |_| try std.testing.expectEqual(.allowed, world.reason());
    try std.testing.expectEqual(.quota_exceeded, world.observed);
    try std.testing.expectEqual(.rate_limited, world.reason()); // the plan's own
    try std.testing.expectEqual(.allowed, world.observed);
    try std.testing.expectEqual(2, operation.counters[0] & 0xFFFF_FFFF);
}

test "the log line says what was left, and what refused the call until when" {
    var world = try World.init();
    var room: [256]u8 = undefined;
    const operation = world.table.at(layout.operation, 1);
    operation.limits[0] = 2 | 4 << 56 | 2 << 59 | 15 << 32 | SHADOW; // a quota of two a month from the 15th
    for ([_][]const u8{ ";r4/5h,oq1/2M@15~", ";r3/5h,oq0/2M@15~" }) |told| try std.testing.expectEqualStrings(told, world.left(&room));
    try std.testing.expect(std.mem.startsWith(u8, world.left(&room), ";r2/5h,oq0/2M@15~!"));
    operation.limits[0] = 1 | 3 << 59;
    operation.cost = 6;
    try std.testing.expectEqualStrings(";oc0/1,r2/5h!0", world.left(&room));
    world.key = null;
    try std.testing.expectEqualStrings("", world.left(&room));
}

test "calls that run at one time are counted until they end" {
    var world = try World.init();
    const operation = world.table.at(layout.operation, 1);
    operation.limits[0] = 2 | 3 << 59;
    try std.testing.expectEqual(.allowed, world.reason());
    var first = world.decision;
    try std.testing.expectEqual(.allowed, world.reason());
    try std.testing.expectEqual(.concurrency_limited, world.reason());
    allowances.end(&first, world.table);
    try std.testing.expectEqual(.allowed, world.reason());
    world.table.at(layout.plan, 1).limits[4] = 1 | 4 << 56 | 2 << 59; // a quota of one refuses later
    allowances.end(&world.decision, world.table);
    try std.testing.expectEqual(.allowed, world.reason());
    allowances.end(&world.decision, world.table);
    for (0..3) |_| try std.testing.expectEqual(.quota_exceeded, world.reason());
    try std.testing.expectEqual(1, operation.counters[0] & 0xF_FFFF);
}

test "what a validator refuses afterwards is given back once" {
    var world = try World.init();
    for (0..20) |_| {
        try std.testing.expectEqual(.allowed, world.reason());
        allowances.giveBack(&world.decision, world.table, 1);
        allowances.giveBack(&world.decision, world.table, 1);
    }
    for (0..4) |_| try std.testing.expectEqual(.allowed, world.reason()); // but for the 20 ns
    try std.testing.expectEqual(.rate_limited, world.reason());
}
