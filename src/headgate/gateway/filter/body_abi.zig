//! Which part of Envoy's ABI do the cache and the changes of bodies use beyond the filter? See `abi.zig`.
const std = @import("std");
const abi = @import("abi.zig");

const REQUEST: c_int = 0;
const RESPONSE: c_int = 2;
const METADATA_DYNAMIC: c_int = 0;
const METADATA_OF_ROUTE: c_int = 1;
const RECEIVED_RESPONSE_BODY: c_int = 2;

extern fn envoy_dynamic_module_callback_get_most_specific_route_config(s: abi.Stream) ?*const anyopaque;
extern fn envoy_dynamic_module_callback_http_get_headers_size(s: abi.Stream, kind: c_int) usize;
extern fn envoy_dynamic_module_callback_http_get_headers(s: abi.Stream, kind: c_int, out: [*]abi.Pair) bool;
extern fn envoy_dynamic_module_callback_http_get_body_size(s: abi.Stream, kind: c_int) usize;
extern fn envoy_dynamic_module_callback_http_get_body_chunks_size(s: abi.Stream, kind: c_int) usize;
extern fn envoy_dynamic_module_callback_http_get_body_chunks(s: abi.Stream, kind: c_int, out: [*]abi.Buffer) bool;
extern fn envoy_dynamic_module_callback_http_drain_body(s: abi.Stream, kind: c_int, count: usize) bool;
extern fn envoy_dynamic_module_callback_http_append_body(s: abi.Stream, kind: c_int, data: abi.Buffer) bool;
extern fn envoy_dynamic_module_callback_http_get_header(s: abi.Stream, kind: c_int, key: abi.Buffer, out: *abi.Buffer, index: usize, count: ?*usize) bool;
extern fn envoy_dynamic_module_callback_http_set_header(s: abi.Stream, kind: c_int, key: abi.Buffer, value: abi.Buffer) bool;
extern fn envoy_dynamic_module_callback_http_get_metadata_string(s: abi.Stream, source: c_int, namespace: abi.Buffer, key: abi.Buffer, out: *abi.Buffer) bool;
extern fn envoy_dynamic_module_callback_http_get_metadata_number(s: abi.Stream, source: c_int, namespace: abi.Buffer, key: abi.Buffer, out: *f64) bool;
extern fn envoy_dynamic_module_callback_http_send_response(s: abi.Stream, status: u32, headers: [*]const abi.Pair, count: usize, body: abi.Buffer, details: abi.Buffer) void;

/// What `per_route_config_new` made for this route; null where the filter has none there.
pub fn routeSettings(s: abi.Stream) ?*const anyopaque {
    return envoy_dynamic_module_callback_get_most_specific_route_config(s);
}
/// All headers of the answer; null when there are more than `room` takes.
pub fn responseHeaders(s: abi.Stream, room: []abi.Pair) ?[]const abi.Pair {
    const count = envoy_dynamic_module_callback_http_get_headers_size(s, RESPONSE);
    if (count > room.len or !envoy_dynamic_module_callback_http_get_headers(s, RESPONSE, room.ptr)) return null;
    return room[0..count];
}
/// All headers of the request; null when there are more than `room` takes.
pub fn requestHeaders(s: abi.Stream, room: []abi.Pair) ?[]const abi.Pair {
    const count = envoy_dynamic_module_callback_http_get_headers_size(s, REQUEST);
    if (count > room.len or !envoy_dynamic_module_callback_http_get_headers(s, REQUEST, room.ptr)) return null;
    return room[0..count];
}
pub fn responseBodySize(s: abi.Stream) usize {
    return envoy_dynamic_module_callback_http_get_body_size(s, RECEIVED_RESPONSE_BODY);
}
pub fn responseBodyChunks(s: abi.Stream) usize {
    return envoy_dynamic_module_callback_http_get_body_chunks_size(s, RECEIVED_RESPONSE_BODY);
}
pub fn responseBody(s: abi.Stream, out: []abi.Buffer) bool {
    return envoy_dynamic_module_callback_http_get_body_chunks(s, RECEIVED_RESPONSE_BODY, out.ptr);
}
/// A number that the route's metadata holds; 0 where it holds none.
pub fn routeNumber(s: abi.Stream, key: []const u8) u32 {
    var out: f64 = 0;
    if (!envoy_dynamic_module_callback_http_get_metadata_number(s, METADATA_OF_ROUTE, .of("headgate"), .of(key), &out)) return 0;
    return if (out >= 1 and out < 4294967296) @trunc(out) else 0;
}
/// A text that a filter has left in the dynamic metadata.
pub fn dynamicText(s: abi.Stream, key: []const u8) ?[]const u8 {
    var out: abi.Buffer = .{};
    if (!envoy_dynamic_module_callback_http_get_metadata_string(s, METADATA_DYNAMIC, .of("headgate"), .of(key), &out)) return null;
    return out.slice();
}
pub fn answer(s: abi.Stream, status: u32, headers: []const abi.Pair, body: []const u8, details: []const u8) void {
    envoy_dynamic_module_callback_http_send_response(s, status, headers.ptr, headers.len, .of(body), .of(details));
}
pub fn responseHeader(s: abi.Stream, name: []const u8) ?[]const u8 {
    var out: abi.Buffer = .{};
    const found = envoy_dynamic_module_callback_http_get_header(s, RESPONSE, .of(name), &out, 0, null);
    return if (found and out.ptr != null) out.slice() else null;
}
/// Sets a field of the answer; null takes it away.
pub fn setResponseHeader(s: abi.Stream, name: []const u8, value: ?[]const u8) void {
    _ = envoy_dynamic_module_callback_http_set_header(s, RESPONSE, .of(name), if (value) |text| .of(text) else .{});
}

/// Whose body. What Envoy holds of it is the buffered part, then the part just received.
pub const Side = enum(c_int) {
    request = 0,
    response = 2,

    fn parts(self: Side) [2]c_int {
        return .{ @intFromEnum(self) + 1, @intFromEnum(self) };
    }
};

pub fn size(s: abi.Stream, side: Side) usize {
    var total: usize = 0;
    for (side.parts()) |part| total += envoy_dynamic_module_callback_http_get_body_size(s, part);
    return total;
}
pub fn whole(s: abi.Stream, side: Side, allocator: std.mem.Allocator) ![]const u8 {
    var text: std.ArrayList(u8) = try .initCapacity(allocator, size(s, side));
    for (side.parts()) |part| {
        const chunks = try allocator.alloc(abi.Buffer, envoy_dynamic_module_callback_http_get_body_chunks_size(s, part));
        if (chunks.len == 0 or !envoy_dynamic_module_callback_http_get_body_chunks(s, part, chunks.ptr)) continue;
        for (chunks) |chunk| try text.appendSlice(allocator, chunk.slice());
    }
    return text.items;
}
/// Puts `text` in the place of all that Envoy holds. False: it could not.
pub fn replace(s: abi.Stream, side: Side, text: []const u8) bool {
    for (side.parts()) |part| {
        const held = envoy_dynamic_module_callback_http_get_body_size(s, part);
        if (held > 0 and !envoy_dynamic_module_callback_http_drain_body(s, part, held)) return false;
    }
    const parts = side.parts();
    if (envoy_dynamic_module_callback_http_append_body(s, parts[1], .of(text))) return true;
    return envoy_dynamic_module_callback_http_append_body(s, parts[0], .of(text)); // before trailers
}
