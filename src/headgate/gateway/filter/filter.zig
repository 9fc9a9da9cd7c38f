//! What does Envoy call, and when? The hooks of the dynamic module; everything is decided in them
//! synchronously, nothing waits, one small allocation per stream.
const std = @import("std");
const abi = @import("abi.zig");
const t = @import("table.zig");
const hash = @import("hash.zig");
const keys = @import("keys.zig");
const mapping = @import("mapping.zig");
const decide = @import("decide.zig");
const answers = @import("answers.zig");

const Decision = decide.Decision;
const LOGGED_TARGET_BYTES_MAX = 4096; // model/logline.py
const DEFAULT_SOURCE = blk: {
    var source: t.Source = .{ .location = 1, .length = 9, .name = @splat(0) };
    @memcpy(source.name[0..9], "x-api-key");
    break :blk source;
};

export fn envoy_dynamic_module_on_program_init() [*:0]const u8 {
    hash.choose();
    return abi.VERSION;
}

/// `{"table": "/path/of/access.tbl"}`; anything else is refused and Envoy keeps what it had.
export fn envoy_dynamic_module_on_http_filter_config_new(_: ?*anyopaque, _: abi.Buffer, config: abi.Buffer) ?*mapping.Mapping {
    const Config = struct { table: []const u8 };
    const parsed = std.json.parseFromSlice(Config, std.heap.c_allocator, config.slice(), .{}) catch {
        abi.log("headgate: the filter's configuration is not {\"table\": \"<path>\"}");
        return null;
    };
    defer parsed.deinit();
    return mapping.Mapping.create(parsed.value.table);
}
export fn envoy_dynamic_module_on_http_filter_config_destroy(map: *mapping.Mapping) void {
    map.destroy();
}

const Stream = struct { map: *mapping.Mapping, decision: Decision };

export fn envoy_dynamic_module_on_http_filter_new(map: *mapping.Mapping, _: ?*anyopaque) ?*Stream {
    const stream = std.heap.c_allocator.create(Stream) catch return null;
    stream.map = map;
    stream.decision.count = 0;
    return stream;
}
export fn envoy_dynamic_module_on_http_filter_destroy(stream: *Stream) void {
    std.heap.c_allocator.destroy(stream);
}

export fn envoy_dynamic_module_on_http_filter_request_headers(s: abi.Stream, stream: *Stream, _: bool) c_int {
    var settings: t.Settings = undefined;
    settings.source_count = 0;
    stream.decision = .{};
    const d = &stream.decision;
    const kind = consider(s, stream.map, &settings, d);
    const verdict = answers.verdict(d.reason);
    tellLog(s, verdict, d);
    if (d.reason == .allowed) return abi.CONTINUE;
    abi.setMetadata(s, "verdict", verdict); // Envoy must not rewrite an answer of ours
    answers.refuse(s, d, &settings, if (kind) |_| abi.routeText(s, "allow") orelse "" else "");
    d.count = 0; // the answer has its fields: the response hook adds none
    return abi.STOP;
}

/// Leaves `<verdict> <caller> <target>` for the access log: one string is what Envoy prints fastest.
fn tellLog(s: abi.Stream, verdict: []const u8, d: *const Decision) void {
    var words: answers.Text(128 + LOGGED_TARGET_BYTES_MAX) = .{};
    words.add(verdict);
    words.add(" ");
    words.add(if (d.has_caller) &d.caller else "-");
    words.add(" ");
    const target = abi.requestHeader(s, ":path") orelse "";
    words.add(target[0..@min(target.len, LOGGED_TARGET_BYTES_MAX)]);
    abi.setState(s, "headgate", words.text());
}

/// Decides; returns the route's kind where it is no operation.
fn consider(s: abi.Stream, map: *mapping.Mapping, settings: *t.Settings, d: *Decision) ?[]const u8 {
    var call: decide.Call = .{ .now_ns = mapping.nowNs(), .operation = abi.routeNumber(s, "op"), .api = 0, .address = undefined, .key = null };
    var presented: keys.Presented = .{};
    if (call.operation == 0) {
        cutQuery(s, "", &presented);
        const kind = abi.routeText(s, "kind") orelse "no_route";
        d.reason = if (std.mem.eql(u8, kind, "method_not_allowed")) .method_not_allowed else .no_route;
        return kind;
    }
    call.api = abi.routeNumber(s, "api_row");
    const table = map.table(call.now_ns);
    const api = if (table) |found| found.api(call.api) else null;
    if (api) |row| {
        if (!table.?.settings(row, settings)) settings.source_count = 0;
    }
    if (settings.source_count == 0) {
        settings.source_count = 1;
        settings.sources[0] = DEFAULT_SOURCE;
    }
    presentedKey(s, settings, &presented);
    const found = table orelse return null;
    d.reason = .table_filling;
    if (api == null or t.load(&found.header().is_filled) == 0) return null;
    call.key = presented.text();
    call.address = keys.parseAddress(abi.sourceAddress(s));
    decide.decide(found, api.?, settings, &call, d);
    return null;
}

/// Takes the key out of the request. The first source that carries something decides; a key that
/// stands in a further source is taken out too, so that neither upstream nor log can see it.
fn presentedKey(s: abi.Stream, settings: *const t.Settings, presented: *keys.Presented) void {
    var has_query = false;
    for (settings.sources[0..settings.source_count]) |*source| {
        const is_bearer = source.location == 2;
        const name = if (is_bearer) "authorization" else source.name[0..source.length];
        if (source.location == 3) {
            cutQuery(s, name, presented);
            has_query = true;
            continue;
        }
        const raw = abi.requestHeader(s, name) orelse continue;
        const value = if (is_bearer) keys.bearer(raw) orelse continue else raw;
        const is_first = presented.len == 0 and value.len > 0;
        if (!is_first and is_bearer and !keys.isWellFormed(value)) continue; // it may be the upstream's
        if (is_first) presented.set(value);
        abi.removeRequestHeader(s, name);
    }
    if (!has_query) cutQuery(s, "", presented);
}

fn cutQuery(s: abi.Stream, name: []const u8, presented: *keys.Presented) void {
    const path = abi.requestHeader(s, ":path") orelse return;
    if (std.mem.findScalar(u8, path, '?') == null) return;
    const out = std.heap.c_allocator.alloc(u8, path.len) catch return abi.setRequestHeader(s, ":path", "/");
    defer std.heap.c_allocator.free(out);
    if (keys.cutQuery(path, name, out, presented)) |cut| abi.setRequestHeader(s, ":path", cut);
}

export fn envoy_dynamic_module_on_http_filter_response_headers(s: abi.Stream, stream: *Stream, _: bool) c_int {
    if (stream.decision.count > 0) answers.addRateHeaders(s, &stream.decision);
    return abi.CONTINUE;
}

// Envoy resolves every hook when it loads the module; those not needed still have to exist.
fn proceed() callconv(.c) c_int {
    return abi.CONTINUE;
}
fn ignore() callconv(.c) void {}
comptime {
    const prefix = "envoy_dynamic_module_on_http_filter_";
    for (.{ "request_body", "request_trailers", "response_body", "response_trailers", "local_reply" }) |name|
        @export(&proceed, .{ .name = prefix ++ name });
    for (.{
        "stream_complete",                              "http_callout_done",                           "http_stream_headers",        "http_stream_data",
        "http_stream_trailers",                         "http_stream_complete",                        "http_stream_reset",          "scheduled",
        "downstream_above_write_buffer_high_watermark", "downstream_below_write_buffer_low_watermark", "config_scheduled",           "config_http_callout_done",
        "config_http_stream_complete",                  "config_http_stream_data",                     "config_http_stream_headers", "config_http_stream_reset",
        "config_http_stream_trailers",                  "per_route_config_new",                        "per_route_config_destroy",
    }) |name|
        @export(&ignore, .{ .name = prefix ++ name });
}

/// For the test that both ways of hashing agree.
export fn headgate_hash(text: [*]const u8, length: usize, out: *[32]u8, is_chosen: bool) bool {
    hash.choose();
    (if (is_chosen) hash.sha256 else &hash.portable)(text, length, out);
    return hash.isFast();
}
