//! May the caller's application have the sensitive data that the operation gives?
//!
//! The mark stands in the route's metadata by its row (`gateway/sensitive.py`), the grant in the
//! table, with the instant at which it ends: it ends by this machine's clock, whoever is down.
//! Fails closed: a mark that cannot be read is granted to nobody.
const std = @import("std");
const abi = @import("abi.zig");
const t = @import("table.zig");
const layout = t.layout;
const decide = @import("decide.zig");

const NO_MARK = 0; // no row has this number

/// The mark of this route. Asked only where the route's name says that it has one.
pub fn mark(s: abi.Stream) u32 {
    return std.fmt.parseInt(u32, abi.routeWord(s, "mark") orelse "", 10) catch NO_MARK;
}

pub fn isGranted(call: *const decide.Call) bool {
    const asked = call.mark orelse return true;
    if (call.application == null) return false;
    const found = call.table.findGrant(call.application_row, asked) orelse return false;
    return t.load(&found.state) == layout.ACTIVE and t.load(&found.expires_us) > call.nowUs();
}
