//! Which credential beside keys and tokens does a request carry? User name and password.
//!
//! Where an API takes several, the strongest that is presented decides: a token, then a password,
//! then a key. What is presented and not good is refused, whatever stands beside it.
const std = @import("std");
const abi = @import("abi.zig");
const hash = @import("hash.zig");
const answers = @import("answers.zig");

/// By which the table knows what was presented; empty when nothing was.
pub const Digests = struct {
    list: [1][32]u8 = undefined,
    len: usize = 0,

    pub fn all(self: *const Digests) []const [32]u8 {
        return self.list[0..self.len];
    }

    fn add(self: *Digests, parts: []const []const u8) void {
        var text: answers.Text = .{ .bytes = &answers.scratch };
        for (parts) |part| text.add(part);
        hash.sha256(text.bytes.ptr, text.len, &self.list[self.len]);
        self.len += 1;
    }

    /// `Authorization: Basic …` (RFC 7617), taken out of the request.
    pub fn takeBasic(self: *Digests, s: abi.Stream) void {
        const raw = abi.requestHeader(s, "authorization") orelse return;
        if (raw.len < 5 or !std.ascii.eqlIgnoreCase(raw[0..5], "basic")) return;
        if (raw.len > 5 and raw[5] != ' ') return; // another scheme
        self.add(&.{ "basic\n", std.mem.trim(u8, raw[5..], " ") });
        abi.removeRequestHeader(s, "authorization");
    }
};
