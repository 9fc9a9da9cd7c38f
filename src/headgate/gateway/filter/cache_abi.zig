//! Which part of Envoy's ABI does the cache use beyond what the filter uses? See `abi.zig`.
const abi = @import("abi.zig");

const RESPONSE: c_int = 2;
const METADATA_OF_ROUTE: c_int = 1;
const RECEIVED_RESPONSE_BODY: c_int = 2;

extern fn envoy_dynamic_module_callback_get_most_specific_route_config(s: abi.Stream) ?*const anyopaque;
extern fn envoy_dynamic_module_callback_http_get_headers_size(s: abi.Stream, kind: c_int) usize;
extern fn envoy_dynamic_module_callback_http_get_headers(s: abi.Stream, kind: c_int, out: [*]abi.Pair) bool;
extern fn envoy_dynamic_module_callback_http_get_body_size(s: abi.Stream, kind: c_int) usize;
extern fn envoy_dynamic_module_callback_http_get_body_chunks_size(s: abi.Stream, kind: c_int) usize;
extern fn envoy_dynamic_module_callback_http_get_body_chunks(s: abi.Stream, kind: c_int, out: [*]abi.Buffer) bool;
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
pub fn answer(s: abi.Stream, status: u32, headers: []const abi.Pair, body: []const u8, details: []const u8) void {
    envoy_dynamic_module_callback_http_send_response(s, status, headers.ptr, headers.len, .of(body), .of(details));
}
