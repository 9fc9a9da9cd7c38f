//! How much is left, and why was a call refused? The fields of an answer; its words are Envoy's to
//! write (`gateway/envoy/answers.py`).
const std = @import("std");
const abi = @import("abi.zig");
const limits = @import("limits.zig");
const Decision = @import("decide.zig").Decision;

/// Text in memory of bounded length; what does not fit is left out.
pub const Text = struct {
    bytes: []u8,
    len: usize = 0,

    pub inline fn add(self: *Text, part: []const u8) void {
        if (part.len > self.bytes.len - self.len) return;
        @memcpy(self.bytes[self.len..][0..part.len], part);
        self.len += part.len;
    }
    inline fn number(self: *Text, before: []const u8, value: u64) void {
        self.add(before);
        if (self.bytes.len - self.len < 20) return;
        self.len += std.fmt.printInt(self.bytes[self.len..], value, 10, .lower, .{});
    }
    pub fn text(self: *const Text) []const u8 {
        return self.bytes[0..self.len];
    }
};

/// Texts of the hook that runs; Envoy has copied them before it ends. As long as Envoy's headers.
pub threadlocal var scratch: [64 * 1024]u8 = undefined;

/// `RateLimit-Policy` and `RateLimit`, one item per limit that was asked. Names: `rate`, `quota`,
/// `concurrent`, a further one of a kind `rate-2`; those of the API or operation carry it in
/// front. A limit in shadow is not told.
/// Source: draft-ietf-httpapi-ratelimit-headers-10 §3 and §4.
const RateFields = struct {
    policy: Text,
    limit: Text,

    fn of(d: *const Decision) RateFields {
        var self: RateFields = .{ .policy = .{ .bytes = scratch[0..1024] }, .limit = .{ .bytes = scratch[1024..2048] } };
        for (d.items[0..d.count]) |*item| {
            if (item.limit.is_shadow) continue;
            for ([_]*Text{ &self.policy, &self.limit }) |field| {
                field.add(if (field.len > 0) ", \"" else "\"");
                if (item.scope != .plan) field.add(if (item.scope == .api) "api-" else "operation-");
                field.add(@tagName(item.limit.kind));
                if (item.nth > 1) field.number("-", item.nth);
            }
            self.policy.number("\";q=", item.limit.amount);
            self.limit.number("\";r=", item.outcome.remaining);
            if (item.limit.kind == .concurrent) {
                self.policy.add(";qu=\"concurrent-requests\"");
                continue;
            }
            self.policy.number(";w=", limits.windowSeconds(item.limit, d.now_ns));
            self.limit.number(";t=", item.outcome.reset_s);
        }
        return self;
    }
};

/// The RateLimit fields of an answer that comes from upstream.
pub fn addRateFields(s: abi.Stream, d: *const Decision) void {
    const fields: RateFields = .of(d);
    if (fields.policy.len == 0) return;
    abi.addResponseHeader(s, "ratelimit-policy", fields.policy.text());
    abi.addResponseHeader(s, "ratelimit", fields.limit.text());
}

/// What was left of each limit that was asked, behind the verdict in the log line, for the record:
/// `model/limits_left.py` says how to read it.
pub fn addLeft(into: *Text, d: *const Decision) void {
    for (d.items[0..d.count], 0..) |*item, place| {
        const limit = item.limit;
        into.add(if (place == 0) ";" else ",");
        if (item.scope != .plan) into.add(if (item.scope == .api) "a" else "o");
        into.number(@tagName(limit.kind)[0..1], item.outcome.remaining);
        into.number("/", limit.amount);
        if (limit.kind != .concurrent) into.add(WINDOWS[limit.span()..][0..1]);
        if (limit.kind == .rate and limit.burst != limit.amount) into.number("+", limit.burst);
        if (limit.kind == .quota and limit.burst > 1) into.number("@", limit.burst);
        if (limit.isShared()) into.add("=");
        if (limit.is_shadow) into.add("~");
        if (item.is_refused) into.number("!", item.outcome.retry_s);
    }
}
const WINDOWS = "smhdM***"; // of three bits

/// Answer in place of the upstream. Envoy writes the body by the reason in the metadata.
pub fn refuse(s: abi.Stream, d: *const Decision) void {
    var headers: [3]abi.Pair = undefined;
    var count: usize = 0;
    var retry: Text = .{ .bytes = scratch[2048..2068] };
    if (d.count > 0) {
        const fields: RateFields = .of(d);
        headers[0] = .{ .key = .of("ratelimit-policy"), .value = .of(fields.policy.text()) };
        headers[1] = .{ .key = .of("ratelimit"), .value = .of(fields.limit.text()) };
        if (fields.policy.len > 0) count = 2;
    }
    if (d.retry_s > 0) {
        retry.number("", d.retry_s);
        headers[count] = .{ .key = .of("retry-after"), .value = .of(retry.text()) };
        count += 1;
    }
    abi.setMetadata(s, "reason", @tagName(d.reason));
    abi.answer(s, d.reason.status(), headers[0..count], @tagName(d.reason));
}
