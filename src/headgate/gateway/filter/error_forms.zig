//! In which words does a caller read a problem? The first text of the API's provider that fits it,
//! with the problem's members in their places, escaped for its form.
const std = @import("std");

pub const Form = enum { json, xml, text };

/// One text: literals at the even places of `parts`, names of members between them. Empty lists
/// stand for any.
pub const Body = struct {
    statuses: []const u16,
    problems: []const []const u8,
    content_type: []const u8,
    form: Form,
    parts: []const []const u8,

    /// `name` null: nobody knows which problem it is; only texts for any problem fit then.
    fn fits(self: *const Body, name: ?[]const u8, status: u16) bool {
        if (self.statuses.len > 0 and std.mem.findScalar(u16, self.statuses, status) == null) return false;
        if (self.problems.len == 0) return true;
        for (self.problems) |one| if (std.mem.eql(u8, one, name orelse return false)) return true;
        return false;
    }
};

/// A problem as Envoy has written it (`gateway/envoy/local_replies.py`).
pub const Problem = struct {
    type: ?[]const u8 = null,
    title: ?[]const u8 = null,
    status: u16 = 0,
    detail: ?[]const u8 = null,
    next_step: ?[]const u8 = null,
    request_id: ?[]const u8 = null,

    pub fn parse(arena: std.mem.Allocator, text: []const u8) !Problem {
        return std.json.parseFromSliceLeaky(Problem, arena, text, .{ .ignore_unknown_fields = true });
    }
    /// What the type ends with, whatever stands before it.
    pub fn name(self: *const Problem) []const u8 {
        const whole = self.type orelse return "";
        const before = std.mem.findLastAny(u8, whole, ":/") orelse return whole;
        return whole[before + 1 ..];
    }
    fn member(self: *const Problem, wanted: []const u8, room: *[5]u8) []const u8 {
        inline for (@typeInfo(Problem).@"struct".field_names) |field| {
            if (std.mem.eql(u8, field, wanted)) {
                if (comptime std.mem.eql(u8, field, "status")) return room[0..std.fmt.printInt(room, self.status, 10, .lower, .{})];
                return @field(self, field) orelse "";
            }
        }
        return "";
    }
};

pub fn choose(bodies: []const Body, name: ?[]const u8, status: u16) ?*const Body {
    for (bodies) |*body| if (body.fits(name, status)) return body;
    return null;
}

/// The text with the problem's members, in `arena`'s memory.
pub fn written(arena: std.mem.Allocator, body: *const Body, problem: *const Problem) ![]const u8 {
    var text: std.ArrayList(u8) = .empty;
    var room: [5]u8 = undefined;
    for (body.parts, 0..) |part, place| {
        if (place % 2 == 0) try text.appendSlice(arena, part) else try escape(arena, &text, body.form, problem.member(part, &room));
    }
    return text.items;
}

fn escape(arena: std.mem.Allocator, into: *std.ArrayList(u8), form: Form, text: []const u8) !void {
    if (form == .text) return into.appendSlice(arena, text);
    for (text) |*c| {
        const written_as: []const u8 = if (form == .json) switch (c.*) {
            '"' => "\\\"",
            '\\' => "\\\\",
            '\n' => "\\n",
            '\r' => "\\r",
            '\t' => "\\t",
            0...8, 11, 12, 14...31 => "\\ufffd", // no text of ours has them
            else => c[0..1],
        } else switch (c.*) {
            '&' => "&amp;",
            '<' => "&lt;",
            '>' => "&gt;",
            '"' => "&quot;",
            '\'' => "&#39;",
            0...8, 11, 12, 14...31 => " ", // XML cannot hold them
            else => c[0..1],
        };
        try into.appendSlice(arena, written_as);
    }
}

const testing = std.testing;
const ANY = Body{ .statuses = &.{}, .problems = &.{}, .content_type = "text/plain", .form = .text, .parts = &.{ "", "status", ": ", "detail", "" } };

test "the first text that fits is taken, and none where none does" {
    const late = Body{ .statuses = &.{ 429, 503 }, .problems = &.{}, .content_type = "a/b", .form = .json, .parts = &.{} };
    const lost = Body{ .statuses = &.{}, .problems = &.{"no-route"}, .content_type = "c/d", .form = .xml, .parts = &.{} };
    const bodies = [_]Body{ late, lost };
    try testing.expectEqualStrings("a/b", choose(&bodies, "no-route", 503).?.content_type);
    try testing.expectEqualStrings("c/d", choose(&bodies, "no-route", 404).?.content_type);
    try testing.expectEqual(null, choose(&bodies, "blocked", 403));
    try testing.expectEqual(null, choose(&bodies, null, 404));
    try testing.expect(choose(&.{ANY}, null, 404) != null);
}

test "members stand in their places, escaped for the form and for no other" {
    var arena: std.heap.ArenaAllocator = .init(testing.allocator);
    defer arena.deinit();
    const problem: Problem = try .parse(arena.allocator(), "{\"type\":\"urn:x:no-route\",\"status\":404,\"detail\":\"<\\\"\\n&'\",\"more\":[1],\"request_id\":null}");
    try testing.expectEqualStrings("no-route", problem.name());
    var body = ANY;
    try testing.expectEqualStrings("404: <\"\n&'", try written(arena.allocator(), &body, &problem));
    body.form = .json;
    try testing.expectEqualStrings("404: <\\\"\\n&'", try written(arena.allocator(), &body, &problem));
    body.form = .xml;
    try testing.expectEqualStrings("404: &lt;&quot;\n&amp;&#39;", try written(arena.allocator(), &body, &problem));
    body.parts = &.{ "[", "request_id", "|", "title", "]" };
    try testing.expectEqualStrings("[|]", try written(arena.allocator(), &body, &problem));
}
