//! When may the gateway answer instead of the upstream? The hooks of the module `headgate_cache`.
//!
//! Stands last in the chain, so that it sees what the upstream is asked and answers as the
//! upstream would. Fails open: where anything is unusual, or there is no room, the request goes on
//! to the upstream and its answer is not stored. Source: RFC 9111, RFC 5861 §3.
const std = @import("std");
const abi = @import("abi.zig");
const answering = @import("body_abi.zig");
const hooks = @import("body_hooks.zig");
const rules = @import("cache_rules.zig");
const stores = @import("cache_store.zig");

const DETAILS = "cache_hit"; // traffic/record.py
const AS_IT_STANDS = "as_it_stands"; // local_replies.py: Envoy does not rewrite it
const HEADERS_MAX = 100; // listener.py
const HEADERS_BYTES_MAX = 64 * 1024; // listener.py
const VARY_VALUE_BYTES_MAX = 256;
const REFRESH_NS = 10 * std.time.ns_per_s; // so long one caller has to bring the fresh answer
const CLOCK_BASE_NS = 40 * 24 * 3600 * std.time.ns_per_s; // ages reach back before the machine's start
const allocator = std.heap.c_allocator;

var store: stores.Store = .{};

/// What a route says, as JSON: `gateway/policies/cache.py`.
const Settings = struct {
    ttl_s: u64 = 0,
    stale_s: u64 = 0,
    body_bytes_max: usize = 0,
    vary: []const []const u8 = &.{},
    query: ?[]const []const u8 = null,
    callers: []const u8 = "", // those of a product or plan with policies share with each other alone
};
const Route = std.json.Parsed(Settings);

const Work = enum { none, fill, invalidate };
const Stream = struct {
    work: Work = .none,
    route: *const Route = undefined,
    key: std.ArrayList(u8) = .empty,
    answer: rules.Answer = .{},
    head: std.ArrayList(u8) = .empty,
    body: std.ArrayList(u8) = .empty,
    varies: [256]u8 = undefined,
    varies_len: usize = 0,
    reserved: usize = 0,
    sent_ns: u64 = 0,
    purged: u32 = 0,

    fn giveUp(self: *Stream) void {
        self.work = .none;
        self.head.clearAndFree(allocator);
        self.body.clearAndFree(allocator);
        store.giveBack(self.reserved);
        self.reserved = 0;
    }
};

export fn envoy_dynamic_module_on_program_init() [*:0]const u8 {
    return abi.VERSION;
}

/// `{"bytes_max": n}`; anything else is refused and Envoy keeps what it had.
export fn envoy_dynamic_module_on_http_filter_config_new(_: ?*anyopaque, _: abi.Buffer, config: abi.Buffer) ?*stores.Store {
    const parsed = std.json.parseFromSlice(struct { bytes_max: usize }, allocator, config.slice(), .{}) catch {
        abi.log("headgate: the cache's configuration is not {\"bytes_max\": <bytes>}");
        return null;
    };
    defer parsed.deinit();
    store.limit(parsed.value.bytes_max);
    return &store;
}
export fn envoy_dynamic_module_on_http_filter_config_destroy(_: *stores.Store) void {}

export fn envoy_dynamic_module_on_http_filter_per_route_config_new(_: abi.Buffer, config: abi.Buffer) ?*Route {
    const made = allocator.create(Route) catch return null;
    made.* = std.json.parseFromSlice(Settings, allocator, config.slice(), .{ .allocate = .alloc_always }) catch {
        allocator.destroy(made);
        abi.log("headgate: a route's settings of the cache cannot be read");
        return null;
    };
    return made;
}
export fn envoy_dynamic_module_on_http_filter_per_route_config_destroy(route: *Route) void {
    route.deinit();
    allocator.destroy(route);
}

export fn envoy_dynamic_module_on_http_filter_new(_: *stores.Store, _: ?*anyopaque) ?*Stream {
    const stream = allocator.create(Stream) catch return null;
    stream.* = .{};
    return stream;
}
export fn envoy_dynamic_module_on_http_filter_destroy(stream: *Stream) void {
    stream.giveUp();
    stream.key.deinit(allocator);
    allocator.destroy(stream);
}

export fn envoy_dynamic_module_on_http_filter_request_headers(s: abi.Stream, stream: *Stream, is_end: bool) c_int {
    stream.route = @ptrCast(@alignCast(answering.routeSettings(s) orelse return abi.CONTINUE));
    const method = abi.requestHeader(s, ":method") orelse return abi.CONTINUE;
    const is_head = std.mem.eql(u8, method, "HEAD");
    const is_get = std.mem.eql(u8, method, "GET");
    if (!is_get and !is_head) {
        const is_safe = std.mem.eql(u8, method, "OPTIONS") or std.mem.eql(u8, method, "TRACE");
        if (!is_safe and makeKey(s, stream)) stream.work = .invalidate;
        return abi.CONTINUE;
    }
    // With a query that is declared, the upstream sees no other: it cannot answer by what the key
    // does not hold.
    if (!is_end or isPersonal(s) or !makeKey(s, stream)) return abi.CONTINUE;
    var asked: rules.Control = .{};
    asked.parse(abi.requestHeader(s, "cache-control") orelse "");
    if (asked.no_store) return abi.CONTINUE;
    stream.sent_ns = nowNs();
    if (!asked.no_cache) {
        if (lookUp(s, stream)) |entry| {
            defer entry.release();
            if (isServed(entry, stream.sent_ns)) {
                give(s, entry, stream.sent_ns);
                return abi.STOP;
            }
        }
    }
    if (is_get) stream.work = .fill;
    return abi.CONTINUE;
}

/// Requests whose answer may be the caller's alone, or a part of one.
fn isPersonal(s: abi.Stream) bool {
    for ([_][]const u8{ "authorization", "cookie", "range", "upgrade" }) |name| {
        if (abi.requestHeader(s, name) != null) return true;
    }
    return false;
}

/// The key: host, path and query. False: too long.
fn makeKey(s: abi.Stream, stream: *Stream) bool {
    const host = abi.requestHeader(s, ":authority") orelse "";
    var path = abi.requestHeader(s, ":path") orelse return false;
    var room: [rules.KEY_BYTES_MAX]u8 = undefined;
    if (stream.route.value.query) |names| {
        const declared = rules.declaredQuery(path, names, &room) orelse return false;
        if (!std.mem.eql(u8, declared, path)) {
            abi.setRequestHeader(s, ":path", declared);
            path = declared;
        }
    }
    const callers = stream.route.value.callers;
    if (host.len + path.len + callers.len + 64 > rules.KEY_BYTES_MAX) return false;
    stream.purged = answering.routeNumber(s, "purged");
    for ([_][]const u8{ callers, "\x00", host, "\x00", path }) |part| stream.key.appendSlice(allocator, part) catch return false;
    return true;
}

/// The stored answer that fits this request's headers, held for the caller.
fn lookUp(s: abi.Stream, stream: *Stream) ?*stores.Entry {
    const found = store.find(stream.key.items) orelse return null;
    if (!found.is_marker) return ifNotPurged(found, stream.purged);
    defer found.release();
    const length = stream.key.items.len;
    defer stream.key.shrinkRetainingCapacity(length);
    if (!addVariant(s, stream, found.head_text())) return null;
    return ifNotPurged(store.find(stream.key.items) orelse return null, stream.purged);
}

/// What was stored before the operation's last purge is as good as gone.
fn ifNotPurged(entry: *stores.Entry, purged: u32) ?*stores.Entry {
    if (entry.purged == purged) return entry;
    entry.release();
    return null;
}

/// Adds to the key what this request says in the headers of `names`. False: too long to store.
fn addVariant(s: abi.Stream, stream: *Stream, names: []const u8) bool {
    var each = std.mem.splitScalar(u8, names, ',');
    while (each.next()) |name| {
        if (name.len == 0) continue;
        const value = abi.requestHeader(s, name) orelse "";
        if (value.len > VARY_VALUE_BYTES_MAX) return false;
        for ([_][]const u8{ "\x00", name, ":", value }) |part| stream.key.appendSlice(allocator, part) catch return false;
    }
    return true;
}

/// Fresh, or stale for a while in which one caller at a time fetches it anew.
fn isServed(entry: *stores.Entry, now_ns: u64) bool {
    if (now_ns < entry.fresh_until_ns) return true;
    if (now_ns >= entry.stale_until_ns) return false;
    const until = @atomicLoad(u64, &entry.refreshing_until_ns, .monotonic);
    if (now_ns < until) return true;
    return @cmpxchgStrong(u64, &entry.refreshing_until_ns, until, now_ns + REFRESH_NS, .monotonic, .monotonic) != null;
}

fn give(s: abi.Stream, entry: *stores.Entry, now_ns: u64) void {
    var headers: [HEADERS_MAX + 1]abi.Pair = undefined;
    var count: usize = 0;
    var tag: ?[]const u8 = null;
    var rest = entry.head_text();
    while (rest.len > 0 and count < HEADERS_MAX) : (count += 1) {
        const name = cut(&rest);
        const value = cut(&rest);
        headers[count] = .{ .key = .of(name), .value = .of(value) };
        if (rules.eql(name, "etag")) tag = value;
    }
    var digits: [20]u8 = undefined;
    const age = std.fmt.bufPrint(&digits, "{d}", .{(now_ns - entry.made_ns) / std.time.ns_per_s}) catch unreachable;
    headers[count] = .{ .key = .of("age"), .value = .of(age) };
    if (entry.status >= 400) abi.setMetadata(s, "reason", AS_IT_STANDS);
    const known = abi.requestHeader(s, "if-none-match") orelse "";
    const is_known = entry.status == 200 and tag != null and rules.matchesTag(known, tag.?);
    const status: u32 = if (is_known) 304 else entry.status;
    answering.answer(s, status, headers[0 .. count + 1], if (is_known) "" else entry.body(), DETAILS);
}

/// One length and text from the front of `rest`.
fn cut(rest: *[]const u8) []const u8 {
    const length = std.mem.readInt(u32, rest.*[0..4], .little);
    const text = rest.*[4..][0..length];
    rest.* = rest.*[4 + length ..];
    return text;
}
fn put(list: *std.ArrayList(u8), text: []const u8) !void {
    var length: [4]u8 = undefined;
    std.mem.writeInt(u32, &length, @intCast(text.len), .little);
    try list.appendSlice(allocator, &length);
    try list.appendSlice(allocator, text);
}

export fn envoy_dynamic_module_on_http_filter_response_headers(s: abi.Stream, stream: *Stream, is_end: bool) c_int {
    if (stream.work == .none) return abi.CONTINUE;
    var room: [HEADERS_MAX]abi.Pair = undefined;
    const headers = answering.responseHeaders(s, &room) orelse {
        stream.giveUp();
        return abi.CONTINUE;
    };
    note(stream, headers) catch if (stream.work == .fill) stream.giveUp();
    if (stream.work == .invalidate) {
        if (stream.answer.status < 400) store.remove(stream.key.items); // RFC 9111 §4.4
        stream.work = .none;
    }
    if (stream.work != .fill) return abi.CONTINUE;
    if (stream.answer.lifetime(stream.route.value.ttl_s) == null) stream.giveUp(); // as most: nothing is copied for it
    if (stream.work == .fill) copyHead(stream, headers, answering.routeNumber(s, "notice")) catch stream.giveUp();
    if (stream.work == .fill and is_end) keep(s, stream);
    return abi.CONTINUE;
}

/// Reads what an answer's headers say of storing it.
fn note(stream: *Stream, headers: []const abi.Pair) !void {
    for (headers) |*one| {
        const name, const value = .{ one.key.slice(), one.value.slice() };
        if (std.mem.eql(u8, name, ":status")) stream.answer.status = try std.fmt.parseInt(u32, value, 10);
        stream.answer.note(name, value);
        if (!rules.eql(name, "vary")) continue;
        const names = rules.vary(value, stream.route.value.vary, stream.varies[stream.varies_len..]) orelse return error.Varies;
        stream.varies_len += names.len;
    }
}

/// Gathers the headers that are stored. What the route itself tells of its end is not: Envoy adds
/// it to every hit. `told` is 2 where the last `link` is the route's.
fn copyHead(stream: *Stream, headers: []const abi.Pair, told: u32) !void {
    var own_link: usize = headers.len;
    if (told > 1) for (headers, 0..) |*one, i| if (rules.eql(one.key.slice(), "link")) {
        own_link = i;
    };
    for (headers, 0..) |*one, i| {
        const name, const value = .{ one.key.slice(), one.value.slice() };
        if (!rules.isKept(name) or i == own_link) continue;
        if (told > 0 and (rules.eql(name, "deprecation") or rules.eql(name, "sunset"))) continue;
        try put(&stream.head, name);
        try put(&stream.head, value);
    }
    if (stream.head.items.len > HEADERS_BYTES_MAX) return error.TooLarge;
}

export fn envoy_dynamic_module_on_http_filter_response_body(s: abi.Stream, stream: *Stream, is_end: bool) c_int {
    if (stream.work != .fill) return abi.CONTINUE;
    gather(s, stream) catch {
        stream.giveUp();
        return abi.CONTINUE;
    };
    if (is_end) keep(s, stream);
    return abi.CONTINUE;
}

fn gather(s: abi.Stream, stream: *Stream) !void {
    const size = answering.responseBodySize(s);
    if (stream.body.items.len + size > stream.route.value.body_bytes_max) return error.TooLarge;
    if (!store.reserve(size)) return error.NoRoom;
    stream.reserved += size;
    const chunks = try allocator.alloc(abi.Buffer, answering.responseBodyChunks(s));
    defer allocator.free(chunks);
    if (!answering.responseBody(s, chunks)) return;
    for (chunks) |chunk| try stream.body.appendSlice(allocator, chunk.slice());
}

/// The answer is whole: into the store with it, and with a marker if answers differ by headers.
fn keep(s: abi.Stream, stream: *Stream) void {
    defer stream.giveUp();
    const settings = &stream.route.value;
    const lifetime_s = stream.answer.lifetime(settings.ttl_s) orelse return;
    const stale_s = if (settings.stale_s > 0) settings.stale_s else stream.answer.control.stale_s orelse 0;
    const names = stream.varies[0..stream.varies_len];
    if (names.len > 0) {
        const marker = stores.Entry.create(stream.key.items, names, "") orelse return;
        marker.is_marker = true;
        if (!addVariant(s, stream, names)) return marker.release();
        store.insert(marker);
    }
    const entry = stores.Entry.create(stream.key.items, stream.head.items, stream.body.items) orelse return;
    entry.status = stream.answer.status;
    entry.purged = stream.purged;
    entry.made_ns = stream.sent_ns - inNs(stream.answer.age_s);
    entry.fresh_until_ns = entry.made_ns + inNs(lifetime_s);
    entry.stale_until_ns = entry.fresh_until_ns + inNs(stale_s);
    store.insert(entry);
}

export fn envoy_dynamic_module_on_http_filter_response_trailers(_: abi.Stream, stream: *Stream) c_int {
    stream.giveUp(); // trailers are not stored, and an answer without them would not be the same
    return abi.CONTINUE;
}

/// Envoy answers by itself: that is no word of the upstream.
export fn envoy_dynamic_module_on_http_filter_local_reply(_: abi.Stream, stream: *Stream) c_int {
    stream.giveUp();
    return abi.CONTINUE;
}

fn inNs(seconds: u64) u64 {
    const bounded: u64 = @min(seconds, rules.LIFETIME_S_MAX);
    return bounded * std.time.ns_per_s;
}
fn nowNs() u64 {
    var now: std.c.timespec = undefined;
    _ = std.c.clock_gettime(.MONOTONIC, &now);
    return CLOCK_BASE_NS + @as(u64, @intCast(now.sec)) * std.time.ns_per_s + @as(u64, @intCast(now.nsec));
}

comptime {
    hooks.exportUnused(&.{ "response_body", "response_trailers", "local_reply", "per_route_config_new", "per_route_config_destroy" });
}
