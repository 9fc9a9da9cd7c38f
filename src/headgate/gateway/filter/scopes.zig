//! Does the caller have what the operation needs? Scopes and roles as words.
//!
//! What is needed stands in the route's metadata (`model/scopes.py`): a line is a set of words, one
//! line of each group must be covered, groups stand apart by an empty line. A tab in front: callers
//! with a key pass the first group. Fails closed: what cannot be read grants nothing.
const std = @import("std");
const abi = @import("abi.zig");
const t = @import("table.zig");
const layout = t.layout;
const decide = @import("decide.zig");

const ROLE = "role:";
const REQUIRED = [_][]const u8{ "required-1", "required-2", "required-3", "required-4" }; // model/token_facts.py
const PREFIX = "x-headgate-";

/// What the operation of this route needs. Asked only where the route's name says that it does.
pub fn needed(s: abi.Stream) []const u8 {
    return abi.routeWord(s, "scopes") orelse "";
}

/// A token has what it says, another credential what it is restricted to, all without that.
/// Who may come without a credential has no scopes that could be asked for.
pub fn isGranted(call: *const decide.Call) bool {
    const needs = call.needs orelse return true;
    if (call.token.presented == .good) return covers(needs, call.token.granted.text(), true);
    if (call.application == null or call.scope_set == 0) return true;
    const set = call.table.row(layout.scope_set, "published", call.scope_set) orelse return false;
    return covers(needs, set.text[0..@min(t.load(&set.published) - 1, set.text.len)], false);
}

pub fn covers(needs: []const u8, granted: []const u8, is_token: bool) bool {
    if (needs.len == 0) return false;
    const is_for_tokens = needs[0] == '\t';
    var groups = std.mem.splitSequence(u8, if (is_for_tokens) needs[1..] else needs, "\n\n");
    if (is_for_tokens and !is_token) _ = groups.next();
    while (groups.next()) |group| {
        var lines = std.mem.splitScalar(u8, group, '\n');
        const one = while (lines.next()) |line| {
            if (hasAll(line, granted)) break true;
        } else false;
        if (!one) return false;
    }
    return true;
}

fn hasAll(words: []const u8, granted: []const u8) bool {
    var each = std.mem.tokenizeScalar(u8, words, ' ');
    while (each.next()) |word| {
        var given = std.mem.tokenizeScalar(u8, granted, ' ');
        while (given.next()) |one| {
            if (std.mem.eql(u8, one, word)) break;
        } else return false;
    }
    return true;
}

/// Whether a verified token has each claim that the route's metadata wants, with that value.
pub fn hasRequired(s: abi.Stream) bool {
    inline for (REQUIRED, 0..) |name, n| {
        const value = abi.routeWord(s, name) orelse return n > 0; // at least one, or it cannot be read
        const claim = abi.requestHeader(s, PREFIX ++ name) orelse return false;
        if (!isSaid(value, claim)) return false;
    }
    return true;
}
pub fn forgetRequired(s: abi.Stream) void {
    inline for (REQUIRED) |name| abi.removeRequestHeader(s, PREFIX ++ name);
}

/// As the claim's whole value, one of its words or one of its items.
fn isSaid(value: []const u8, claim: []const u8) bool {
    if (value.len == 0 or std.mem.eql(u8, value, claim)) return value.len > 0;
    var said: Granted = .{};
    said.add(claim, false);
    return std.mem.findScalar(u8, value, ' ') == null and hasAll(value, said.text());
}

/// What a token grants; what does not fit is not granted.
pub const Granted = struct {
    bytes: [4096]u8 = undefined,
    len: usize = 0,

    pub fn text(self: *const Granted) []const u8 {
        return self.bytes[0..self.len];
    }

    /// The words of one claim: a text, or a list, which Envoy tells as Base64 of JSON.
    pub fn add(self: *Granted, claim: []const u8, is_role: bool) void {
        if (!std.mem.startsWith(u8, claim, "W")) return self.addText(claim, is_role); // Base64 of `[`
        var json: [4096]u8 = undefined;
        const decoded = decode(claim, &json) orelse return self.addText(claim, is_role);
        if (std.mem.findScalar(u8, decoded, '\\') != null) return; // no scope has one
        var parts = std.mem.splitScalar(u8, decoded, '"');
        while (parts.next()) |between| {
            if (std.mem.findNone(u8, between, "[], \n") != null) return; // not a list of texts
            self.addText(parts.next() orelse return, is_role);
        }
    }

    /// A role with a space in its name is none: its parts must not pass for other roles.
    fn addText(self: *Granted, given: []const u8, is_role: bool) void {
        if (is_role) {
            if (std.mem.findScalar(u8, given, ' ') == null) self.addWord(ROLE, given);
            return;
        }
        var words = std.mem.tokenizeScalar(u8, given, ' ');
        while (words.next()) |word| if (!std.mem.startsWith(u8, word, ROLE)) self.addWord("", word);
    }

    fn addWord(self: *Granted, before: []const u8, word: []const u8) void {
        if (before.len + word.len + 1 > self.bytes.len - self.len) return;
        for ([_][]const u8{ before, word, " " }) |part| {
            @memcpy(self.bytes[self.len..][0..part.len], part);
            self.len += part.len;
        }
    }
};

fn decode(claim: []const u8, into: []u8) ?[]const u8 {
    const decoder = std.base64.standard.Decoder;
    const length = decoder.calcSizeForSlice(claim) catch return null;
    if (length > into.len) return null;
    decoder.decode(into[0..length], claim) catch return null;
    return if (length >= 2 and into[0] == '[' and into[length - 1] == ']') into[0..length] else null;
}

const testing = std.testing;

test "one set of scopes suffices, and of it every word" {
    try testing.expect(covers("read write\nadmin", "write other read", true));
    try testing.expect(covers("read write\nadmin", "admin", false));
    try testing.expect(!covers("read write\nadmin", "read", true));
    try testing.expect(!covers("read", "reader read2", true));
    try testing.expect(!covers("read", "", true));
    try testing.expect(!covers("", "read", true));
}

test "roles are needed beside scopes, and a key needs no scope where the document lets it in" {
    try testing.expect(covers("read\n\nrole:a\nrole:b", "read role:b", true));
    try testing.expect(!covers("read\n\nrole:a\nrole:b", "read", true));
    try testing.expect(!covers("read\n\nrole:a", "role:a", true));
    try testing.expect(covers("\tread", "", false));
    try testing.expect(!covers("\tread", "", true));
    try testing.expect(!covers("\tread\n\nrole:a", "", false));
}

test "a claim is a text or a list of texts, and never a role by another name" {
    var granted: Granted = .{};
    granted.add("read write role:root", false);
    granted.add("WyJ4IiwieSB6Il0=", false); // ["x","y z"]
    granted.add("WyJhZG1pbiIsIm5vdCBtZSJd", true); // ["admin","not me"]
    granted.add("clerk", true);
    granted.add("two words", true);
    granted.add("W3siYSI6ImIifV0=", true); // [{"a":"b"}]
    try testing.expectEqualStrings("read write x y z role:admin role:clerk ", granted.text());
}

test "a required claim is the value, one of its words or one of its items, and nothing near it" {
    for ([_][]const u8{ "blue", "red blue", "WyJyZWQiLCJibHVlIl0=" }) |claim| try testing.expect(isSaid("blue", claim)); // ["red","blue"]
    try testing.expect(isSaid("two words", "two words"));
    try testing.expect(!isSaid("two words", "words two"));
    for ([_][]const u8{ "", "blues", "Blue", "W3siYSI6ImJsdWUifV0=" }) |claim| try testing.expect(!isSaid("blue", claim)); // [{"a":"blue"}]
    try testing.expect(!isSaid("", ""));
}
