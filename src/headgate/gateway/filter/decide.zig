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

/// Decide, take the allowances and count. `settings` is the API's, already copied.
pub fn decide(table: t.Table, api: *t.API, settings: *const t.Settings, call: *const Call, d: *Decision) void {
    var judge: Judge = .{
        .table = table,
        .api = api,
        .operation = table.operation(call.operation),
        .settings = settings,
        .call = call,
        .d = d,
        .now_us = call.now_ns / std.time.ns_per_us,
    };
    tick(table.header(), call.now_ns);
    d.now_ns = call.now_ns;
    d.reason = judge.reason();
    judge.count();
}

/// Notices a clock that steps back by more than a second, once per step.
fn tick(header: *t.Header, now_ns: u64) void {
    const word = &header.clock_ns;
    const seen = t.load(word);
    if (now_ns + limits.NS < seen) {
        const is_first = @cmpxchgStrong(u64, word, seen, now_ns, .monotonic, .monotonic) == null;
        if (is_first) t.add(&header.clock_steps);
    } else if (now_ns > seen + 10 * std.time.ns_per_ms) @atomicStore(u64, word, now_ns, .monotonic);
}

const Use = struct { word: *u64, limit: limits.Limit };

/// One call on its way through the checks, with what is known of its caller so far.
const Judge = struct {
    table: t.Table,
    api: *t.API,
    operation: ?*t.Operation,
    settings: *const t.Settings,
    call: *const Call,
    d: *Decision,
    now_us: u64,
    application: ?*t.Application = null,
    application_row: u32 = 0,
    subscription: ?*t.Subscription = null,
    plan: ?*t.Plan = null,
    taken: [ITEMS_MAX]Use = undefined, // beside the decision's items

    fn reason(self: *Judge) Reason {
        const settings = self.settings;
        if (self.table.isAddressBlocked(&self.call.address, self.now_us)) return .blocked;
        const operation = self.operation orelse return .table_filling;
        if (self.call.key) |key| {
            const refused = self.authenticate(key);
            if (refused != .allowed) return refused;
        } else if (settings.is_open == 0) return .no_credential;
        if (settings.state != t.ACTIVE) return if (settings.state == 0) .table_filling else .api_closed;
        if (self.application != null) {
            const refused = self.subscribe();
            const is_let_in = settings.is_open != 0 and refused != .table_damaged;
            if (refused != .allowed and !is_let_in) return refused;
        }
        return self.takeAll(operation);
    }

    fn count(self: *Judge) void {
        const is_allowed = self.d.reason == .allowed;
        if (self.d.reason == .table_damaged) t.add(&self.table.header().damaged);
        if (self.operation) |row| {
            t.add(if (is_allowed) &row.allowed else &row.rejected);
            self.table.markOperation(self.call.operation);
        }
        if (self.application) |row| {
            t.add(if (is_allowed) &row.allowed else &row.rejected);
            self.table.markApplication(self.application_row);
        }
    }

    fn authenticate(self: *Judge, key: []const u8) Reason {
        const table = self.table;
        if (!keys.isShaped(key)) return .unknown_credential; // the checksum costs more than it saves
        var digest: [32]u8 = undefined;
        hash.sha256(key.ptr, key.len, &digest);
        const credential = table.findCredential(&digest) orelse return .unknown_credential;
        const state = t.load(&credential.state);
        if (state == t.REMOVED or state == 0) return .unknown_credential;
        self.d.name(0, &credential.id);
        const application = table.application(credential.application) orelse return .table_damaged;
        self.d.name(1, &application.id);
        self.d.name(2, &application.organization);
        self.application = application;
        self.application_row = credential.application;
        if (state != t.ACTIVE) return .revoked;
        const expires_us = t.load(&credential.expires_us);
        if (expires_us != 0 and expires_us <= self.now_us) return .expired;
        for ([_]u8{ t.BLOCK_BIT_CREDENTIAL, t.BLOCK_BIT_APPLICATION }, [_]*const [16]u8{ &credential.id, &application.id }) |bit, id| {
            if (table.usesBlockBit(bit) and table.isBlocked(id, bit, self.now_us)) return .blocked;
        }
        t.add(&credential.uses);
        const now_s = self.now_us / std.time.us_per_s;
        if (t.load(&credential.last_used_s) != now_s) @atomicStore(u64, &credential.last_used_s, now_s, .monotonic);
        return if (t.load(&application.state) == t.ACTIVE) .allowed else .application_suspended;
    }

    /// The first of the API's products under which the application has an active subscription.
    fn subscribe(self: *Judge) Reason {
        var refused: Reason = .not_subscribed;
        for (self.settings.products[0..self.settings.product_count]) |product| {
            const found = self.table.findSubscription(self.application_row, product) orelse continue;
            const plan_state = t.load(&found.plan_state);
            const expires_us = t.load(&found.expires_us);
            const state = plan_state >> 32;
            if (state == t.SUSPENDED) refused = .subscription_suspended;
            if (state != t.ACTIVE) continue;
            if (expires_us != 0 and expires_us <= self.now_us) {
                refused = .subscription_expired;
                continue;
            }
            const plan = self.table.plan(plan_state & 0xFFFF_FFFF) orelse return .table_damaged;
            if (t.load(&plan.state) == 0) return .table_damaged;
            self.plan = plan;
            self.subscription = found;
            self.d.name(3, &found.id);
            self.d.name(4, &plan.id);
            return .allowed;
        }
        return refused;
    }

    /// First every rate, then every quota; what was taken before a refusal is given back.
    fn takeAll(self: *Judge, operation: *t.Operation) Reason {
        for ([_]limits.Kind{ .rate, .quota }) |kind| {
            var refused: Reason = .allowed;
            if (self.plan) |plan| refused = self.takeScope(kind, .plan, &plan.limits, &self.subscription.?.counters);
            if (refused == .allowed) refused = self.takeScope(kind, .api, &self.api.limits, &self.api.counters);
            if (refused == .allowed) refused = self.takeScope(kind, .operation, &operation.limits, &operation.counters);
            if (refused == .allowed) continue;
            const last = self.d.count -| 1;
            for (self.taken[0..last], self.d.items[0..last]) |use, *item| {
                limits.refund(use.word, use.limit, self.call.now_ns);
                item.outcome.remaining = @min(item.outcome.remaining + 1, @max(item.limit.amount, item.limit.burst));
            }
            return refused;
        }
        return .allowed;
    }

    fn takeScope(self: *Judge, kind: limits.Kind, scope: Scope, words: []u64, counters: []u64) Reason {
        const d = self.d;
        var nth: u8 = 0;
        for (words, counters, 0..) |*packed_limit, *own, slot| {
            const limit: limits.Limit = @bitCast(t.load(packed_limit));
            if (limit.kind != kind) continue;
            nth += 1;
            const item = &d.items[d.count];
            item.* = .{ .limit = limit, .scope = scope, .nth = nth, .outcome = limits.NONE_LEFT };
            defer d.count += 1;
            const word = if (limit.subject == .everyone) own else self.counterOf(limit.subject, scope, slot) orelse {
                t.add(&self.table.header().dropped);
                d.retry_s = 1;
                return .counters_full;
            };
            item.outcome = limits.take(word, limit, self.call.now_ns);
            self.taken[d.count] = .{ .word = word, .limit = limit };
            if (item.outcome.ok) continue;
            d.retry_s = @max(1, item.outcome.retry_s);
            return if (kind == .rate) .rate_limited else .quota_exceeded;
        }
        return .allowed;
    }

    /// The counter of one subject of one limit. Its name is keyed with a secret of the file, so
    /// that no caller can choose addresses that collide. IPv6 counts by /64: one customer has that many.
    fn counterOf(self: *Judge, subject: limits.Subject, scope: Scope, slot: usize) ?*u64 {
        const address = &self.call.address;
        var text: [24]u8 = @splat(0);
        text[0] = @backingInt(scope);
        text[1] = @intCast(slot);
        std.mem.writeInt(u32, text[2..6], if (scope == .api) self.call.api else self.call.operation, .little);
        if (subject == .application and self.application_row != 0) {
            text[6] = 1;
            std.mem.writeInt(u32, text[8..12], self.application_row, .little);
        } else {
            const is_v4 = std.mem.eql(u8, address[0..12], &.{ 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255 });
            const length: usize = if (is_v4) 16 else 8;
            @memcpy(text[8..][0..length], address[0..length]);
        }
        const key = std.crypto.auth.siphash.SipHash64(2, 4).toInt(&text, &self.table.hashKey());
        return limits.claim(self.table, @max(1, key), self.call.now_ns);
    }
};
