//! What does the caller read? RFC 9457 problems, RateLimit fields, what to send instead.
const std = @import("std");
const abi = @import("abi.zig");
const t = @import("table.zig");
const limits = @import("limits.zig");
const decide = @import("decide.zig");

const Answer = struct { verdict: []const u8, status: u32, title: []const u8, detail: []const u8, next: []const u8 };

fn answer(reason: decide.Reason) Answer {
    const ask = "Ask the provider of this API.";
    return switch (reason) {
        .allowed => .{ .verdict = "allowed", .status = 200, .title = "", .detail = "", .next = "" },
        .no_credential => .{ .verdict = "no_credential", .status = 401, .title = "No credential", .detail = "This API wants a key and the request carries none.", .next = "Send your key " },
        .unknown_credential => .{ .verdict = "unknown_credential", .status = 401, .title = "Unknown credential", .detail = "No application has this key.", .next = "Check the key for typing mistakes, or create a new one." },
        .revoked => .{ .verdict = "revoked", .status = 401, .title = "Credential revoked", .detail = "This key was revoked and does not work any more.", .next = "Use another key of your application, or create a new one." },
        .expired => .{ .verdict = "expired", .status = 401, .title = "Credential expired", .detail = "This key was valid until a time that has passed.", .next = "Create a new key for your application." },
        .not_subscribed => .{ .verdict = "not_subscribed", .status = 403, .title = "Not subscribed", .detail = "Your application has no subscription to a product that contains this API.", .next = "Subscribe your application to one of the API's products." },
        .subscription_suspended => .{ .verdict = "not_subscribed", .status = 403, .title = "Not subscribed", .detail = "Your application's subscription is suspended.", .next = ask },
        .subscription_expired => .{ .verdict = "not_subscribed", .status = 403, .title = "Not subscribed", .detail = "Your application's subscription has ended.", .next = "Renew the subscription." },
        .application_suspended => .{ .verdict = "not_subscribed", .status = 403, .title = "Not subscribed", .detail = "Your application or its organization is suspended.", .next = ask },
        .api_closed => .{ .verdict = "not_subscribed", .status = 403, .title = "Not subscribed", .detail = "This API is not open to callers.", .next = ask },
        .rate_limited => .{ .verdict = "rate_limited", .status = 429, .title = "Too many requests", .detail = "The rate of requests is above the limit.", .next = "Wait for the seconds in Retry-After, then send at the rate in RateLimit-Policy." },
        .quota_exceeded => .{ .verdict = "quota_exceeded", .status = 429, .title = "Quota exceeded", .detail = "The quota of this calendar window is used up.", .next = "Wait for the seconds in Retry-After, or choose a larger plan." },
        .counters_full => .{ .verdict = "rate_limited", .status = 429, .title = "Too many requests", .detail = "The gateway has no room to count one more caller.", .next = "Try again after the seconds in Retry-After." },
        .blocked => .{ .verdict = "blocked", .status = 403, .title = "Blocked", .detail = "Calls from here are blocked for some time.", .next = ask },
        .no_route => .{ .verdict = "no_route", .status = 404, .title = "No such operation", .detail = "No published API has an operation at this path.", .next = "Check the path against the API's documentation." },
        .method_not_allowed => .{ .verdict = "method_not_allowed", .status = 405, .title = "Method not allowed", .detail = "The path exists, but not with this method.", .next = "Use one of the methods in the Allow header." },
        .table_damaged => .{ .verdict = "table_damaged", .status = 503, .title = "Gateway not ready", .detail = "The gateway cannot read its access table and lets nobody in.", .next = "Try again later; the operator finds the reason in the node's log." },
        .table_filling => .{ .verdict = "table_damaged", .status = 503, .title = "Gateway not ready", .detail = "The gateway is still receiving its access rows.", .next = "Try again in a few seconds." },
    };
}

pub fn verdict(reason: decide.Reason) []const u8 {
    return answer(reason).verdict;
}

/// Text of bounded length; what does not fit is left out.
pub fn Text(comptime size: usize) type {
    return struct {
        bytes: [size]u8 = undefined,
        len: usize = 0,
        const Self = @This();

        pub fn add(self: *Self, part: []const u8) void {
            if (part.len > size - self.len) return;
            @memcpy(self.bytes[self.len..][0..part.len], part);
            self.len += part.len;
        }
        fn number(self: *Self, value: u64) void {
            var digits: [20]u8 = undefined;
            var at: usize = digits.len;
            var rest = value;
            while (true) {
                at -= 1;
                digits[at] = '0' + @as(u8, @intCast(rest % 10));
                rest /= 10;
                if (rest == 0) return self.add(digits[at..]);
            }
        }
        /// Only characters that need no escape in JSON or in a header.
        fn plain(self: *Self, part: []const u8) void {
            for (part) |c| if (std.ascii.isAlphanumeric(c) or c == '-' or c == '_' or c == '.') self.add(&.{c});
        }
        pub fn text(self: *const Self) []const u8 {
            return self.bytes[0..self.len];
        }
    };
}

/// `RateLimit-Policy` and `RateLimit`, one item per limit that was asked. Names: `rate`, `quota`,
/// a further one of a kind `rate-2`; those of the API or operation carry it in front.
/// Source: draft-ietf-httpapi-ratelimit-headers-10 §3 and §4.
const RateFields = struct {
    policy: Text(1024) = .{},
    limit: Text(1024) = .{},

    fn write(self: *RateFields, d: *const decide.Decision) void {
        for (d.items[0..d.count], 0..) |*item, i| {
            var name: Text(40) = .{};
            name.add(if (i > 0) ", \"" else "\"");
            if (item.scope != .plan) name.add(if (item.scope == .api) "api-" else "operation-");
            name.add(if (item.limit.kind == .rate) "rate" else "quota");
            if (item.nth > 1) {
                name.add("-");
                name.number(item.nth);
            }
            name.add("\"");
            self.policy.add(name.text());
            self.policy.add(";q=");
            self.policy.number(item.limit.amount);
            self.policy.add(";w=");
            self.policy.number(limits.windowSeconds(item.limit, d.now_ns));
            self.limit.add(name.text());
            self.limit.add(";r=");
            self.limit.number(item.outcome.remaining);
            self.limit.add(";t=");
            self.limit.number(item.outcome.reset_s);
        }
    }
};

/// The RateLimit fields of an answer that comes from upstream.
pub fn addRateHeaders(s: abi.Stream, d: *const decide.Decision) void {
    var fields: RateFields = .{};
    fields.write(d);
    abi.addResponseHeader(s, "ratelimit-policy", fields.policy.text());
    abi.addResponseHeader(s, "ratelimit", fields.limit.text());
}

fn authenticateField(settings: *const t.Settings, is_presented: bool, out: anytype) void {
    for (settings.sources[0..settings.source_count], 0..) |*source, i| {
        if (i > 0) out.add(", ");
        if (source.location == 2) {
            out.add("Bearer realm=\"headgate\"");
            if (is_presented) out.add(", error=\"invalid_token\"");
            continue;
        }
        out.add(if (source.location == 3) "ApiKey in=\"query\", name=\"" else "ApiKey in=\"header\", name=\"");
        out.plain(source.name[0..source.length]);
        out.add("\"");
    }
}

fn whereToSend(settings: *const t.Settings, out: anytype) void {
    if (settings.source_count == 0) return;
    const source = &settings.sources[0];
    if (source.location == 2) return out.add("as Authorization: Bearer <key>.");
    out.add(if (source.location == 3) "in the query parameter " else "in the header ");
    out.plain(source.name[0..source.length]);
    out.add(".");
}

/// Source: gRPC, "Status codes and their use in gRPC".
fn grpcStatus(status: u32) []const u8 {
    return switch (status) {
        401 => "16", // UNAUTHENTICATED
        403 => "7", // PERMISSION_DENIED
        404, 405 => "12", // UNIMPLEMENTED
        429 => "8", // RESOURCE_EXHAUSTED
        else => "14", // UNAVAILABLE
    };
}

/// Answer in place of the upstream.
pub fn refuse(s: abi.Stream, d: *const decide.Decision, settings: *const t.Settings, allow: []const u8) void {
    const a = answer(d.reason);
    var body: Text(1024) = .{};
    body.add("{\"type\":\"urn:headgate:problem:");
    for (a.verdict) |c| body.add(if (c == '_') "-" else &.{c});
    body.add("\",\"title\":\"");
    body.add(a.title);
    body.add("\",\"status\":");
    body.number(a.status);
    body.add(",\"detail\":\"");
    body.add(a.detail);
    body.add("\",\"next_step\":\"");
    body.add(a.next);
    if (d.reason == .no_credential) whereToSend(settings, &body);
    body.add("\",\"request_id\":\"");
    const id = abi.requestHeader(s, "x-request-id") orelse "";
    body.plain(id[0..@min(id.len, 64)]);
    body.add("\"}\n");

    var headers: [7]abi.Pair = undefined;
    var count: usize = 1;
    if (std.mem.startsWith(u8, abi.requestHeader(s, "content-type") orelse "", "application/grpc")) {
        // Envoy would say grpc-status 0, which is success, for any answer of a module.
        headers[0] = .of("grpc-status", grpcStatus(a.status));
        headers[1] = .of("grpc-message", a.detail);
        count = 2;
    } else headers[0] = .of("content-type", "application/problem+json");
    var fields: RateFields = .{};
    var retry: Text(20) = .{};
    var authenticate: Text(300) = .{};
    if (a.status == 429) {
        retry.number(d.retry_s);
        headers[count] = .of("retry-after", retry.text());
        count += 1;
    }
    if (d.count > 0) {
        fields.write(d);
        headers[count] = .of("ratelimit-policy", fields.policy.text());
        headers[count + 1] = .of("ratelimit", fields.limit.text());
        count += 2;
    }
    if (a.status == 401) {
        authenticateField(settings, d.reason != .no_credential, &authenticate);
        headers[count] = .of("www-authenticate", authenticate.text());
        count += 1;
    }
    if (a.status == 405) {
        headers[count] = .of("allow", allow);
        count += 1;
    }
    abi.answer(s, a.status, headers[0..count], body.text(), a.verdict);
}
