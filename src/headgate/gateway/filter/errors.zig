//! When is an answer of the gateway's own written anew? The hooks of the module `headgate_errors`.
//!
//! Envoy has written it as a problem; it becomes the text that the API's provider wants
//! (`error_forms.zig`). An upstream's answer passes as it is, and so does one that a policy gives
//! whole or a validator has written. A problem that cannot be read stays what it is.
const std = @import("std");
const abi = @import("abi.zig");
const bodies = @import("body_abi.zig");
const hooks = @import("body_hooks.zig");
const forms = @import("error_forms.zig");

const AS_IT_STANDS = "as_it_stands"; // gateway/policy.py
const OF_A_VALIDATOR = "ext_authz_denied"; // Envoy's details
const PROBLEM = "application/problem+json";
const STOP_AND_BUFFER: c_int = 1; // of the body hook
const allocator = std.heap.c_allocator;

/// What a route says, as JSON: `gateway/policies/error_bodies.py`.
const Settings = struct { bodies: []const forms.Body };
const Route = std.json.Parsed(Settings);
const Stream = struct { route: ?*const Route = null, is_held: bool = false };

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
    made.* = std.json.parseFromSlice(Settings, allocator, config.slice(), .{ .allocate = .alloc_always }) catch {
        allocator.destroy(made);
        abi.log("headgate: a route's settings of error_bodies cannot be read");
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
export fn envoy_dynamic_module_on_http_filter_request_headers(_: abi.Stream, _: *Stream, _: bool) c_int {
    return abi.CONTINUE;
}

/// Envoy calls it for answers that come from no upstream, before it writes them.
export fn envoy_dynamic_module_on_http_filter_local_reply(s: abi.Stream, stream: *Stream, status: u32, details: abi.Buffer, _: bool) c_int {
    const is_whole = std.mem.eql(u8, bodies.dynamicText(s, "reason") orelse "", AS_IT_STANDS);
    const is_validators = std.mem.startsWith(u8, details.slice(), OF_A_VALIDATOR);
    if (status < 400 or is_whole or is_validators) return abi.CONTINUE;
    stream.route = @ptrCast(@alignCast(bodies.routeSettings(s) orelse return abi.CONTINUE));
    return abi.CONTINUE;
}

export fn envoy_dynamic_module_on_http_filter_response_headers(s: abi.Stream, stream: *Stream, is_end: bool) c_int {
    const route = stream.route orelse return abi.CONTINUE;
    if (!std.mem.eql(u8, bodies.responseHeader(s, "content-type") orelse "", PROBLEM)) return abi.CONTINUE;
    if (!is_end) {
        stream.is_held = true;
        return abi.STOP;
    }
    const status = std.fmt.parseInt(u16, bodies.responseHeader(s, ":status") orelse "", 10) catch return abi.CONTINUE;
    const body = forms.choose(route.value.bodies, null, status) orelse return abi.CONTINUE;
    bodies.setResponseHeader(s, "content-type", body.content_type);
    bodies.setResponseHeader(s, "content-length", null); // of a text that HEAD does not get
    return abi.CONTINUE;
}

export fn envoy_dynamic_module_on_http_filter_response_body(s: abi.Stream, stream: *Stream, is_end: bool) c_int {
    if (!stream.is_held) return abi.CONTINUE;
    if (!is_end) return STOP_AND_BUFFER;
    stream.is_held = false;
    write(s, stream.route.?) catch abi.log("headgate: a problem cannot be written as error_bodies wants it");
    return abi.CONTINUE;
}

fn write(s: abi.Stream, route: *const Route) !void {
    var arena: std.heap.ArenaAllocator = .init(allocator);
    defer arena.deinit();
    const problem: forms.Problem = try .parse(arena.allocator(), try bodies.whole(s, .response, arena.allocator()));
    const body = forms.choose(route.value.bodies, problem.name(), problem.status) orelse return;
    const text = try forms.written(arena.allocator(), body, &problem);
    if (!bodies.replace(s, .response, text)) return error.NotReplaced;
    var room: [20]u8 = undefined;
    bodies.setResponseHeader(s, "content-type", body.content_type);
    bodies.setResponseHeader(s, "content-length", room[0..std.fmt.printInt(&room, text.len, 10, .lower, .{})]);
}

comptime {
    hooks.exportUnused(&.{ "response_body", "local_reply", "per_route_config_new", "per_route_config_destroy" });
}
