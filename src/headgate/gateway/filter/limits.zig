//! Is there allowance left, and how much? Each limit is one 64-bit word changed by one CAS.
//!
//! A rate is GCRA: the word is the theoretical arrival time in ns since 2020 (60 bits). A quota is
//! window code (4 bits) | index of the UTC calendar window (28) | count (32). The top four bits
//! tell them apart, so a word left by the other kind, or by an earlier window, reads as unused.
//! A word is therefore never reset, and a slot whose word has run out can be given to another key.
const std = @import("std");
const t = @import("table.zig");
const layout = t.layout;

const EPOCH_NS: u64 = 1_577_836_800_000_000_000; // 2020-01-01
const TOLERANCE_MAX: u64 = 1 << 58; // nine years: keeps now + burst below 60 bits until 2047
const COUNT_MASK: u64 = 0xFFFF_FFFF;
pub const NS = 1_000_000_000;
const WINDOW_S = [_]u64{ 1, 60, 3600, 86_400 };
/// How many windows a stored index may lead the clock and still hold: the clock stepped back over
/// a boundary. A longer lead is a clock that was wrong: its count moves to the present window.
const LEAD_MAX = [_]u64{ 0, 60, 24, 1, 1 };

const PROBES_MAX = 64; // counters looked at before a subject is refused

pub const Kind = enum(u2) { none, rate, quota, _ };
pub const Subject = enum(u2) { everyone, application, address, _ };
pub const Limit = packed struct(u64) { amount: u32, burst: u24, window: u3, kind: Kind, subject: Subject, pad: u1 };

pub const Outcome = struct { ok: bool, remaining: u64, reset_s: u64, retry_s: u64, is_low: bool = false };
pub const NONE_LEFT: Outcome = .{ .ok = false, .remaining = 0, .reset_s = 1, .retry_s = 1 };

/// A node's part of a quota that several nodes hold together: what was leased for the window,
/// without a lease the amount divided.
pub const Share = struct {
    divisor: *const u64,
    since_s: *const u64,
    lease: *const u64,

    const Part = struct { amount: u64, is_final: bool };

    fn part(self: Share, limit: Limit, index: u64, start_s: u64) Part {
        const divisor = @atomicLoad(u64, self.divisor, .seq_cst);
        const word = @atomicLoad(u64, self.lease, .seq_cst);
        if (divisor == 0) return .{ .amount = limit.amount, .is_final = true };
        if (word >> 32 & 0x7FFF_FFFF == (@as(u64, limit.window) + 1) << 28 | index)
            return .{ .amount = @min(word & COUNT_MASK, limit.amount), .is_final = word >> 63 == 1 };
        const has_none = divisor == layout.SHARE_NOTHING or start_s < t.load(self.since_s);
        return .{ .amount = if (has_none) 0 else limit.amount / divisor, .is_final = false };
    }
};

const Calendar = struct { index: u64, start_s: u64, end_s: u64 };

fn calendar(window: u3, now_s: u64) Calendar {
    if (window < 4) {
        const length = WINDOW_S[window];
        const start = now_s / length * length;
        return .{ .index = now_s / length, .start_s = start, .end_s = start + length };
    }
    const month = monthOf(now_s / 86_400);
    return .{ .index = month, .start_s = firstDay(month) * 86_400, .end_s = firstDay(month + 1) * 86_400 };
}

/// Months since March of year 0 of the day that is `day` days after 1970-01-01.
/// Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".
fn monthOf(day: u64) u64 {
    const z = day + 719_468;
    const era_day = z % 146_097;
    const era_year = (era_day - era_day / 1460 + era_day / 36_524 - era_day / 146_096) / 365;
    const year_day = era_day - (365 * era_year + era_year / 4 - era_year / 100);
    return (z / 146_097 * 400 + era_year) * 12 + (5 * year_day + 2) / 153;
}

/// The first day of such a month, in days after 1970-01-01.
fn firstDay(month: u64) u64 {
    const year = month / 12;
    return 365 * year + year / 4 - year / 100 + year / 400 + (153 * (month % 12) + 2) / 5 - 719_468;
}

/// Length of the limit's window in seconds, as `w` in RateLimit-Policy.
pub fn windowSeconds(limit: Limit, now_ns: u64) u64 {
    if (limit.window < 4) return WINDOW_S[limit.window];
    const month = monthOf(now_ns / NS / 86_400);
    return (firstDay(month + 1) - firstDay(month)) * 86_400;
}

const Pace = struct { cost: u64, tolerance: u64 };

fn pace(limit: Limit) Pace {
    const window_ns = WINDOW_S[@min(limit.window, 3)] * NS;
    const cost = @max(1, window_ns / @max(1, limit.amount));
    return .{ .cost = cost, .tolerance = @min(@max(1, limit.burst) *| cost, TOLERANCE_MAX) };
}

fn ceilSeconds(ns: u64) u64 {
    return (ns + NS - 1) / NS;
}

/// Take one from the allowance if there is one left. `now_ns`: since 1970, after 2020.
pub fn take(word: *u64, limit: Limit, now_ns: u64) Outcome {
    return if (limit.kind == .quota) takeQuota(word, limit, now_ns, null) else takeRate(word, limit, now_ns);
}

fn takeRate(word: *u64, limit: Limit, now_ns: u64) Outcome {
    const p = pace(limit);
    const now = now_ns -| EPOCH_NS;
    var old = t.load(word);
    while (true) {
        const stored = if (old >> 60 == 0) old else 0;
        const arrival = @min(@max(stored, now), now + p.tolerance); // a step back locks out no longer than the burst
        const next = arrival + p.cost;
        const ok = next <= now + p.tolerance;
        if (!ok and stored <= arrival) return .{
            .ok = false,
            .remaining = 0,
            .reset_s = ceilSeconds(arrival - now),
            .retry_s = ceilSeconds(next - now - p.tolerance),
        };
        if (@cmpxchgWeak(u64, word, old, if (ok) next else arrival, .acq_rel, .acquire)) |seen| {
            old = seen;
        } else if (ok) {
            const left = (now + p.tolerance - next) / p.cost;
            return .{ .ok = true, .remaining = left, .reset_s = ceilSeconds(next - now), .retry_s = 0 };
        } else old = arrival;
    }
}

/// A part that shrinks at this moment is never overdrawn: the writer stores the smaller part and
/// then reads the count, this side counts and then reads the part again. One sees the other.
pub fn takeQuota(word: *u64, limit: Limit, now_ns: u64, share: ?Share) Outcome {
    const now_s = now_ns / NS;
    const present = calendar(limit.window, now_s);
    const code = @as(u64, limit.window) + 1;
    var old = t.load(word);
    while (true) {
        var index = present.index;
        var count: u64 = 0;
        if (old >> 60 == code) {
            const stored = old >> 32 & 0xFFF_FFFF;
            if (stored >= index) count = old & COUNT_MASK;
            if (stored > index and stored - index <= LEAD_MAX[@min(limit.window, 4)]) index = stored;
        }
        const until = present.end_s - now_s;
        const mine: Share.Part = if (share) |some| some.part(limit, index, present.start_s) else .{ .amount = limit.amount, .is_final = true };
        const refused: Outcome = .{ .ok = false, .remaining = 0, .reset_s = until, .retry_s = if (mine.is_final) until else 1, .is_low = !mine.is_final };
        if (count >= mine.amount) return refused;
        const next = code << 60 | (index & 0xFFF_FFFF) << 32 | (count + 1);
        if (@cmpxchgWeak(u64, word, old, next, .seq_cst, .acquire)) |seen| {
            old = seen;
            continue;
        }
        if (share) |some| if (some.part(limit, index, present.start_s).amount <= count) {
            refund(word, limit, now_ns);
            return refused;
        };
        const left = mine.amount - count - 1;
        return .{ .ok = true, .remaining = left, .reset_s = until, .retry_s = 0, .is_low = !mine.is_final and left <= mine.amount / 4 };
    }
}

/// Give back what `take` took with the same arguments: a later limit refused the call.
pub fn refund(word: *u64, limit: Limit, now_ns: u64) void {
    const cost = if (limit.kind == .quota) 1 else pace(limit).cost;
    var old = t.load(word);
    while (true) {
        if (limit.kind == .quota) {
            if (old >> 60 != @as(u64, limit.window) + 1 or old & COUNT_MASK == 0) return;
            if (old >> 32 & 0xFFF_FFFF < calendar(limit.window, now_ns / NS).index) return;
        } else if (old >> 60 != 0 or old < cost) return;
        old = @cmpxchgWeak(u64, word, old, old - cost, .acq_rel, .acquire) orelse return;
    }
}

/// Does the word read as unused for every limit, so that another key may have its slot?
fn isRunOut(value: u64, now_ns: u64) bool {
    const code = value >> 60;
    if (code == 0) return value <= now_ns -| EPOCH_NS;
    if (code > 5) return true;
    return value >> 32 & 0xFFF_FFFF < calendar(@intCast(code - 1), now_ns / NS).index;
}

/// The word that counts for `key` (never 0), claimed if it has none; null when all are in use.
/// Of two slots that claimed one key at the same time, both sides settle on the first.
pub fn claim(table: t.Table, key: u64, now_ns: u64) ?*u64 {
    for (0..4) |_| {
        var free: ?*layout.Counter = null;
        var free_key: u64 = 0;
        for (0..PROBES_MAX) |step| {
            const slot = table.at(layout.counter, (key +% step) & (layout.COUNTER_SLOTS - 1));
            const owner = t.load(&slot.key);
            if (owner == key) return &slot.value;
            if (free == null and (owner == 0 or isRunOut(t.load(&slot.value), now_ns))) {
                free = slot;
                free_key = owner;
            }
            if (owner == 0) break;
        }
        const slot = free orelse return null;
        _ = @cmpxchgStrong(u64, &slot.key, free_key, key, .seq_cst, .seq_cst);
    }
    return null;
}

const testing = std.testing;
const JAN = 1_798_761_600 * NS; // 2027-01-01, a Friday
fn rate(amount: u32, burst: u24, window: u3) Limit {
    return .{ .amount = amount, .burst = burst, .window = window, .kind = .rate, .subject = .everyone, .pad = 0 };
}
fn quota(amount: u32, window: u3) Limit {
    return .{ .amount = amount, .burst = 0, .window = window, .kind = .quota, .subject = .everyone, .pad = 0 };
}

test "a rate never lets more than burst plus what has grown back pass, and never less" {
    var prng = std.Random.DefaultPrng.init(1);
    const random = prng.random();
    for (0..200) |_| {
        const limit = rate(random.intRangeAtMost(u32, 1, 2000), random.intRangeAtMost(u24, 1, 300), random.intRangeAtMost(u3, 0, 2));
        var word: u64 = 0;
        var now: u64 = JAN;
        var passed: u64 = 0;
        for (0..500) |_| {
            now += random.uintLessThan(u64, 3 * pace(limit).cost);
            const before = word;
            if (take(&word, limit, now).ok) passed += 1 else try testing.expectEqual(before, word);
            try testing.expect(passed <= limit.burst + (now - JAN) / pace(limit).cost + 1);
        }
        var fresh: u64 = 0;
        for (0..limit.burst) |_| try testing.expect(take(&fresh, limit, now).ok);
        try testing.expect(!take(&fresh, limit, now).ok);
    }
}

test "a clock that steps back locks nobody out longer than the burst" {
    var word: u64 = 0;
    const limit = rate(10, 5, 0);
    try testing.expect(take(&word, limit, JAN + 3600 * NS).ok);
    try testing.expect(!take(&word, limit, JAN).ok);
    try testing.expect(take(&word, limit, JAN + NS / 10).ok);
    try testing.expect(take(&word, limit, JAN + NS).ok);
}

test "a quota grants its amount once per calendar window, also when the clock steps back" {
    var word: u64 = 0;
    const monthly = quota(3, 4);
    for (0..3) |left| try testing.expectEqual(2 - left, take(&word, monthly, JAN).remaining);
    try testing.expectEqual(31 * 86_400, take(&word, monthly, JAN).retry_s);
    try testing.expect(take(&word, monthly, JAN + 31 * 86_400 * NS).ok); // February
    try testing.expect(take(&word, monthly, JAN).ok); // stepped back: February's count goes on
    try testing.expect(take(&word, monthly, JAN).ok);
    try testing.expect(!take(&word, monthly, JAN).ok);
    try testing.expect(!take(&word, monthly, JAN + 32 * 86_400 * NS).ok);
    try testing.expect(take(&word, monthly, JAN + 60 * 86_400 * NS).ok); // March
    for (0..200 * 365) |day| { // the months of two hundred years follow each other without a gap
        const month = monthOf(day);
        try testing.expect(firstDay(month) <= day and day < firstDay(month + 1));
        try testing.expect(firstDay(month + 1) - firstDay(month) - 28 <= 3);
    }
    try testing.expectEqual(59, firstDay(monthOf(59))); // 1970-03-01
    try testing.expectEqual(28 * 86_400, windowSeconds(monthly, JAN + 31 * 86_400 * NS));
}

test "a shared quota grants the node's part: leased for its window, otherwise divided" {
    var divisor: u64 = 4;
    var since_s: u64 = 0;
    var lease: u64 = 0;
    const share: Share = .{ .divisor = &divisor, .since_s = &since_s, .lease = &lease };
    const daily = quota(20, 3);
    const day = calendar(3, JAN / NS).index;
    var word: u64 = 0;
    for (0..5) |_| try testing.expect(takeQuota(&word, daily, JAN, share).ok);
    const waiting = takeQuota(&word, daily, JAN, share);
    try testing.expect(!waiting.ok and waiting.is_low and waiting.retry_s == 1);
    lease = 4 << 60 | day << 32 | 6;
    try testing.expect(takeQuota(&word, daily, JAN, share).ok);
    try testing.expect(!takeQuota(&word, daily, JAN, share).ok);
    lease = 1 << 63 | 4 << 60 | day << 32 | 6; // no more is to be had
    try testing.expectEqual(86_400, takeQuota(&word, daily, JAN, share).retry_s);
    lease = 0;
    since_s = JAN / NS + 1; // the window had begun before
    var fresh: u64 = 0;
    try testing.expect(!takeQuota(&fresh, daily, JAN, share).ok);
    try testing.expect(takeQuota(&fresh, daily, JAN + 86_400 * NS, share).ok);
    divisor = layout.SHARE_NOTHING;
    lease = 4 << 60 | (day - 1) << 32 | 6; // of another window
    try testing.expect(!takeQuota(&word, daily, JAN, share).ok);
    try testing.expectEqual(6, word & COUNT_MASK); // what was refused used up nothing
    divisor = 0;
    try testing.expectEqual(13, takeQuota(&word, daily, JAN, share).remaining);
}

test "a refund gives back exactly one" {
    inline for (.{ rate(2, 2, 1), quota(2, 3) }) |limit| {
        var word: u64 = 0;
        try testing.expect(take(&word, limit, JAN).ok and take(&word, limit, JAN).ok);
        refund(&word, limit, JAN);
        try testing.expect(take(&word, limit, JAN).ok);
        try testing.expect(!take(&word, limit, JAN).ok);
    }
}

test "a word of the other kind or of an earlier window reads as unused" {
    var word: u64 = 0;
    try testing.expect(take(&word, quota(1, 1), JAN).ok);
    try testing.expect(!isRunOut(word, JAN) and isRunOut(word, JAN + 60 * NS));
    try testing.expect(take(&word, rate(1, 1, 2), JAN).ok);
    try testing.expect(take(&word, quota(1, 3), JAN).ok);
    try testing.expect(!take(&word, quota(1, 3), JAN).ok);
}
