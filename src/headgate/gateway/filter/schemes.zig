//! Which credentials does a request carry, and what is it without them? Keys and passwords; tokens
//! are read in `tokens.zig`.
//!
//! Where an API takes several, the strongest that is presented decides: a certificate, then a
//! token, then a password, then a key. What is presented and not good is refused, whatever stands beside it.
const std = @import("std");
const abi = @import("abi.zig");
const hash = @import("hash.zig");
const answers = @import("answers.zig");
const keys = @import("keys.zig");
const layout = @import("layout.zig");
const decide = @import("decide.zig");
const tokens = @import("tokens.zig");

const DNS_NAME: c_int = 35; // of the connection's certificate, the first of a kind
const URI: c_int = 37;
extern fn envoy_dynamic_module_callback_http_get_filter_state_bytes(s: abi.Stream, key: abi.Buffer, out: *abi.Buffer) bool;

pub const Certificate = enum {
    not_asked,
    missing,
    over,
    shown,

    pub fn refused(self: Certificate) ?decide.Reason {
        return switch (self) {
            .missing => .no_certificate,
            .over => .certificate_over,
            else => null,
        };
    }
};

/// By which the table knows what was presented; empty when nothing was.
pub const Digests = struct {
    list: [3][32]u8 = undefined,
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

    /// What the route takes beside keys: tokens, passwords, certificates.
    pub fn take(self: *Digests, s: abi.Stream, taken: tokens.Taken, token: *tokens.Token, now_ns: u64) Certificate {
        token.take(s, taken);
        const certificate: Certificate = if (taken.certificates == .unasked) .not_asked else self.takeCertificate(s, taken.certificates == .required, now_ns / std.time.ns_per_s);
        if (certificate == .shown) {
            if (token.presented == .wrong) abi.removeRequestHeader(s, "authorization");
            token.* = .{};
        }
        if (taken.passwords) self.takeBasic(s);
        return certificate;
    }

    /// The certificate that the handshake has verified: `gateway/policies/mtls.py` says in which
    /// lines it stands in the stream's state. A connection may outlive its certificate.
    fn takeCertificate(self: *Digests, s: abi.Stream, is_required: bool, now_s: u64) Certificate {
        var out: abi.Buffer = .{};
        const found = envoy_dynamic_module_callback_http_get_filter_state_bytes(s, .of("headgate.certificate"), &out);
        var lines = std.mem.splitScalar(u8, if (found) out.slice() else "", '\n');
        const ends = lines.first();
        const issuer = lines.next() orelse "-";
        const subject = lines.next() orelse "-";
        const uri = if (lines.next()) |told| unlessNone(told) else abi.attribute(s, URI); // told in a trial alone
        const dns_name = if (lines.next()) |told| unlessNone(told) else abi.attribute(s, DNS_NAME);
        if (std.mem.eql(u8, issuer, "-")) return if (is_required) .missing else .not_asked;
        if ((std.fmt.parseInt(u64, ends, 10) catch 0) <= now_s) return .over;
        for ([_][]const u8{ "uri:", "dns:", "subject:" }, [_][]const u8{ uri, dns_name, subject }) |kind, name| {
            if (name.len > 0) self.add(&.{ "mtls\n", issuer, "\n", kind, name });
        }
        return .shown;
    }

    /// `Authorization: Basic …` (RFC 7617), taken out of the request.
    fn takeBasic(self: *Digests, s: abi.Stream) void {
        const raw = abi.requestHeader(s, "authorization") orelse return;
        if (raw.len < 5 or !std.ascii.eqlIgnoreCase(raw[0..5], "basic")) return;
        if (raw.len > 5 and raw[5] != ' ') return; // another scheme
        if (self.len > 0) return abi.removeRequestHeader(s, "authorization"); // a certificate decides
        self.add(&.{ "basic\n", std.mem.trim(u8, raw[5..], " ") });
        abi.removeRequestHeader(s, "authorization");
    }
};

fn unlessNone(told: []const u8) []const u8 {
    return if (std.mem.eql(u8, told, "-")) "" else told;
}

/// Whose is what was presented? The first that the table knows decides.
pub fn identify(call: *decide.Call) decide.Reason {
    for (call.others) |*digest| {
        const refused = call.identify(digest);
        if (refused != .unknown_credential) return refused;
    }
    return .unknown_credential;
}

fn nameOf(source: *const layout.Source) []const u8 {
    return source.bytes[0..@min(source.length, source.bytes.len)];
}

/// Takes the key out of the request. The first source that carries something decides; a key that
/// stands in a further source is taken out too, so that neither upstream nor log can see it.
pub fn takeKey(s: abi.Stream, sources: []const layout.Source, presented: *keys.Presented) void {
    for (sources) |*source| {
        if (source.location == layout.SOURCE_QUERY) {
            cutQuery(s, nameOf(source), presented);
            continue;
        }
        const is_bearer = source.location == layout.SOURCE_BEARER;
        const name = if (is_bearer) "authorization" else nameOf(source);
        const raw = abi.requestHeader(s, name) orelse continue;
        const value = if (is_bearer) keys.bearer(raw) orelse continue else raw;
        const is_first = presented.len == 0 and value.len > 0;
        if (!is_first and is_bearer and !keys.isWellFormed(value)) continue; // it may be the upstream's
        if (is_first) presented.set(value);
        abi.removeRequestHeader(s, name);
    }
    cutQuery(s, "", presented);
}

pub fn cutQuery(s: abi.Stream, name: []const u8, presented: *keys.Presented) void {
    const path = abi.attribute(s, abi.PATH);
    if (std.mem.findScalar(u8, path, '?') == null) return;
    if (path.len > answers.scratch.len) return abi.setRequestHeader(s, ":path", "/");
    if (keys.cutQuery(path, name, &answers.scratch, presented)) |cut| abi.setRequestHeader(s, ":path", cut);
}
