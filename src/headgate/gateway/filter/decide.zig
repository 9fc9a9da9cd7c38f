//! May this call pass? Blocks, then the key, the subscription, the rates, the quotas.
//!
//! Fails closed: what the table does not say, or says impossibly, is refused. A refused call uses
//! up nothing: a limit that was taken before a later one refused gets it back.
const std = @import("std");
const t = @import("table.zig");
const hash = @import("hash.zig");
const keys = @import("keys.zig");
const limits = @import("limits.zig");

pub const Reason = enum {
    allowed,
    no_credential,
    unknown_credential,
    revoked,
    expired,
    not_subscribed,
    subscription_suspended,
    subscription_expired,
    application_suspended,
    api_closed,
    rate_limited,
    quota_exceeded,
    counters_full,
    blocked,
    no_route,
    method_not_allowed,
    table_damaged,
    table_filling,
};

pub const Call = struct {
    now_ns: u64,
    operation: u32,
    api: u32,
    address: [16]u8,
    key: ?[]const u8,
};

pub const Scope = enum(u8) { plan, api, operation };
pub const Item = struct { limit: limits.Limit, scope: Scope, nth: u8, outcome: limits.Outcome };
pub const ITEMS_MAX = t.LIMITS + 2 * t.SCOPED;

/// The decision on one call, kept until its answer has its headers.
pub const Decision = struct {
    reason: Reason = .table_damaged,
    retry_s: u64 = 0,
    has_caller: bool = false,
    count: u8 = 0,
    now_ns: u64 = 0,
    caller: [80]u8 = undefined, // credential, application, organization, subscription, plan
    items: [ITEMS_MAX]Item = undefined,

    fn name(self: *Decision, place: usize, id: *const [16]u8) void {
        if (!self.has_caller) @memset(&self.caller, '-');
        self.has_caller = true;
        self.caller[place * 16 ..][0..16].* = id.*;
    }
};

const Who = struct { application: ?*t.Application = null, row: u32 = 0, subscription: ?*t.Subscription = null, plan: ?*t.Plan = null };

/// Decide, take the allowances and count. `settings` is the API's, already copied.
pub fn decide(table: t.Table, api: *t.API, settings: *const t.Settings, call: *const Call, d: *Decision) void {
    var who: Who = .{};
    const operation = table.operation(call.operation);
    tick(table.header(), call.now_ns);
    d.now_ns = call.now_ns;
    d.reason = judge(table, api, operation, settings, call, &who, d);
    if (d.reason == .table_damaged) t.add(&table.header().damaged);
    if (operation) |row| {
        t.add(if (d.reason == .allowed) &row.allowed else &row.rejected);
        table.markOperation(call.operation);
    }
    if (who.application) |row| {
        t.add(if (d.reason == .allowed) &row.allowed else &row.rejected);
        table.markApplication(who.row);
    }
}

/// Notices a clock that steps back by more than a second, once per step.
fn tick(header: *t.Header, now_ns: u64) void {
    const seen = t.load(&header.clock_ns);
    if (now_ns + limits.NS < seen) {
        if (@cmpxchgStrong(u64, &header.clock_ns, seen, now_ns, .monotonic, .monotonic) == null) t.add(&header.clock_steps);
    } else if (now_ns > seen + 10 * std.time.ns_per_ms) @atomicStore(u64, &header.clock_ns, now_ns, .monotonic);
}

fn judge(table: t.Table, api: *t.API, operation: ?*t.Operation, settings: *const t.Settings, call: *const Call, who: *Who, d: *Decision) Reason {
    const now_us = call.now_ns / 1000;
    if (table.isAddressBlocked(&call.address, now_us)) return .blocked;
    if (operation == null) return .table_filling;
    if (call.key) |key| {
        const refused = authenticate(table, key, now_us, who, d);
        if (refused != .allowed) return refused;
    } else if (settings.is_open == 0) return .no_credential;
    if (settings.state != t.ACTIVE) return if (settings.state == 0) .table_filling else .api_closed;
    if (who.application != null) {
        const refused = subscribe(table, settings, now_us, who, d);
        if (refused != .allowed and (settings.is_open == 0 or refused == .table_damaged)) return refused;
    }
    return takeAll(table, api, operation.?, call, who, d);
}

fn authenticate(table: t.Table, key: []const u8, now_us: u64, who: *Who, d: *Decision) Reason {
    if (!keys.isShaped(key)) return .unknown_credential; // the checksum costs more than it saves
    var digest: [32]u8 = undefined;
    hash.sha256(key.ptr, key.len, &digest);
    const credential = table.findCredential(&digest) orelse return .unknown_credential;
    const state = t.load(&credential.state);
    if (state == t.REMOVED or state == 0) return .unknown_credential;
    d.name(0, &credential.id);
    const application = table.application(credential.application) orelse return .table_damaged;
    d.name(1, &application.id);
    d.name(2, &application.organization);
    who.application = application;
    who.row = credential.application;
    if (state != t.ACTIVE) return .revoked;
    const expires_us = t.load(&credential.expires_us);
    if (expires_us != 0 and expires_us <= now_us) return .expired;
    if (table.usesBlockBit(129) and table.isBlocked(&credential.id, 129, now_us)) return .blocked;
    if (table.usesBlockBit(130) and table.isBlocked(&application.id, 130, now_us)) return .blocked;
    t.add(&credential.uses);
    if (t.load(&credential.last_used_s) != now_us / std.time.us_per_s) @atomicStore(u64, &credential.last_used_s, now_us / std.time.us_per_s, .monotonic);
    return if (t.load(&application.state) == t.ACTIVE) .allowed else .application_suspended;
}

/// The first of the API's products under which the application has an active subscription.
fn subscribe(table: t.Table, settings: *const t.Settings, now_us: u64, who: *Who, d: *Decision) Reason {
    var refused: Reason = .not_subscribed;
    for (settings.products[0..settings.product_count]) |product| {
        const found = table.findSubscription(who.row, product) orelse continue;
        const plan_state = t.load(&found.plan_state);
        const expires_us = t.load(&found.expires_us);
        const state = plan_state >> 32;
        if (state == t.SUSPENDED) refused = .subscription_suspended;
        if (state != t.ACTIVE) continue;
        if (expires_us != 0 and expires_us <= now_us) {
            refused = .subscription_expired;
            continue;
        }
        who.plan = table.plan(plan_state & 0xFFFF_FFFF) orelse return .table_damaged;
        if (t.load(&who.plan.?.state) == 0) return .table_damaged;
        who.subscription = found;
        d.name(3, &found.id);
        d.name(4, &who.plan.?.id);
        return .allowed;
    }
    return refused;
}

const Use = struct { word: *u64, limit: limits.Limit };

fn takeAll(table: t.Table, api: *t.API, operation: *t.Operation, call: *const Call, who: *const Who, d: *Decision) Reason {
    var taken: [ITEMS_MAX]Use = undefined;
    for ([_]limits.Kind{ .rate, .quota }) |kind| {
        var refused: Reason = .allowed;
        if (who.plan) |plan| refused = takeScope(table, kind, .plan, &plan.limits, &who.subscription.?.counters, call, who, d, &taken);
        if (refused == .allowed) refused = takeScope(table, kind, .api, &api.limits, &api.counters, call, who, d, &taken);
        if (refused == .allowed) refused = takeScope(table, kind, .operation, &operation.limits, &operation.counters, call, who, d, &taken);
        if (refused == .allowed) continue;
        const last = d.count -| 1;
        for (taken[0..last], d.items[0..last]) |use, *item| {
            limits.refund(use.word, use.limit, call.now_ns);
            item.outcome.remaining = @min(item.outcome.remaining + 1, @max(item.limit.amount, item.limit.burst));
        }
        return refused;
    }
    return .allowed;
}

fn takeScope(table: t.Table, kind: limits.Kind, scope: Scope, words: []u64, counters: []u64, call: *const Call, who: *const Who, d: *Decision, taken: *[ITEMS_MAX]Use) Reason {
    var nth: u8 = 0;
    for (words, counters, 0..) |*packed_limit, *own, slot| {
        const limit: limits.Limit = @bitCast(t.load(packed_limit));
        if (limit.kind != kind) continue;
        nth += 1;
        const item = &d.items[d.count];
        item.* = .{ .limit = limit, .scope = scope, .nth = nth, .outcome = .{ .ok = false, .remaining = 0, .reset_s = 1, .retry_s = 1 } };
        const word: ?*u64 = if (limit.subject == .everyone) own else limits.claim(table, subjectKey(table, limit.subject, scope, slot, call, who), call.now_ns);
        if (word) |found| item.outcome = limits.take(found, limit, call.now_ns) else t.add(&table.header().dropped);
        if (word) |found| taken[d.count] = .{ .word = found, .limit = limit };
        d.count += 1;
        if (item.outcome.ok) continue;
        d.retry_s = @max(1, item.outcome.retry_s);
        if (word == null) return .counters_full;
        return if (kind == .rate) .rate_limited else .quota_exceeded;
    }
    return .allowed;
}

/// The counter's name for one subject of one limit: keyed with a secret of the file, so that no
/// caller can choose addresses that collide. IPv6 counts by /64: one customer has that many.
fn subjectKey(table: t.Table, subject: limits.Subject, scope: Scope, slot: usize, call: *const Call, who: *const Who) u64 {
    var text: [24]u8 = @splat(0);
    text[0] = @backingInt(scope);
    text[1] = @intCast(slot);
    std.mem.writeInt(u32, text[2..6], if (scope == .api) call.api else call.operation, .little);
    if (subject == .application and who.row != 0) {
        text[6] = 1;
        std.mem.writeInt(u32, text[8..12], who.row, .little);
    } else {
        const is_v4 = std.mem.eql(u8, call.address[0..12], &.{ 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255 });
        const length: usize = if (is_v4) 16 else 8;
        @memcpy(text[8..][0..length], call.address[0..length]);
    }
    return @max(1, std.crypto.auth.siphash.SipHash64(2, 4).toInt(&text, &table.hashKey()));
}
