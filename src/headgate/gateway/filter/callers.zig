//! Which route does a call take that depends on who calls? `gateway/callers.py` says why.
//!
//! Only on routes whose name carries the letter `p`. What a caller has written into the header is
//! taken away before anything else, so that a route is never chosen by it.
const std = @import("std");
const abi = @import("abi.zig");
const t = @import("table.zig");
const decide = @import("decide.zig");

const HEADER = "x-headgate-caller"; // gateway/callers.py

/// Whether the header was there. It is not any more, and the route may be another.
pub fn forget(s: abi.Stream) bool {
    if (abi.requestHeader(s, HEADER) == null) return false;
    abi.removeRequestHeader(s, HEADER);
    abi.matchAgain(s);
    abi.takeRoute(s);
    return true;
}

/// Lets an admitted call of a subscriber take the routes of its product and plan.
pub fn tell(s: abi.Stream, call: *const decide.Call) void {
    const plan = call.plan orelse return;
    if (call.d.reason != .allowed) return;
    var room: [64]u8 = undefined; // three numbers below 2^32
    const row = call.table.numberOf(t.layout.plan, plan);
    const text = std.fmt.bufPrint(&room, "{d}.{d}.{d}.", .{ t.load(&call.operation.api), call.product, row }) catch unreachable;
    abi.setRequestHeader(s, HEADER, text);
    abi.matchAgain(s);
}
