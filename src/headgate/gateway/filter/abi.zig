//! Which part of Envoy's dynamic-module ABI does the filter use?
//!
//! Declared by hand after `source/extensions/dynamic_modules/abi/abi.h` of Envoy 1.40 (ABI
//! v0.2.0). Buffers that Envoy hands out live until the header they come from is changed: copy
//! before writing. Envoy copies what it is given.

pub const VERSION = "v0.2.0";
pub const Stream = ?*anyopaque;
pub const Buffer = extern struct {
    ptr: ?[*]const u8 = null,
    len: usize = 0,

    pub fn of(text: []const u8) Buffer {
        return .{ .ptr = text.ptr, .len = text.len };
    }
    pub fn slice(self: Buffer) []const u8 {
        return if (self.ptr) |p| p[0..self.len] else "";
    }
};
pub const Pair = extern struct { key: Buffer, value: Buffer };

pub const CONTINUE: c_int = 0;
pub const STOP: c_int = 1;
pub const PATH: c_int = 0; // with the query; a fifth of the price of the header `:path`
pub const SOURCE_ADDRESS: c_int = 24;
pub const ROUTE_NAME: c_int = 61;
const REQUEST: c_int = 0;
const RESPONSE: c_int = 2;
const LOG_CRITICAL: c_int = 5;
const METADATA_OF_ROUTE: c_int = 1;
const NAMESPACE = Buffer.of("headgate"); // model/logline.py

extern fn envoy_dynamic_module_callback_log(level: c_int, message: Buffer) void;
extern fn envoy_dynamic_module_callback_http_get_header(s: Stream, kind: c_int, key: Buffer, out: *Buffer, index: usize, count: ?*usize) bool;
extern fn envoy_dynamic_module_callback_http_set_header(s: Stream, kind: c_int, key: Buffer, value: Buffer) bool;
extern fn envoy_dynamic_module_callback_http_add_header(s: Stream, kind: c_int, key: Buffer, value: Buffer) bool;
extern fn envoy_dynamic_module_callback_http_send_response(s: Stream, status: u32, headers: ?[*]const Pair, count: usize, body: Buffer, details: Buffer) void;
extern fn envoy_dynamic_module_callback_http_set_dynamic_metadata_string_batch(s: Stream, namespace: Buffer, pairs: [*]const Pair, count: usize) void;
extern fn envoy_dynamic_module_callback_http_set_filter_state_bytes(s: Stream, key: Buffer, value: Buffer) bool;
extern fn envoy_dynamic_module_callback_http_get_metadata_string(s: Stream, source: c_int, namespace: Buffer, key: Buffer, out: *Buffer) bool;
extern fn envoy_dynamic_module_callback_http_filter_get_attribute_string(s: Stream, id: c_int, out: *Buffer) bool;

pub fn requestHeader(s: Stream, name: []const u8) ?[]const u8 {
    var out: Buffer = .{};
    const found = envoy_dynamic_module_callback_http_get_header(s, REQUEST, .of(name), &out, 0, null);
    return if (found and out.ptr != null) out.slice() else null;
}
pub fn setRequestHeader(s: Stream, name: []const u8, value: []const u8) void {
    _ = envoy_dynamic_module_callback_http_set_header(s, REQUEST, .of(name), .of(value));
}
pub fn removeRequestHeader(s: Stream, name: []const u8) void {
    _ = envoy_dynamic_module_callback_http_set_header(s, REQUEST, .of(name), .{});
}
pub fn addResponseHeader(s: Stream, name: []const u8, value: []const u8) void {
    _ = envoy_dynamic_module_callback_http_add_header(s, RESPONSE, .of(name), .of(value));
}
pub fn attribute(s: Stream, id: c_int) []const u8 {
    var out: Buffer = .{};
    return if (envoy_dynamic_module_callback_http_filter_get_attribute_string(s, id, &out)) out.slice() else "";
}
/// A word of the route's metadata; null where it has none by this key.
pub fn routeWord(s: Stream, key: []const u8) ?[]const u8 {
    var out: Buffer = .{};
    const found = envoy_dynamic_module_callback_http_get_metadata_string(s, METADATA_OF_ROUTE, NAMESPACE, .of(key), &out);
    return if (found) out.slice() else null;
}
pub fn setMetadata(s: Stream, key: []const u8, value: []const u8) void {
    const pair: Pair = .{ .key = .of(key), .value = .of(value) };
    envoy_dynamic_module_callback_http_set_dynamic_metadata_string_batch(s, NAMESPACE, @ptrCast(&pair), 1);
}
/// What the access log prints: half the price of metadata (docs/decisions/0006).
pub fn setState(s: Stream, value: []const u8) void {
    _ = envoy_dynamic_module_callback_http_set_filter_state_bytes(s, NAMESPACE, .of(value));
}
pub fn answer(s: Stream, status: u32, headers: []const Pair, details: []const u8) void {
    envoy_dynamic_module_callback_http_send_response(s, status, headers.ptr, headers.len, .{}, .of(details));
}
pub fn log(message: []const u8) void {
    envoy_dynamic_module_callback_log(LOG_CRITICAL, .of(message));
}
