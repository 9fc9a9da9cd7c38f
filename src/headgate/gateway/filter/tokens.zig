//! Whom does a bearer token speak for? The facts that Envoy's `jwt_authn` has verified.
//!
//! It stands before this filter on routes whose name carries the flag `t`, and there it removes
//! these headers from the request before it sets them: what is here cannot come from a caller. So
//! do the filters of the policy `introspect` (flag `o`), which also tell that a token is not good:
//! without that word it is one that nobody could be asked about. On other routes the headers are
//! not read. Names: `model/token_facts.py`. The token itself is still there: its header is looked at
//! (`jose.zig`), and it goes on to the upstream only with the flag `k`.
const std = @import("std");
const abi = @import("abi.zig");
const hash = @import("hash.zig");
const jose = @import("jose.zig");
const keys = @import("keys.zig");
const answers = @import("answers.zig");
const scopes = @import("scopes.zig");

pub const SUBJECT_BYTES_MAX = 64; // model/logline.py
pub const CLAIMS_MAX = 4; // model/token_facts.py
const PREFIX = "x-headgate-";

/// What a route takes, by the letters behind the row in its name.
pub const Taken = struct {
    tokens: bool = false,
    opaque_tokens: bool = false, // of a server that the introspector asks
    without_keys: bool = false, // of the issuers: none can be verified
    unknown_clients: bool = false,
    passwords: bool = false,
    certificates: enum { unasked, taken, required } = .unasked,
    scopes: enum { free, of_callers, of_everybody } = .free, // whether the operation needs any
    unknown_clients_opaque: bool = false,
    applications: bool = false, // another version for some application: callers.zig
    is_gate: bool = false, // that version's own route, for everybody until the application is known
    claims: bool = false, // of the token, that limits count by
    required_claims: bool = false, // that a JSON Web Token must have
    keeps_token: bool = false, // a JSON Web Token goes on to the upstream
    has_url_max: bool = false, // filter.zig
    is_sensitive: bool = false, // what the operation gives has to be granted: grants.zig
    plans: bool = false, // routes of its own for some product or plan: callers.zig

    pub fn of(flags: []const u8) Taken {
        var taken: Taken = .{};
        for (flags) |flag| switch (flag) {
            't' => taken.tokens = true,
            'o' => taken.opaque_tokens = true,
            'n' => taken.without_keys = true,
            'u' => taken.unknown_clients = true,
            'b' => taken.passwords = true,
            'm' => taken.certificates = .taken,
            'M' => taken.certificates = .required,
            's' => taken.scopes = .of_callers,
            'S' => taken.scopes = .of_everybody,
            'w' => taken.unknown_clients_opaque = true,
            'c' => taken.claims = true,
            'r' => taken.required_claims = true,
            'k' => taken.keeps_token = true,
            'l' => taken.has_url_max = true,
            'd' => taken.is_sensitive = true,
            'p' => taken.plans = true,
            'a' => taken.applications = true,
            'g' => taken.is_gate = true,
            else => {},
        };
        return taken;
    }
};

pub const Token = struct {
    presented: enum { nothing, wrong, unverified, good } = .nothing,
    client: [32]u8 = undefined, // by which the table knows the client
    takes_unknown: bool = false, // its client need not belong to an application
    id: ?[16]u8 = null, // by which the table knows a token that was revoked
    granted: scopes.Granted = .{},
    subject: [SUBJECT_BYTES_MAX]u8 = undefined,
    subject_len: usize = 0,
    claims: [CLAIMS_MAX][32]u8 = undefined,
    claims_told: u8 = 0, // one bit each

    /// The digest of a claim's value, by the claim's number among those of the API.
    pub fn claimOf(self: *const Token, number: u8) ?*const [16]u8 {
        if (self.claims_told >> @intCast(number) & 1 == 0) return null;
        return self.claims[number][0..16];
    }

    /// Reads the facts and takes them, and a token that is not good, out of the request.
    pub fn take(self: *Token, s: abi.Stream, taken: Taken) void {
        if (!taken.tokens and !taken.opaque_tokens and !taken.without_keys) return;
        const bearer = keys.bearer(abi.requestHeader(s, "authorization") orelse "") orelse "";
        if (bearer.len > 0 and !keys.isWellFormed(bearer)) self.presented = .wrong;
        if (!taken.tokens and !taken.opaque_tokens) return;
        self.takes_unknown = taken.unknown_clients;
        var is_asked_about = false;
        if (taken.opaque_tokens) {
            const said = abi.requestHeader(s, PREFIX ++ "introspected") orelse "";
            is_asked_about = std.mem.eql(u8, said, "yes");
            if (is_asked_about) self.takes_unknown = taken.unknown_clients_opaque;
            if (self.presented == .wrong and !std.mem.eql(u8, said, "no")) self.presented = .unverified;
            abi.removeRequestHeader(s, PREFIX ++ "introspected");
        }
        if (abi.requestHeader(s, PREFIX ++ "issuer")) |issuer| {
            const has_required = !taken.required_claims or scopes.hasRequired(s);
            const is_enough = is_asked_about or (has_required and jose.isUnderstood(bearer));
            self.presented = if (is_enough) .good else .wrong;
            if (!is_asked_about and !taken.keeps_token) abi.removeRequestHeader(s, "authorization");
            var text: answers.Text = .{ .bytes = &answers.scratch };
            for ([_][]const u8{ "jwt\n", issuer, "\n", clientOf(s) }) |part| text.add(part);
            hash.sha256(text.bytes.ptr, text.len, &self.client);
            if (abi.requestHeader(s, PREFIX ++ "jti")) |jti| {
                var digest: [32]u8 = undefined;
                hash.sha256(jti.ptr, jti.len, &digest);
                self.id = digest[0..16].*;
            }
            if (taken.scopes != .free or taken.applications) {
                inline for (.{ "scope", "scope-2" }) |fact| if (abi.requestHeader(s, PREFIX ++ fact)) |claim| self.granted.add(claim, false);
                inline for (.{ "roles", "roles-2" }) |fact| if (abi.requestHeader(s, PREFIX ++ fact)) |claim| self.granted.add(claim, true);
            }
            for (abi.requestHeader(s, PREFIX ++ "subject") orelse "") |c| {
                if (self.subject_len == SUBJECT_BYTES_MAX) break;
                self.subject[self.subject_len] = if (c > ' ' and c < 0x7f and c != '"' and c != '\\') c else '_';
                self.subject_len += 1;
            }
        }
        if (taken.claims) inline for (0..CLAIMS_MAX) |n| {
            const name = std.fmt.comptimePrint(PREFIX ++ "claim-{d}", .{n + 1});
            if (abi.requestHeader(s, name)) |value| if (self.presented == .good and value.len > 0) {
                hash.sha256(value.ptr, value.len, &self.claims[n]);
                self.claims_told |= 1 << n;
            };
            abi.removeRequestHeader(s, name);
        };
        if (taken.required_claims) scopes.forgetRequired(s);
        inline for (.{ "issuer", "client", "client-2", "jti", "subject", "scope", "scope-2", "roles", "roles-2" }) |fact| abi.removeRequestHeader(s, PREFIX ++ fact);
    }

    fn clientOf(s: abi.Stream) []const u8 {
        return abi.requestHeader(s, PREFIX ++ "client") orelse abi.requestHeader(s, PREFIX ++ "client-2") orelse "";
    }
};
