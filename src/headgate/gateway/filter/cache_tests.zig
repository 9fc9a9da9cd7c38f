//! Are the rules of the cache read as the standard has them, and does the store hold its bounds?
const std = @import("std");
const rules = @import("cache_rules.zig");
const stores = @import("cache_store.zig");
const expect = std.testing.expect;
const expectEqual = std.testing.expectEqual;
const expectEqualStrings = std.testing.expectEqualStrings;

const LONG: [4000]u8 = @splat('1');

fn lifetime(ttl_s: u64, status: u32, headers: []const [2][]const u8) ?u64 {
    var answer: rules.Answer = .{ .status = status };
    for (headers) |one| answer.note(one[0], one[1]);
    return answer.lifetime(ttl_s);
}

test "an answer lives as long as the upstream says" {
    try expectEqual(60, lifetime(0, 200, &.{.{ "cache-control", "public , MAX-AGE = \"60\"" }}));
    try expectEqual(5, lifetime(0, 200, &.{.{ "cache-control", "max-age=60, s-maxage=5" }}));
    try expectEqual(rules.LIFETIME_S_MAX, lifetime(0, 200, &.{.{ "cache-control", "max-age=99999999999999999999" }}));
    try expectEqual(60, lifetime(0, 404, &.{.{ "cache-control", "max-age=60" }}));
    try expectEqual(61, lifetime(0, 200, &.{ .{ "date", "Wed, 28 Feb 2024 23:59:59 GMT" }, .{ "expires", "Thu, 29 Feb 2024 00:01:00 GMT" } }));
}

test "what must not be stored has no lifetime" {
    for ([_][]const u8{ "no-store", "private", "no-cache", "max-age=0", "max-age=-1", "max-age=1.5", "max-age", "" }) |said|
        try expectEqual(null, lifetime(0, 200, &.{.{ "cache-control", said }}));
    try expectEqual(null, lifetime(0, 200, &.{ .{ "cache-control", "max-age=60" }, .{ "age", "60" } }));
    try expectEqual(null, lifetime(0, 200, &.{.{ "expires", "Thu, 29 Feb 2024 00:01:00 GMT" }}));
    try expectEqual(null, lifetime(0, 200, &.{ .{ "cache-control", "max-age=60" }, .{ "set-cookie", "a=b" } }));
    for ([_]u32{ 0, 100, 206, 302, 304, 401, 429, 500, 503 }) |status|
        try expectEqual(null, lifetime(0, status, &.{.{ "cache-control", "max-age=60" }}));
}

test "an own time goes before the upstream's, not before its privacy" {
    try expectEqual(10, lifetime(10, 200, &.{}));
    try expectEqual(15, lifetime(10, 200, &.{ .{ "age", "5" }, .{ "cache-control", "no-cache" } }));
    try expectEqual(null, lifetime(10, 200, &.{.{ "cache-control", "private" }}));
    try expectEqual(null, lifetime(10, 404, &.{}));
}

test "several Cache-Control lines count together" {
    try expectEqual(null, lifetime(0, 200, &.{ .{ "cache-control", "max-age=60" }, .{ "Cache-Control", "no-store" } }));
}

test "only listed headers may tell variants apart" {
    var room: [32]u8 = undefined;
    try expectEqualStrings("accept,accept-language,", rules.vary("Accept , Accept-Language", &.{ "accept-language", "accept" }, &room).?);
    try expectEqual(null, rules.vary("Accept, Cookie", &.{"accept"}, &room));
    try expectEqual(null, rules.vary("*", &.{"accept"}, &room));
    try expectEqual(null, rules.vary("accept,accept,accept,accept,accept,accept", &.{"accept"}, &room));
}

test "declared parameters stay, in the declared order, all others go" {
    var room: [64]u8 = undefined;
    try expectEqualStrings("/a?page=1&limit=5", rules.declaredQuery("/a?limit=5&x=1&page=1", &.{ "page", "limit" }, &room).?);
    try expectEqualStrings("/a?page=1&page=2&page", rules.declaredQuery("/a?page=1&pages=9&page=2&page&PAGE=3", &.{"page"}, &room).?);
    try expectEqualStrings("/a", rules.declaredQuery("/a?x", &.{"page"}, &room).?);
    try expectEqualStrings("/a", rules.declaredQuery("/a", &.{"page"}, &room).?);
    try expectEqual(null, rules.declaredQuery("/a?page=" ++ LONG[0..64], &.{"page"}, &room));
    try expectEqual(null, rules.declaredQuery("/a?p=1234567890&p=1234567890", &.{ "p", "p" }, room[0..30]));
}

test "entity tags are compared weakly" {
    try expect(rules.matchesTag("\"a\", W/\"b\"", "\"b\""));
    try expect(rules.matchesTag("*", "\"b\""));
    try expect(!rules.matchesTag("\"a\"", "\"b\""));
    try expect(!rules.matchesTag("", "\"b\""));
}

test "the store holds its bound of bytes and lets go of what was used longest ago" {
    const store = try std.testing.allocator.create(stores.Store);
    defer std.testing.allocator.destroy(store);
    store.* = .{};
    store.limit(100_000);
    var key: [8]u8 = undefined;
    for (0..1000) |n| {
        std.mem.writeInt(u64, &key, n, .little);
        store.insert(stores.Entry.create(&key, "head", LONG[0..1000]).?);
        const first = store.find(&.{ 0, 0, 0, 0, 0, 0, 0, 0 }).?; // used all the time: stays
        try expectEqualStrings("head", first.head_text());
        first.release();
        try expect(store.bytes <= 100_000);
    }
    try expect(store.count > 80 and store.count < 100);
    std.mem.writeInt(u64, &key, 1, .little);
    try expectEqual(null, store.find(&key));
    store.limit(0);
    try expectEqual(0, store.count);
    try expectEqual(0, store.bytes);
}

test "the store holds its bound of number, replaces, removes, and what is held outlives it" {
    const store = try std.testing.allocator.create(stores.Store);
    defer std.testing.allocator.destroy(store);
    store.* = .{};
    store.limit(1 << 30);
    var key: [8]u8 = undefined;
    for (0..stores.ENTRIES_MAX + 10) |n| {
        std.mem.writeInt(u64, &key, n, .little);
        store.insert(stores.Entry.create(&key, "", "").?);
    }
    try expectEqual(stores.ENTRIES_MAX, store.count);
    store.insert(stores.Entry.create("same", "", "old").?);
    const held = store.find("same").?;
    store.insert(stores.Entry.create("same", "", "new").?);
    const now = store.find("same").?;
    store.remove("same");
    try expectEqual(null, store.find("same"));
    try expectEqualStrings("old", held.body());
    try expectEqualStrings("new", now.body());
    held.release();
    now.release();
    store.limit(0);
    try expectEqual(0, store.count);
}

test "what is too large is not taken, and a quarter at most is on its way" {
    const store = try std.testing.allocator.create(stores.Store);
    defer std.testing.allocator.destroy(store);
    store.* = .{};
    store.limit(4000);
    store.insert(stores.Entry.create("k", "", &LONG).?);
    try expectEqual(0, store.count);
    try expect(store.reserve(1000));
    try expect(!store.reserve(1));
    store.giveBack(1000);
    try expect(store.reserve(1000));
}
