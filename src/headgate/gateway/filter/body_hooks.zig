//! Which hooks must exist although nobody needs them? Envoy resolves every one when it loads a module.
const std = @import("std");
const abi = @import("abi.zig");

const PREFIX = "envoy_dynamic_module_on_http_filter_";
const PROCEED = .{ "request_body", "request_trailers", "response_body", "response_trailers", "local_reply" };
const IGNORE = .{
    "stream_complete",                              "http_callout_done",                           "http_stream_headers",        "http_stream_data",
    "http_stream_trailers",                         "http_stream_complete",                        "http_stream_reset",          "scheduled",
    "downstream_above_write_buffer_high_watermark", "downstream_below_write_buffer_low_watermark", "config_scheduled",           "config_http_callout_done",
    "config_http_stream_complete",                  "config_http_stream_data",                     "config_http_stream_headers", "config_http_stream_reset",
    "config_http_stream_trailers",                  "per_route_config_new",                        "per_route_config_destroy",
};

fn proceed() callconv(.c) c_int {
    return abi.CONTINUE;
}
fn ignore() callconv(.c) void {}

/// Exports all hooks that a module may leave out, but those it names as its own.
pub fn exportUnused(comptime own: []const []const u8) void {
    inline for (PROCEED) |name| if (!isOneOf(name, own)) @export(&proceed, .{ .name = PREFIX ++ name });
    inline for (IGNORE) |name| if (!isOneOf(name, own)) @export(&ignore, .{ .name = PREFIX ++ name });
}

fn isOneOf(comptime name: []const u8, comptime names: []const []const u8) bool {
    for (names) |other| if (std.mem.eql(u8, name, other)) return true;
    return false;
}
