//! What answers a trial where an upstream would? The hooks of the module `headgate_trial`, the last
//! filter of the listener for trials: what it is asked never leaves the gateway.
//!
//! The answer lists what the upstream would get: a line with method and path without the query,
//! then the names of the header fields. No values: a policy may have put a secret there.
const std = @import("std");
const abi = @import("abi.zig");
const bodies = @import("body_abi.zig");
const hooks = @import("body_hooks.zig");

const LINES_BYTES_MAX = 16 * 1024; // 100 names (`gateway/envoy/listener.py`) are far below
const FIELDS_MAX = 256;
const CERTIFICATE = "x-headgate-trial-"; // model/trial.py: what the agent says of the connection
const STOP_AND_DROP: c_int = 3; // of the body hooks: nothing is kept of what nobody reads
const HEADERS = [_]abi.Pair{
    .{ .key = .of("content-type"), .value = .of("application/x-headgate-trial") }, // no policy changes it
    .{ .key = .of("cache-control"), .value = .of("no-store") },
};

threadlocal var lines: [LINES_BYTES_MAX]u8 = undefined;
var only: u8 = 0;

export fn envoy_dynamic_module_on_program_init() [*:0]const u8 {
    return abi.VERSION;
}
export fn envoy_dynamic_module_on_http_filter_config_new(_: ?*anyopaque, _: abi.Buffer, _: abi.Buffer) ?*u8 {
    return &only;
}
export fn envoy_dynamic_module_on_http_filter_config_destroy(_: *u8) void {}
export fn envoy_dynamic_module_on_http_filter_new(_: *u8, _: ?*anyopaque) ?*u8 {
    return &only;
}
export fn envoy_dynamic_module_on_http_filter_destroy(_: *u8) void {}

/// A body is waited for: filters before this one look at it first.
export fn envoy_dynamic_module_on_http_filter_request_headers(s: abi.Stream, _: *u8, is_end: bool) c_int {
    if (is_end) answer(s);
    return abi.STOP;
}
export fn envoy_dynamic_module_on_http_filter_request_body(s: abi.Stream, _: *u8, is_end: bool) c_int {
    if (is_end) answer(s);
    return STOP_AND_DROP;
}
export fn envoy_dynamic_module_on_http_filter_request_trailers(s: abi.Stream, _: *u8) c_int {
    answer(s);
    return abi.STOP;
}
export fn envoy_dynamic_module_on_http_filter_response_headers(_: abi.Stream, _: *u8, _: bool) c_int {
    return abi.CONTINUE;
}

fn answer(s: abi.Stream) void {
    var text: std.Io.Writer = .fixed(&lines);
    describe(s, &text) catch {}; // cut where it is full
    bodies.answer(s, 200, &HEADERS, text.buffered(), "headgate_trial");
}

fn describe(s: abi.Stream, text: *std.Io.Writer) !void {
    const target = abi.attribute(s, abi.PATH);
    const path = target[0 .. std.mem.findScalar(u8, target, '?') orelse target.len];
    try text.print("{s} {s}\n", .{ abi.requestHeader(s, ":method") orelse "", path });
    var room: [FIELDS_MAX]abi.Pair = undefined;
    for (bodies.requestHeaders(s, &room) orelse return) |pair| {
        const name = pair.key.slice();
        if (std.mem.startsWith(u8, name, CERTIFICATE)) continue;
        if (name.len > 0 and name[0] != ':') try text.print("{s}\n", .{name});
    }
}

comptime {
    hooks.exportUnused(&.{ "request_body", "request_trailers" });
}
