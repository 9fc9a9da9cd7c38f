//! When is a JSON body changed? The hooks of the module `headgate_json`.
//!
//! A body is held until it is whole, changed, and let go with its new length. Fails closed: a
//! request that cannot be changed is refused, an answer that cannot be changed is not given, so
//! that a field that is to be hidden never comes through by being unreadable.
const std = @import("std");
const abi = @import("abi.zig");
const bodies = @import("body_abi.zig");
const hooks = @import("body_hooks.zig");
const rules = @import("json_rules.zig");

const STOP_AND_BUFFER: c_int = 1; // of the body hooks
const allocator = std.heap.c_allocator;

/// What a route says, as JSON: `gateway/policies/json_body.py`.
const Settings = struct {
    body_bytes_max: usize,
    request: rules.Changes = .{},
    response: rules.Changes = .{},
};
const Route = std.json.Parsed(Settings);
const Stream = struct { route: ?*const Route = null, has_request: bool = false, has_response: bool = false };

export fn envoy_dynamic_module_on_program_init() [*:0]const u8 {
    return abi.VERSION;
}
var only_config: u8 = 0;
export fn envoy_dynamic_module_on_http_filter_config_new(_: ?*anyopaque, _: abi.Buffer, _: abi.Buffer) ?*u8 {
    return &only_config;
}
export fn envoy_dynamic_module_on_http_filter_config_destroy(_: *u8) void {}

export fn envoy_dynamic_module_on_http_filter_per_route_config_new(_: abi.Buffer, config: abi.Buffer) ?*Route {
    const made = allocator.create(Route) catch return null;
    made.* = std.json.parseFromSlice(Settings, allocator, config.slice(), .{ .allocate = .alloc_always, .parse_numbers = false }) catch {
        allocator.destroy(made);
        abi.log("headgate: a route's settings of json_body cannot be read");
        return null;
    };
    return made;
}
export fn envoy_dynamic_module_on_http_filter_per_route_config_destroy(route: *Route) void {
    route.deinit();
    allocator.destroy(route);
}
export fn envoy_dynamic_module_on_http_filter_new(_: *u8, _: ?*anyopaque) ?*Stream {
    const stream = allocator.create(Stream) catch return null;
    stream.* = .{};
    return stream;
}
export fn envoy_dynamic_module_on_http_filter_destroy(stream: *Stream) void {
    allocator.destroy(stream);
}

export fn envoy_dynamic_module_on_http_filter_request_headers(s: abi.Stream, stream: *Stream, is_end: bool) c_int {
    stream.route = @ptrCast(@alignCast(bodies.routeSettings(s) orelse return abi.CONTINUE));
    const settings = &stream.route.?.value;
    // an answer that is to be changed must come as it is
    if (!settings.response.isEmpty()) abi.removeRequestHeader(s, "accept-encoding");
    if (is_end or settings.request.isEmpty() or !isJSON(abi.requestHeader(s, "content-type"))) return abi.CONTINUE;
    if (abi.requestHeader(s, "content-encoding") != null) return refuse(s, stream, 415, "json_body_encoded");
    if (isLonger(abi.requestHeader(s, "content-length"), settings.body_bytes_max)) return refuse(s, stream, 413, "json_body_too_large");
    stream.has_request = true;
    return abi.STOP;
}

export fn envoy_dynamic_module_on_http_filter_request_body(s: abi.Stream, stream: *Stream, is_end: bool) c_int {
    if (!stream.has_request) return abi.CONTINUE;
    const settings = &stream.route.?.value;
    if (bodies.size(s, .request) > settings.body_bytes_max) return refuse(s, stream, 413, "json_body_too_large");
    if (!is_end) return STOP_AND_BUFFER;
    return finishRequest(s, stream);
}

export fn envoy_dynamic_module_on_http_filter_request_trailers(s: abi.Stream, stream: *Stream) c_int {
    return if (stream.has_request) finishRequest(s, stream) else abi.CONTINUE;
}

fn finishRequest(s: abi.Stream, stream: *Stream) c_int {
    stream.has_request = false;
    const length = replace(s, .request, &stream.route.?.value.request) catch return refuse(s, stream, 400, "json_body_unreadable");
    var digits: [20]u8 = undefined;
    if (abi.requestHeader(s, "content-length") != null) abi.setRequestHeader(s, "content-length", decimal(&digits, length));
    return abi.CONTINUE;
}

export fn envoy_dynamic_module_on_http_filter_response_headers(s: abi.Stream, stream: *Stream, is_end: bool) c_int {
    const route = stream.route orelse return abi.CONTINUE;
    if (is_end or route.value.response.isEmpty() or !isJSON(bodies.responseHeader(s, "content-type"))) return abi.CONTINUE;
    if (bodies.responseHeader(s, "content-encoding") != null) return refuse(s, stream, 502, "json_body_answer_encoded");
    stream.has_response = true;
    return abi.STOP;
}

export fn envoy_dynamic_module_on_http_filter_response_body(s: abi.Stream, stream: *Stream, is_end: bool) c_int {
    if (!stream.has_response) return abi.CONTINUE;
    if (bodies.size(s, .response) > stream.route.?.value.body_bytes_max) return refuse(s, stream, 502, "json_body_answer_too_large");
    if (!is_end) return STOP_AND_BUFFER;
    return finishResponse(s, stream);
}

export fn envoy_dynamic_module_on_http_filter_response_trailers(s: abi.Stream, stream: *Stream) c_int {
    return if (stream.has_response) finishResponse(s, stream) else abi.CONTINUE;
}

fn finishResponse(s: abi.Stream, stream: *Stream) c_int {
    stream.has_response = false;
    const length = replace(s, .response, &stream.route.?.value.response) catch return refuse(s, stream, 502, "json_body_answer_unreadable");
    var digits: [20]u8 = undefined;
    if (bodies.responseHeader(s, "content-length") != null) bodies.setResponseHeader(s, "content-length", decimal(&digits, length));
    bodies.setResponseHeader(s, "etag", null); // it was the unchanged answer's
    return abi.CONTINUE;
}

/// Puts the changed document in the body's place and returns its length.
fn replace(s: abi.Stream, side: bodies.Side, changes: *const rules.Changes) !usize {
    var arena: std.heap.ArenaAllocator = .init(allocator);
    defer arena.deinit();
    const text = try bodies.whole(s, side, arena.allocator());
    const new = try rules.changed(arena.allocator(), text, changes);
    if (!bodies.replace(s, side, new)) return error.NotReplaced;
    return new.len;
}

/// Ends the call with a status; `envoy/envoy_answers.py` has the words for the details.
fn refuse(s: abi.Stream, stream: *Stream, status: u32, details: []const u8) c_int {
    stream.* = .{}; // the answer that comes now is not to be changed
    abi.answer(s, status, &.{}, details);
    return abi.STOP;
}

fn isJSON(content_type: ?[]const u8) bool {
    const whole = content_type orelse return false;
    const end = std.mem.findScalar(u8, whole, ';') orelse whole.len;
    const kind = std.mem.trim(u8, whole[0..end], " \t");
    return std.ascii.eqlIgnoreCase(kind, "application/json") or std.ascii.endsWithIgnoreCase(kind, "+json");
}

fn isLonger(length: ?[]const u8, max: usize) bool {
    const digits = length orelse return false;
    return (std.fmt.parseInt(usize, digits, 10) catch return true) > max;
}

fn decimal(room: *[20]u8, value: usize) []const u8 {
    return std.fmt.bufPrint(room, "{d}", .{value}) catch unreachable;
}

comptime {
    hooks.exportUnused(&.{ "request_body", "request_trailers", "response_body", "response_trailers", "per_route_config_new", "per_route_config_destroy" });
}
