//! Does a token's header ask for something that nobody here understands?
//!
//! Envoy verifies signatures and claims and passes over `crit`: a token that has it says that
//! whoever does not know the extensions named there must refuse it, and none is known here.
//! Source: RFC 7515 §4.1.11.
const std = @import("std");
const answers = @import("answers.zig");

const HEAD_BYTES_MAX = answers.scratch.len; // decoded; a chain of certificates (`x5c`) fits

/// Whether the header of a compact token is one JSON object without `crit`. A name that is written
/// with escapes counts as not understood, and so does whatever cannot be read.
pub fn isUnderstood(token: []const u8) bool {
    if (std.mem.findScalar(u8, token, ' ') != null) return false; // Envoy may have read another part
    const head = token[0 .. std.mem.findScalar(u8, token, '.') orelse return false];
    const bytes = &answers.scratch; // on the stack, all of it would be filled for each call
    const decoder = std.base64.url_safe_no_pad.Decoder;
    const length = decoder.calcSizeForSlice(head) catch return false;
    if (length > bytes.len) return false;
    decoder.decode(bytes[0..length], head) catch return false;
    var room: [256]u8 = undefined; // a bit for each level, and the room of a list that grows
    var fixed = std.heap.FixedBufferAllocator.init(&room);
    var scanner = std.json.Scanner.initCompleteInput(fixed.allocator(), bytes[0..length]);
    if ((scanner.next() catch return false) != .object_begin) return false;
    while (true) switch (scanner.next() catch return false) {
        .object_end => return (scanner.next() catch return false) == .end_of_document,
        .string => |name| {
            if (std.mem.eql(u8, name, "crit")) return false;
            scanner.skipValue() catch return false;
        },
        else => return false,
    };
}

const testing = std.testing;

fn expectUnderstood(is_expected: bool, comptime head: []const u8) !void {
    const encoder = std.base64.url_safe_no_pad.Encoder;
    var text: [encoder.calcSize(head.len) + 4]u8 = undefined;
    const written = encoder.encode(&text, head).len;
    text[written..][0..4].* = ".b.s".*;
    try testing.expectEqual(is_expected, isUnderstood(text[0 .. written + 4]));
}

test "a header is understood without `crit`, wherever else the word stands" {
    try expectUnderstood(true, "{}");
    try expectUnderstood(true, "{\"alg\":\"RS256\",\"kid\":\"crit\",\"typ\":\"JWT\"}");
    try expectUnderstood(true, " { \"jwk\" : {\"crit\":[1,{}]}, \"x5c\":[\"a\",\"\\n\"] } ");
    try expectUnderstood(false, "{\"alg\":\"RS256\",\"crit\":[\"strange\"],\"strange\":1}");
    try expectUnderstood(false, "{\"crit\":[]}");
    try expectUnderstood(false, "{\"\\u0063rit\":[\"strange\"]}");
    try expectUnderstood(false, "{\"alg\":\"RS256\"");
    try expectUnderstood(false, "{\"alg\":\"RS256\"} {}");
    try expectUnderstood(false, "[]");
    try expectUnderstood(false, "");
}

test "what is no token is not understood" {
    for ([_][]const u8{ "", ".", "e30", "e30=.b.s", "e30.b.s Bearer e30.b.s", "\x00.b" }) |text| {
        try testing.expect(!isUnderstood(text));
    }
    var long: [HEAD_BYTES_MAX * 2]u8 = undefined;
    @memset(&long, 'A');
    long[long.len - 1] = '.';
    try testing.expect(!isUnderstood(&long));
}

test "a header that is nested deeply is refused" {
    var head: [16 * 1024]u8 = undefined;
    @memset(&head, '[');
    @memcpy(head[0..5], "{\"a\":");
    var text: [32 * 1024]u8 = undefined;
    const written = std.base64.url_safe_no_pad.Encoder.encode(&text, &head).len;
    text[written] = '.';
    try testing.expect(!isUnderstood(text[0 .. written + 1]));
}
