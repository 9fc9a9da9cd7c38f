//! Where is the caller's key in the request, and what is the request without it?
const std = @import("std");

pub const KEY_BYTES = 41; // `hg_`, 32 random characters, 6 of checksum; access/keys.py writes them
const V4_MAPPED = [12]u8{ 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Has `text` the length and the beginning of a key?
pub fn isShaped(text: []const u8) bool {
    return text.len == KEY_BYTES and std.mem.eql(u8, text[0..3], "hg_");
}

/// Is `text` written like a key, checksum included? Used where it may be anything else.
pub fn isWellFormed(text: []const u8) bool {
    if (!isShaped(text)) return false;
    for (text[3..]) |c| if (!std.ascii.isAlphanumeric(c)) return false;
    var sum: u32 = std.hash.Crc32.hash(text[3..35]);
    for (0..6) |i| {
        if (text[KEY_BYTES - 1 - i] != DIGITS[sum % 62]) return false;
        sum /= 62;
    }
    return true;
}

/// What a request presented: `text` is a copy, cut at 64 bytes (no key is as long).
pub const Presented = struct {
    bytes: [64]u8 = undefined,
    len: usize = 0,

    pub fn set(self: *Presented, value: []const u8) void {
        self.len = @min(value.len, self.bytes.len);
        @memcpy(self.bytes[0..self.len], value[0..self.len]);
    }
    pub fn text(self: *const Presented) ?[]const u8 {
        return if (self.len == 0) null else self.bytes[0..self.len];
    }
};

/// The token of `Authorization: Bearer <token>`, or null for any other scheme.
pub fn bearer(value: []const u8) ?[]const u8 {
    if (value.len < 7 or !std.ascii.eqlIgnoreCase(value[0..7], "bearer ")) return null;
    const token = std.mem.trim(u8, value[7..], " ");
    return if (token.len == 0) null else token;
}

/// `path` without every query parameter that is named `name` or holds a well-formed key, written
/// to `out` (at least as long); null when nothing is cut. The first value under `name` goes to
/// `found`. Names and values are compared percent-decoded.
pub fn cutQuery(path: []const u8, name: []const u8, out: []u8, found: *Presented) ?[]const u8 {
    const start = (std.mem.findScalar(u8, path, '?') orelse return null) + 1;
    var buffer: [64]u8 = undefined;
    var is_cut = false;
    @memcpy(out[0..start], path[0..start]);
    var length = start;
    var parameters = std.mem.splitScalar(u8, path[start..], '&');
    while (parameters.next()) |parameter| {
        const split = std.mem.findScalar(u8, parameter, '=') orelse parameter.len;
        const is_named = name.len > 0 and std.mem.eql(u8, decode(parameter[0..split], &buffer), name);
        const value = decode(parameter[@min(split + 1, parameter.len)..], &buffer);
        if (is_named or isWellFormed(value)) {
            if (is_named and found.len == 0) found.set(value);
            is_cut = true;
            continue;
        }
        if (length > start) {
            out[length] = '&';
            length += 1;
        }
        @memcpy(out[length..][0..parameter.len], parameter);
        length += parameter.len;
    }
    if (!is_cut) return null;
    return out[0..if (length == start) start - 1 else length];
}

/// Percent-decoded, cut where `buffer` is full; a `%` that is no escape stands for itself.
fn decode(text: []const u8, buffer: []u8) []const u8 {
    var length: usize = 0;
    var at: usize = 0;
    while (at < text.len and length < buffer.len) : (length += 1) {
        buffer[length] = text[at];
        if (text[at] == '%' and at + 2 < text.len) {
            if (std.fmt.parseInt(u8, text[at + 1 .. at + 3], 16)) |byte| {
                buffer[length] = byte;
                at += 2;
            } else |_| {}
        }
        at += 1;
    }
    return buffer[0..length];
}

/// `1.2.3.4:80` or `[::1]:80` as 16 bytes, IPv4 mapped into IPv6; zeros for anything else.
pub fn parseAddress(text: []const u8) [16]u8 {
    const end = std.mem.findScalarLast(u8, text, ':') orelse return @splat(0);
    if (text[0] == '[') {
        const parsed = std.Io.net.Ip6Address.parse(std.mem.trim(u8, text[0..end], "[]"), 0) catch return @splat(0);
        return parsed.bytes;
    }
    const parsed = std.Io.net.Ip4Address.parse(text[0..end], 0) catch return @splat(0);
    return V4_MAPPED ++ parsed.bytes;
}

pub fn isV4(address: *const [16]u8) bool {
    return std.mem.eql(u8, address[0..12], &V4_MAPPED);
}

const testing = std.testing;
const KEY = "hg_00000000000000000000000000000000" ++ "2wjyrI"; // CRC-32 of 32 zeros, base 62

test "a key is known by its checksum and one wrong letter is refused" {
    var text = KEY.*;
    try testing.expect(isWellFormed(&text));
    text[9] = '1';
    try testing.expect(!isWellFormed(&text));
    try testing.expect(!isWellFormed("hg_short"));
}

test "the key is cut out of the query and everything else stays as it was" {
    var out: [256]u8 = undefined;
    const cases = .{
        .{ "/a?api_key=K&x=1", "/a?x=1", "K" },
        .{ "/a?x=1&api%5fkey=K%41&y=%2", "/a?x=1&y=%2", "KA" },
        .{ "/a?api_key=K", "/a", "K" },
        .{ "/a?q=" ++ KEY ++ "&r", "/a?r", null },
        .{ "/a?api_key=&api_key=two", "/a", "two" },
    };
    inline for (cases) |case| {
        var found: Presented = .{};
        try testing.expectEqualStrings(case[1], cutQuery(case[0], "api_key", &out, &found).?);
        try testing.expectEqualDeep(@as(?[]const u8, case[2]), found.text());
    }
    var found: Presented = .{};
    try testing.expect(cutQuery("/a?other=1", "api_key", &out, &found) == null);
    try testing.expect(cutQuery("/a", "api_key", &out, &found) == null);
}

test "addresses of both families, and nothing else" {
    try testing.expectEqual([16]u8{ 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 0, 0, 1 }, parseAddress("10.0.0.1:80"));
    try testing.expectEqual(@as([15]u8, @splat(0)) ++ [_]u8{1}, parseAddress("[::1]:80"));
    try testing.expectEqual(@as([16]u8, @splat(0)), parseAddress("@internal"));
}
