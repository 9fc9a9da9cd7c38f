//! Which route does a call take that depends on who calls? `gateway/callers.py` says why.
//!
//! Only on routes whose name carries the letter `p`. What a caller has written into the header is
//! taken away before anything else, so that a route is never chosen by it.
const std = @import("std");
const abi = @import("abi.zig");
const t = @import("table.zig");
const decide = @import("decide.zig");

extern fn envoy_dynamic_module_callback_get_most_specific_route_config(s: abi.Stream) ?*const anyopaque;
extern fn envoy_dynamic_module_callback_http_clear_route_cache(s: abi.Stream) void;

const HEADER = "x-headgate-caller"; // gateway/callers.py

/// Whether the header was there. It is not any more, and the route may be another.
pub fn forget(s: abi.Stream) bool {
    if (abi.requestHeader(s, HEADER) == null) return false;
    abi.removeRequestHeader(s, HEADER);
    envoy_dynamic_module_callback_http_clear_route_cache(s);
    // What is known of the stream, such as the route's name, is the old one's until somebody asks.
    _ = envoy_dynamic_module_callback_get_most_specific_route_config(s);
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
    envoy_dynamic_module_callback_http_clear_route_cache(s);
}
