//! Which route does a call take that depends on who calls? `gateway/callers.py` says why.
//!
//! Only on routes whose name carries the letter `p` (plans have policies) or `a` (applications get
//! another version). What a caller has written into the header is taken away before anything else,
//! so that no route that counts is chosen by it.
const std = @import("std");
const abi = @import("abi.zig");
const t = @import("table.zig");
const layout = t.layout;
const decide = @import("decide.zig");
const hash = @import("hash.zig");
const keys = @import("keys.zig");
const tokens = @import("tokens.zig");

extern fn envoy_dynamic_module_callback_get_most_specific_route_config(s: abi.Stream) ?*const anyopaque;
extern fn envoy_dynamic_module_callback_http_clear_route_cache(s: abi.Stream) void;

const HEADER = "x-headgate-caller"; // gateway/callers.py

/// What the name of the request's route says: an operation's row and, by letters, what the route
/// takes, or why there is none.
pub const Route = struct {
    row: ?u32,
    has_flags: bool,
    taken: tokens.Taken,
    refused: decide.Reason,

    pub fn now(s: abi.Stream) Route {
        const name = abi.attribute(s, abi.ROUTE_NAME);
        const word = name[0 .. std.mem.findScalar(u8, name, ' ') orelse name.len];
        const digits = std.mem.findNone(u8, word, "0123456789") orelse word.len;
        const row = std.fmt.parseInt(u32, word[0..digits], 10) catch null;
        return .{
            .row = row,
            .has_flags = digits < word.len,
            .taken = if (row == null) .{} else .of(word[digits..]),
            .refused = reasonOf(word),
        };
    }

    fn reasonOf(word: []const u8) decide.Reason {
        inline for (.{ decide.Reason.method_not_allowed, decide.Reason.no_version, decide.Reason.retired }) |reason| {
            if (std.mem.eql(u8, word, @tagName(reason))) return reason;
        }
        return .no_route;
    }
};

/// What the table holds of a route's operation.
pub const Target = struct {
    operation: ?*layout.Operation,
    api: ?*layout.API,
    is_known: bool, // and its API's settings are copied

    pub fn of(table: ?t.Table, row: u32, settings: *layout.Settings) Target {
        const operation = if (table) |found| found.operation(row) else null;
        const api = if (operation) |found| table.?.api(t.load(&found.api)) else null;
        return .{ .operation = operation, .api = api, .is_known = if (api) |found| t.copySettings(found, settings) else false };
    }
};

/// Whether the header was there. It is not any more, and the route may be another.
pub fn forget(s: abi.Stream) bool {
    if (abi.requestHeader(s, HEADER) == null) return false;
    abi.removeRequestHeader(s, HEADER);
    matchAgain(s);
    return true;
}

/// Lets an admitted call of a subscriber take the routes of its product and plan.
pub fn tell(s: abi.Stream, call: *const decide.Call) void {
    const plan = call.plan orelse return;
    if (call.d.reason != .allowed) return;
    var room: [64]u8 = undefined; // three numbers below 2^32
    const row = call.table.numberOf(layout.plan, plan);
    const text = std.fmt.bufPrint(&room, "{d}.{d}.{d}.", .{ t.load(&call.operation.api), call.product, row }) catch unreachable;
    abi.setRequestHeader(s, HEADER, text);
    envoy_dynamic_module_callback_http_clear_route_cache(s);
}

/// Lets a call take the version that its application gets, before anything is decided. `api` is the
/// row of the version that it is at, 0 where that is not settled.
pub fn tellApplication(s: abi.Stream, table: t.Table, api: u64, token: *const tokens.Token, others: []const [32]u8, key: ?[]const u8) void {
    var room: [64]u8 = undefined;
    const id = applicationOf(table, token, others, key);
    const text = std.fmt.bufPrint(&room, "{d}.{s}", .{ api, if (id) |found| found else "-" }) catch unreachable;
    abi.setRequestHeader(s, HEADER, text);
    matchAgain(s);
}

/// Whose credential it is, whatever has become of it: that is judged on the route found by this.
fn applicationOf(table: t.Table, token: *const tokens.Token, others: []const [32]u8, key: ?[]const u8) ?*const [16]u8 {
    if (token.presented == .good) return ownerOf(table, &token.client);
    for (others) |*digest| if (ownerOf(table, digest)) |id| return id;
    const text = key orelse return null;
    if (others.len > 0 or token.presented == .wrong or !keys.isShaped(text)) return null;
    var digest: [32]u8 = undefined;
    hash.sha256(text.ptr, text.len, &digest);
    return ownerOf(table, &digest);
}

fn ownerOf(table: t.Table, digest: *const [32]u8) ?*const [16]u8 {
    const credential = table.findCredential(digest) orelse return null;
    return &(table.application(credential.application) orelse return null).id;
}

fn matchAgain(s: abi.Stream) void {
    envoy_dynamic_module_callback_http_clear_route_cache(s);
    // What is known of the stream, such as the route's name, is the old one's until somebody asks.
    _ = envoy_dynamic_module_callback_get_most_specific_route_config(s);
}
