//! What becomes of a JSON document? Members removed, renamed and set where pointers say.
//!
//! Numbers keep their digits and members their order. A pointer is that of RFC 6901, with `*` for
//! every element of a list or every member of an object; what it does not find is left alone.
const std = @import("std");

const DEPTH_MAX = 64;
const Value = std.json.Value;

/// One pointer, taken apart and unescaped; the last token names the member that is changed.
pub const Pointer = []const []const u8;
pub const Rename = struct { at: Pointer, to: []const u8 };
pub const Set = struct { at: Pointer, value: Value };
pub const Changes = struct {
    remove: []const Pointer = &.{},
    rename: []const Rename = &.{},
    set: []const Set = &.{},

    pub fn isEmpty(self: *const Changes) bool {
        return self.remove.len == 0 and self.rename.len == 0 and self.set.len == 0;
    }
};

/// The changed document, in `arena`'s memory: removed first, then renamed, then set.
pub fn changed(arena: std.mem.Allocator, text: []const u8, changes: *const Changes) ![]const u8 {
    if (depth(text) > DEPTH_MAX) return error.TooDeep;
    var root = try std.json.parseFromSliceLeaky(Value, arena, text, .{ .parse_numbers = false });
    for (changes.remove) |at| try visit(arena, &root, at, .remove);
    for (changes.rename) |one| try visit(arena, &root, one.at, .{ .rename = one.to });
    for (changes.set) |one| try visit(arena, &root, one.at, .{ .set = one.value });
    return std.json.Stringify.valueAlloc(arena, root, .{});
}

const Act = union(enum) { remove, rename: []const u8, set: Value };

/// Acts on every place that the pointer leads to. As deep as the pointer is long, no deeper.
fn visit(arena: std.mem.Allocator, value: *Value, at: Pointer, act: Act) !void {
    if (at.len == 0) return;
    const is_any = std.mem.eql(u8, at[0], "*");
    switch (value.*) {
        .object => |*members| {
            if (at.len == 1) return onMember(arena, members, at[0], is_any, act);
            if (is_any) {
                for (members.values()) |*one| try visit(arena, one, at[1..], act);
            } else if (members.getPtr(at[0])) |one| try visit(arena, one, at[1..], act);
        },
        .array => |*items| {
            if (at.len == 1) return onItem(items, at[0], is_any, act);
            if (is_any) {
                for (items.items) |*one| try visit(arena, one, at[1..], act);
            } else if (index(items.items.len, at[0])) |n| try visit(arena, &items.items[n], at[1..], act);
        },
        else => {},
    }
}

fn onMember(arena: std.mem.Allocator, members: *std.json.ObjectMap, name: []const u8, is_any: bool, act: Act) !void {
    switch (act) {
        .remove => if (is_any) members.clearRetainingCapacity() else {
            _ = members.orderedRemove(name);
        },
        .rename => |to| {
            const kept = members.get(name) orelse return;
            _ = members.orderedRemove(name);
            try members.put(arena, to, kept);
        },
        .set => |new| try members.put(arena, name, new),
    }
}

fn onItem(items: *std.json.Array, name: []const u8, is_any: bool, act: Act) void {
    const n = index(items.items.len, name);
    switch (act) {
        .remove => if (is_any) items.clearRetainingCapacity() else if (n) |found| {
            _ = items.orderedRemove(found);
        },
        .rename => {},
        .set => |new| if (n) |found| {
            items.items[found] = new;
        },
    }
}

fn index(len: usize, text: []const u8) ?usize {
    const n = std.fmt.parseInt(usize, text, 10) catch return null;
    return if (n < len) n else null;
}

/// How deep lists and objects stand in each other, without parsing.
fn depth(text: []const u8) usize {
    var deepest: usize = 0;
    var now: usize = 0;
    var is_string = false;
    var i: usize = 0;
    while (i < text.len) : (i += 1) {
        const c = text[i];
        if (is_string) {
            if (c == '\\') i += 1 else if (c == '"') is_string = false;
            continue;
        }
        switch (c) {
            '"' => is_string = true,
            '[', '{' => {
                now += 1;
                deepest = @max(deepest, now);
            },
            ']', '}' => now -|= 1,
            else => {},
        }
    }
    return deepest;
}
