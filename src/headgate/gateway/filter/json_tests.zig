//! Are documents changed where pointers lead, and nowhere else?
const std = @import("std");
const rules = @import("json_rules.zig");

fn expectChanged(want: []const u8, text: []const u8, changes: rules.Changes) !void {
    var arena: std.heap.ArenaAllocator = .init(std.testing.allocator);
    defer arena.deinit();
    try std.testing.expectEqualStrings(want, try rules.changed(arena.allocator(), text, &changes));
}

test "what a pointer leads to is removed, and nothing beside it" {
    const text = "{\"a\":{\"b\":1,\"c\":2},\"l\":[{\"b\":3},[4,5]]}";
    try expectChanged("{\"a\":{\"c\":2},\"l\":[{\"b\":3},[4,5]]}", text, .{ .remove = &.{&.{ "a", "b" }} });
    try expectChanged("{\"a\":{\"b\":1,\"c\":2},\"l\":[{},[4,5]]}", text, .{ .remove = &.{&.{ "l", "*", "b" }} });
    try expectChanged("{\"a\":{},\"l\":[]}", text, .{ .remove = &.{ &.{ "a", "*" }, &.{ "l", "*" } } });
    try expectChanged("{\"a\":{\"b\":1,\"c\":2},\"l\":[{\"b\":3},[5]]}", text, .{ .remove = &.{&.{ "l", "1", "0" }} });
    try expectChanged(text, text, .{ .remove = &.{ &.{"x"}, &.{ "a", "b", "c" }, &.{ "l", "9" }, &.{ "l", "-" } } });
    try expectChanged("7", "7", .{ .remove = &.{&.{"a"}} });
}

test "members are renamed and set, after removing" {
    try expectChanged("{\"c\":2,\"b\":1}", "{\"a\":1,\"c\":2}", .{ .rename = &.{.{ .at = &.{"a"}, .to = "b" }} });
    try expectChanged("{\"a\":1,\"b\":true}", "{\"a\":1}", .{ .set = &.{.{ .at = &.{"b"}, .value = .{ .bool = true } }} });
    try expectChanged("[null,2]", "[1,2]", .{ .set = &.{.{ .at = &.{"0"}, .value = .null }} });
    try expectChanged("{\"b\":1}", "{\"a\":1,\"b\":2}", .{ .remove = &.{&.{"b"}}, .rename = &.{.{ .at = &.{"a"}, .to = "b" }} });
}

test "what is not one document, or too deep, is an error" {
    var arena: std.heap.ArenaAllocator = .init(std.testing.allocator);
    defer arena.deinit();
    const one: rules.Changes = .{ .remove = &.{&.{"a"}} };
    const deep: [65]u8 = @splat('[');
    for ([_][]const u8{ "", "{", "{} {}", "nul", "{\"a\":1,}", "\"\xff\"", &deep }) |text|
        if (rules.changed(arena.allocator(), text, &one)) |_| return error.WasTaken else |_| {};
}
