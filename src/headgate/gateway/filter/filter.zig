//! What does Envoy call, and when? The hooks of the dynamic module; everything is decided in them
//! synchronously, nothing waits, one small allocation per stream.
const std = @import("std");
const abi = @import("abi.zig");
const t = @import("table.zig");
const layout = t.layout;
const hash = @import("hash.zig");
const keys = @import("keys.zig");
const mapping = @import("mapping.zig");
const decide = @import("decide.zig");
const allowances = @import("allowances.zig");
const answers = @import("answers.zig");
const concurrent = @import("concurrent.zig");
const tokens = @import("tokens.zig");
const schemes = @import("schemes.zig");
const scopes = @import("scopes.zig");
const grants = @import("grants.zig");
const callers = @import("callers.zig");

const Decision = decide.Decision;
const VALIDATORS = "ext_authz_"; // Envoy's details: denied, or error where none answers
const LOGGED_TARGET_BYTES_MAX = 4096; // model/logline.py
const NOBODY: [80]u8 = @splat('-');
const DEFAULT_SOURCE: layout.Source = .{ .location = layout.SOURCE_HEADER, .length = 9, .bytes = ("x-api-key" ++ @as([25]u8, @splat(0))).* };

/// For which layout this library was built, for who reads it as a file: `filter/layout.py`.
export const headgate_layout = ("headgate access table layout " ++ layout.SIGNATURE).*;

export fn envoy_dynamic_module_on_program_init() [*:0]const u8 {
    hash.choose();
    concurrent.start(mapping.nowNs());
    return abi.VERSION;
}

/// The configuration is the path of the access table. Under the name `headgate_trial` the filter
/// decides as ever, on a table of its own pages: nothing is taken, counted or marked for others.
export fn envoy_dynamic_module_on_http_filter_config_new(_: ?*anyopaque, name: abi.Buffer, config: abi.Buffer) ?*mapping.Mapping {
    return mapping.Mapping.create(config.slice(), std.mem.eql(u8, name.slice(), "headgate_trial"));
}
export fn envoy_dynamic_module_on_http_filter_config_destroy(map: *mapping.Mapping) void {
    map.destroy();
}

const Stream = struct { map: *mapping.Mapping, decision: Decision };

export fn envoy_dynamic_module_on_http_filter_new(map: *mapping.Mapping, _: ?*anyopaque) ?*Stream {
    const stream: *Stream = @ptrCast(@alignCast(std.c.malloc(@sizeOf(Stream)) orelse return null));
    stream.map = map;
    stream.decision.count = 0;
    return stream;
}
/// Envoy calls it once for every stream, however it ended.
export fn envoy_dynamic_module_on_http_filter_destroy(stream: *Stream) void {
    const d = &stream.decision;
    if (d.count > 0) if (stream.map.same(d.file)) |table| allowances.end(d, table);
    std.c.free(stream);
}
/// A validator refused the call after this filter had let it pass: it has used up nothing.
export fn envoy_dynamic_module_on_http_filter_local_reply(_: abi.Stream, stream: *Stream, _: u32, details: abi.Buffer, _: bool) c_int {
    const d = &stream.decision;
    if (d.count == 0 or !std.mem.startsWith(u8, details.slice(), VALIDATORS)) return abi.CONTINUE;
    const age_ns = @max(1, mapping.nowNs() -| d.now_ns);
    if (stream.map.same(d.file)) |table| allowances.giveBack(d, table, age_ns);
    return abi.CONTINUE;
}

export fn envoy_dynamic_module_on_http_filter_request_headers(s: abi.Stream, stream: *Stream, _: bool) c_int {
    const d = &stream.decision;
    if (stream.map.is_private) stream.map.refresh();
    d.begin(mapping.nowNs());
    consider(s, stream.map, d);
    tellLog(s, d);
    if (d.reason == .allowed) return abi.CONTINUE;
    answers.refuse(s, d);
    d.count = 0; // the answer has its fields: the response hook adds none
    return abi.STOP;
}

/// Leaves `<verdict>[~<observed>][;<limits>] <caller> <target>` for the access log: one string is what Envoy prints fastest.
fn tellLog(s: abi.Stream, d: *const Decision) void {
    var words: answers.Text = .{ .bytes = &answers.scratch };
    words.add(d.reason.verdict());
    if (d.observed != .allowed) words.add("~");
    if (d.observed != .allowed) words.add(d.observed.verdict());
    answers.addLeft(&words, d);
    words.add(" ");
    words.add(if (d.has_caller) &d.caller else if (d.subject_len > 0) &NOBODY else "-");
    if (d.subject_len > 0) words.add(":");
    words.add(d.subject[0..d.subject_len]);
    words.add(" ");
    const target = abi.attribute(s, abi.PATH);
    words.add(target[0..@min(target.len, LOGGED_TARGET_BYTES_MAX)]);
    abi.setState(s, words.text());
}

/// Whether the request's target, the query included, is longer than the policy `request_size` of
/// this route takes. Fails closed: a bound that cannot be read is below every target.
fn isTooLong(s: abi.Stream) bool {
    const bytes_max = std.fmt.parseInt(u32, abi.routeWord(s, "url_max") orelse "", 10) catch 0;
    return abi.attribute(s, abi.PATH).len > bytes_max;
}

/// Decides, on the route that the request is on or, once its caller is known, another.
fn consider(s: abi.Stream, map: *mapping.Mapping, d: *Decision) void {
    var presented: keys.Presented = .{};
    var route: callers.Route = .now(s);
    if ((route.taken.plans or route.taken.applications) and callers.forget(s)) route = .now(s);
    if (route.row == null) d.reason = route.refused;
    if (route.row == null) return schemes.cutQuery(s, "", &presented);
    const is_too_long = route.taken.has_url_max and isTooLong(s);
    const table = map.table(d.now_ns);
    var settings: layout.Settings = undefined;
    var target: callers.Target = .of(table, route.row.?, &settings);
    var token: tokens.Token = .{};
    var others: schemes.Digests = .{};
    var certificate: schemes.Certificate = .not_asked;
    if (route.has_flags) certificate = others.take(s, route.taken, &token, d.now_ns);
    d.subject = token.subject;
    d.subject_len = token.subject_len;
    schemes.takeKey(s, if (target.is_known and settings.source_count > 0) settings.sources[0..settings.source_count] else &.{DEFAULT_SOURCE}, &presented);
    if (table == null) return;
    if (route.taken.applications and target.is_known) {
        callers.tellApplication(s, table.?, if (route.taken.is_gate) 0 else t.load(&target.operation.?.api), &token, others.all(), presented.text());
        route = .now(s);
        d.reason = route.refused;
        target = .of(table, route.row orelse return, &settings);
    }
    const taken = route.taken;
    d.reason = .table_filling;
    if (!target.is_known or t.load(&table.?.header().is_filled) == 0) return;
    var call: decide.Call = .{
        .table = table.?,
        .api = target.api.?,
        .settings = &settings,
        .operation = target.operation.?,
        .operation_row = route.row.?,
        .address = keys.parseAddress(abi.attribute(s, abi.SOURCE_ADDRESS)),
        .key = presented.text(),
        .token = &token,
        .others = others.all(),
        .certificate = certificate,
        .is_too_long = is_too_long,
        .needs = if (taken.scopes == .free) null else scopes.needed(s),
        .asks_everybody = taken.scopes == .of_everybody,
        .mark = if (taken.is_sensitive) grants.mark(s) else null,
        .d = d,
    };
    call.decide();
    if (taken.plans) callers.tell(s, &call);
}

export fn envoy_dynamic_module_on_http_filter_response_headers(s: abi.Stream, stream: *Stream, _: bool) c_int {
    if (stream.decision.count > 0) answers.addRateFields(s, &stream.decision);
    return abi.CONTINUE;
}

// Envoy resolves every hook when it loads the module; those not needed still have to exist.
fn proceed() callconv(.c) c_int {
    return abi.CONTINUE;
}
fn ignore() callconv(.c) void {}
comptime {
    const proceeding = "request_body request_trailers response_body response_trailers";
    const ignoring =
        \\stream_complete http_callout_done http_stream_headers http_stream_data http_stream_trailers
        \\http_stream_complete http_stream_reset scheduled downstream_above_write_buffer_high_watermark
        \\downstream_below_write_buffer_low_watermark config_scheduled config_http_callout_done
        \\config_http_stream_complete config_http_stream_data config_http_stream_headers
        \\config_http_stream_reset config_http_stream_trailers per_route_config_new per_route_config_destroy
    ;
    @setEvalBranchQuota(10_000);
    for (.{ proceeding, ignoring }, .{ &proceed, &ignore }) |names, hook| {
        var each = std.mem.tokenizeAny(u8, names, " \n");
        while (each.next()) |name| @export(hook, .{ .name = "envoy_dynamic_module_on_http_filter_" ++ name });
    }
}
