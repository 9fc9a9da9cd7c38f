//! Which limits does a call meet, and are all of them within? What was taken before one refuses is
//! given back: a refused call uses up nothing.
//!
//! First what may run at one time, then every rate, then every quota; of each the plan's, the
//! API's, the operation's. A limit in shadow counts as it would, and is left out of the refusal
//! and of the fields that callers read; the record says what it would have said. A limit for
//! anonymous callers is met by those without a plan alone.
const std = @import("std");
const t = @import("table.zig");
const layout = t.layout;
const concurrent = @import("concurrent.zig");
const decide = @import("decide.zig");
const keys = @import("keys.zig");
const limits = @import("limits.zig");

pub const Scope = enum(u8) { plan, api, operation };
/// A limit that was asked. `at` is where its word stands in the file: 0 for one without a word.
/// `is_refused`: it refused the call; in shadow it would have.
pub const Item = struct { limit: limits.Limit, scope: Scope, nth: u8, slot: u8, is_refused: bool, at: usize, outcome: limits.Outcome };
pub const ITEMS_MAX = layout.PLAN_LIMITS + 2 * layout.SCOPED_LIMITS;

/// Asks every limit and takes the call's cost from each.
pub fn takeAll(call: *decide.Call) decide.Reason {
    var asked: [ITEMS_MAX]Item = undefined;
    var count: usize = 0;
    if (call.plan) |plan| gather(call, .plan, &plan.limits, &call.subscription.?.counters, &asked, &count);
    gather(call, .api, &call.api.limits, &call.api.counters, &asked, &count);
    gather(call, .operation, &call.operation.limits, &call.operation.counters, &asked, &count);
    if (count == 0) return .allowed;
    const d = call.d;
    d.units = @truncate(t.load(&call.operation.cost));
    d.file = call.table.header().hash_key[0];
    for ([_]limits.Kind{ .concurrent, .rate, .quota }) |kind| {
        var seen: [3]u8 = @splat(0); // limits of the kind, by scope
        for (asked[0..count]) |*one| {
            if (one.limit.kind != kind) continue;
            if (!one.limit.is_shadow) {
                seen[@backingInt(one.scope)] += 1;
                one.nth = seen[@backingInt(one.scope)];
            }
            const refused = take(call, one);
            one.is_refused = refused != .allowed;
            d.items[d.count] = one.*;
            d.count += 1;
            if (refused == .allowed) continue;
            if (one.limit.is_shadow) {
                if (d.observed == .allowed) d.observed = refused;
                continue;
            }
            d.retry_s = one.outcome.retry_s;
            giveBack(d, call.table, 0);
            d.observed = .allowed;
            return refused;
        }
    }
    return .allowed;
}

/// Gives back what a call took `age_ns` ago, but for its place among those that run.
pub fn giveBack(d: *decide.Decision, table: t.Table, age_ns: u64) void {
    for (d.items[0..d.count]) |*item| {
        if (!item.outcome.ok) continue;
        if (item.limit.kind == .concurrent) {
            if (age_ns == 0) release(item, table);
            continue;
        }
        limits.refund(table.wordAt(item.at), item.limit, d.units, item.outcome.index, age_ns);
        item.outcome.remaining = @min(item.outcome.remaining + d.units, @max(item.limit.amount, item.limit.burst));
        item.outcome.ok = false; // once
    }
}

/// The stream has ended: others may run in its place.
pub fn end(d: *decide.Decision, table: t.Table) void {
    for (d.items[0..d.count]) |*item| if (item.limit.kind == .concurrent and item.outcome.ok) release(item, table);
}

fn release(item: *Item, table: t.Table) void {
    if (item.outcome.index == 1) concurrent.release(table.wordAt(item.at));
    item.outcome.index = 0;
}

fn gather(call: *const decide.Call, scope: Scope, words: []const u64, counters: []u64, into: *[ITEMS_MAX]Item, count: *usize) void {
    for (words, counters, 0..) |*word, *own, slot| {
        const limit: limits.Limit = @bitCast(t.load(word));
        if (limit.kind == .none) continue;
        if (limit.is_anonymous and call.plan != null) continue;
        into[count.*] = .{ .limit = limit, .scope = scope, .nth = 0, .slot = @intCast(slot), .is_refused = false, .at = call.table.offsetOf(own), .outcome = limits.NONE_LEFT };
        count.* += 1;
    }
}

fn take(call: *decide.Call, item: *Item) decide.Reason {
    const d = call.d;
    if (item.limit.subject != .everyone) {
        const found = counterOf(call, item);
        item.at = if (found) |word| call.table.offsetOf(word) else 0;
        if (found == null) {
            t.add(&call.table.header().dropped);
            return .counters_full;
        }
    }
    const word = call.table.wordAt(item.at);
    item.outcome = switch (item.limit.kind) {
        .concurrent => concurrent.take(word, item.limit, call.table.header()),
        .quota => if (item.scope == .plan) takeShared(call, word, item) else limits.take(word, item.limit, d.units, d.now_ns),
        else => limits.takeRate(word, item.limit, d.units, d.now_ns, if (item.limit.isShared()) @max(1, t.load(&call.table.header().rate_nodes)) else 1),
    };
    if (item.outcome.ok) return .allowed;
    return switch (item.limit.kind) {
        .concurrent => .concurrency_limited,
        .quota => .quota_exceeded,
        else => .rate_limited,
    };
}

/// A plan's quota, of which several nodes may each have a part.
fn takeShared(call: *decide.Call, word: *u64, item: *const Item) limits.Outcome {
    const d = call.d;
    const header = call.table.header();
    const own = call.subscription.?;
    const row = call.table.numberOf(layout.subscription, own);
    const share: ?limits.Share = if (t.load(&header.quota_divisor) == 0) null else .{
        .divisor = &header.quota_divisor,
        .since_s = &header.quota_since_s,
        .lease = &call.table.at(layout.lease, row).words[item.slot],
    };
    const outcome = limits.takeQuota(word, item.limit, d.units, d.now_ns, share);
    if (outcome.is_low) call.table.mark(layout.subscription_dirty, row);
    // what costs more than the whole quota says nothing of what is left
    const is_over = !outcome.ok and !outcome.is_low and d.units <= item.limit.amount;
    if (is_over) @atomicStore(u8, &own.refused[item.slot], 0x80 | @as(u8, @truncate(outcome.index & 0x7f)), .monotonic);
    if (outcome.ok or is_over) call.table.mark(layout.quota_dirty, row);
    return outcome;
}

/// The counter of one subject of one limit. Its name is keyed with a secret of the file, so
/// that no caller can choose addresses that collide. IPv6 counts by /64: one customer has that
/// many. A caller who has no credential or application counts by address, one without the claim by
/// application.
fn counterOf(call: *decide.Call, item: *const Item) ?*u64 {
    var text: [24]u8 = @splat(0);
    text[0] = @backingInt(item.scope);
    text[1] = item.slot;
    const row: u64 = if (item.scope == .api) t.load(&call.operation.api) else call.operation_row;
    std.mem.writeInt(u32, text[2..6], @truncate(row), .little);
    const subject: u8 = @backingInt(item.limit.subject);
    const claim = if (subject >= limits.CLAIM) call.token.claimOf(subject - limits.CLAIM) else null;
    if (claim) |digest| {
        text[6] = subject;
        @memcpy(text[8..24], digest);
    } else if (call.application_row != 0 and (item.limit.subject == .application or subject >= limits.CLAIM)) {
        text[6] = 1;
        std.mem.writeInt(u32, text[8..12], call.application_row, .little);
    } else if (call.application_row != 0 and item.limit.subject == .credential) {
        text[6] = 2;
        @memcpy(text[8..24], call.d.caller[0..16]);
    } else {
        const length: usize = if (keys.isV4(&call.address)) 16 else 8;
        @memcpy(text[8..][0..length], call.address[0..length]);
    }
    const secret: [16]u8 = @bitCast(call.table.header().hash_key);
    const key = std.crypto.auth.siphash.SipHash64(2, 4).toInt(&text, &secret);
    return limits.claim(call.table, @max(1, key), call.d.now_ns);
}
