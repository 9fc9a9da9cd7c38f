//! Is there allowance left, and how much? Each limit is one 64-bit word changed by one CAS.
//!
//! A rate is GCRA: the word is the theoretical arrival time in ns since 2020 (60 bits). A quota is
//! window code (4 bits) | index of the UTC calendar window (28) | count (32). Calls that run at one
//! time are counted as `concurrent.zig` says. The top four bits tell them apart, so a word left by
//! another kind, or by an earlier window, reads as unused. A word is therefore never reset, and a
//! slot whose word has run out can be given to another key.
//!
//! A call takes its cost in units, whole or not at all: one that does not fit uses up nothing.
const std = @import("std");
const t = @import("table.zig");
const layout = t.layout;
const concurrent = @import("concurrent.zig");
const calendar = @import("calendar.zig");

pub const EPOCH_NS: u64 = 1_577_836_800_000_000_000; // 2020-01-01
const TOLERANCE_MAX: u64 = 1 << 58; // nine years: keeps now + burst below 60 bits until 2047
const COUNT_MASK: u64 = 0xFFFF_FFFF;
pub const NS = 1_000_000_000;
/// How many windows a stored index may lead the clock and still hold: the clock stepped back over
/// a boundary. A longer lead is a clock that was wrong: its count moves to the present window.
const LEAD_MAX = [_]u64{ 0, 60, 24, 1, 1 };
const SHARED: u3 = 4; // of a rate's window, which is never a month: nodes share it
const CODE_ANCHORED = 6; // a month from another day than the first; codes below are window + 1
pub const CODE_CONCURRENT = 7;

const PROBES_MAX = 64; // counters looked at before a subject is refused

pub const Kind = enum(u2) { none, rate, quota, concurrent };
pub const CLAIM = 4; // the API's first claim; the others follow
pub const Subject = enum(u3) { everyone, application, address, credential, _ };
/// `burst` is a rate's; of a monthly quota it is the day on which the month begins. One that
/// `is_shadow` is counted and never refuses.
pub const Limit = packed struct(u64) {
    amount: u32,
    burst: u22,
    is_anonymous: bool = false, // met by callers without a plan alone
    is_shadow: bool,
    window: u3,
    kind: Kind,
    subject: Subject,

    pub fn isShared(self: Limit) bool {
        return self.kind == .rate and self.window & SHARED != 0;
    }
    /// The window without what else is said in its bits.
    pub fn span(self: Limit) u3 {
        return if (self.kind == .rate) self.window & ~SHARED else self.window;
    }
    /// Days by which the quota's month begins after the calendar's.
    fn shift(self: Limit) u64 {
        return if (self.kind == .quota and self.window == calendar.MONTH) @min(self.burst, 28) -| 1 else 0;
    }
    /// The top four bits of a quota's word. An anchored month has its own: the index of the one
    /// that runs may be that of the calendar's last.
    fn code(self: Limit) u64 {
        return if (self.shift() > 0) CODE_ANCHORED else @as(u64, self.window) + 1;
    }
};

/// `retry_s` 0: waiting does not help, the call costs more than the limit. `index`: the window in
/// which a quota has counted, or refused; of a rate the ns that the call took.
pub const Outcome = struct { ok: bool, remaining: u64, reset_s: u64, retry_s: u64, is_low: bool = false, index: u64 = 0 };
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
        if (word >> 32 & 0x7FFF_FFFF == limit.code() << 28 | index)
            return .{ .amount = @min(word & COUNT_MASK, limit.amount), .is_final = word >> 63 == 1 };
        const has_none = divisor == layout.SHARE_NOTHING or start_s < t.load(self.since_s);
        return .{ .amount = if (has_none) 0 else limit.amount / divisor, .is_final = false };
    }
};

/// Length of the limit's window in seconds, as `w` in RateLimit-Policy.
pub fn windowSeconds(limit: Limit, now_ns: u64) u64 {
    const window = calendar.window(limit.span(), limit.shift(), now_ns / NS);
    return window.end_s - window.start_s;
}

const Pace = struct { cost: u64, tolerance: u64 };

/// Each of `nodes` that share a rate grants its part of it and of its burst; one call at least.
fn pace(limit: Limit, nodes: u64) Pace {
    const window_ns = calendar.WINDOW_S[limit.span() & 3] * NS *| nodes;
    const cost = @max(1, window_ns / @max(1, limit.amount));
    const burst = if (nodes == 1) limit.burst else limit.burst / nodes;
    return .{ .cost = cost, .tolerance = @min(@max(1, burst) *| cost, TOLERANCE_MAX) };
}

fn ceilSeconds(ns: u64) u64 {
    return (ns + NS - 1) / NS;
}

/// Take `units` from the allowance if they are left. `now_ns`: since 1970, after 2020.
pub fn take(word: *u64, limit: Limit, units: u32, now_ns: u64) Outcome {
    return if (limit.kind == .quota) takeQuota(word, limit, units, now_ns, null) else takeRate(word, limit, units, now_ns, 1);
}

/// `nodes`: that hold the rate together, 1 for one that is this node's alone.
pub fn takeRate(word: *u64, limit: Limit, units: u32, now_ns: u64, nodes: u64) Outcome {
    const p = pace(limit, nodes);
    const now = now_ns -| EPOCH_NS;
    const price = p.cost *| units;
    var old = t.load(word);
    while (true) {
        const stored = if (old >> 60 == 0) old else 0;
        const arrival = @min(@max(stored, now), now + p.tolerance); // a step back locks out no longer than the burst
        const next = arrival +| price;
        const ok = next <= now + p.tolerance;
        if (!ok and stored <= arrival) return .{
            .ok = false,
            .remaining = (now + p.tolerance - arrival) / p.cost,
            .reset_s = ceilSeconds(arrival - now),
            .retry_s = if (price > p.tolerance) 0 else ceilSeconds(next - now - p.tolerance),
        };
        if (@cmpxchgWeak(u64, word, old, if (ok) next else arrival, .acq_rel, .acquire)) |seen| {
            old = seen;
        } else if (ok) {
            const left = (now + p.tolerance - next) / p.cost;
            return .{ .ok = true, .remaining = left, .reset_s = ceilSeconds(next - now), .retry_s = 0, .index = price };
        } else old = arrival;
    }
}

/// A part that shrinks at this moment is never overdrawn: the writer stores the smaller part and
/// then reads the count, this side counts and then reads the part again. One sees the other.
pub fn takeQuota(word: *u64, limit: Limit, units: u32, now_ns: u64, share: ?Share) Outcome {
    const now_s = now_ns / NS;
    const present = calendar.window(limit.window, limit.shift(), now_s);
    var old = t.load(word);
    while (true) {
        var index = present.index;
        var count: u64 = 0;
        if (old >> 60 == limit.code()) {
            const stored = old >> 32 & 0xFFF_FFFF;
            if (stored >= index) count = old & COUNT_MASK;
            if (stored > index and stored - index <= LEAD_MAX[@min(limit.window, calendar.MONTH)]) index = stored;
        }
        const until = present.end_s - now_s;
        const mine: Share.Part = if (share) |some| some.part(limit, index, present.start_s) else .{ .amount = limit.amount, .is_final = true };
        const wait = if (units > limit.amount) 0 else if (mine.is_final) until else 1;
        const refused: Outcome = .{ .ok = false, .remaining = mine.amount -| count, .reset_s = until, .retry_s = wait, .is_low = !mine.is_final, .index = index };
        if (count + units > mine.amount) return refused;
        const next = limit.code() << 60 | (index & 0xFFF_FFFF) << 32 | (count + units);
        if (@cmpxchgWeak(u64, word, old, next, .seq_cst, .acquire)) |seen| {
            old = seen;
            continue;
        }
        if (share) |some| if (some.part(limit, index, present.start_s).amount < count + units) {
            refund(word, limit, units, index, 0);
            return refused;
        };
        const left = mine.amount - count - units;
        return .{ .ok = true, .remaining = left, .reset_s = until, .retry_s = 0, .index = index, .is_low = !mine.is_final and left <= mine.amount / 4 };
    }
}

/// Give back what `take` took `age_ns` ago: the call was refused all the same. Of a quota all of
/// it, while its window lasts; of a rate what cannot have grown back since, so that never more than
/// the burst is there. `index`: the outcome's.
pub fn refund(word: *u64, limit: Limit, units: u32, index: u64, age_ns: u64) void {
    const back = if (limit.kind == .quota) units else index -| age_ns;
    var old = t.load(word);
    while (true) {
        if (limit.kind == .quota) {
            if (old >> 32 != limit.code() << 28 | (index & 0xFFF_FFFF) or old & COUNT_MASK < back) return;
        } else if (old >> 60 != 0 or old < back) return;
        old = @cmpxchgWeak(u64, word, old, old - back, .acq_rel, .acquire) orelse return;
    }
}

/// Does the word read as unused for every limit, so that another key may have its slot?
fn isRunOut(value: u64, now_ns: u64) bool {
    const code = value >> 60;
    if (code == 0) return value <= now_ns -| EPOCH_NS;
    if (code == CODE_CONCURRENT) return concurrent.countOf(value) == 0;
    if (code > CODE_CONCURRENT) return true;
    const is_anchored = code == CODE_ANCHORED;
    const present = calendar.window(if (is_anchored) calendar.MONTH else @intCast(code - 1), 0, now_ns / NS).index;
    return (value >> 32 & 0xFFF_FFFF) + @intFromBool(is_anchored) < present;
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
fn rate(amount: u32, burst: u22, window: u3) Limit {
    return .{ .amount = amount, .burst = burst, .is_shadow = false, .window = window, .kind = .rate, .subject = .everyone };
}
fn quota(amount: u32, window: u3) Limit {
    return .{ .amount = amount, .burst = 0, .is_shadow = false, .window = window, .kind = .quota, .subject = .everyone };
}

test "a rate never lets more than burst plus what has grown back pass, and never less" {
    var prng = std.Random.DefaultPrng.init(1);
    const random = prng.random();
    for (0..200) |_| {
        const limit = rate(random.intRangeAtMost(u32, 1, 2000), random.intRangeAtMost(u22, 1, 300), random.intRangeAtMost(u3, 0, 2));
        var word: u64 = 0;
        var now: u64 = JAN;
        var passed: u64 = 0;
        for (0..500) |_| {
            now += random.uintLessThan(u64, 3 * pace(limit, 1).cost);
            const before = word;
            if (take(&word, limit, 1, now).ok) passed += 1 else try testing.expectEqual(before, word);
            try testing.expect(passed <= limit.burst + (now - JAN) / pace(limit, 1).cost + 1);
        }
        var fresh: u64 = 0;
        for (0..limit.burst) |_| try testing.expect(take(&fresh, limit, 1, now).ok);
        try testing.expect(!take(&fresh, limit, 1, now).ok);
    }
}

test "nodes that share a rate let no more pass, all together, than one that has it alone" {
    var prng = std.Random.DefaultPrng.init(7);
    const random = prng.random();
    for (0..100) |_| {
        var limit = rate(random.intRangeAtMost(u32, 10, 5000), random.intRangeAtMost(u22, 10, 300), random.uintAtMost(u3, 3));
        limit.window |= SHARED;
        try testing.expect(limit.isShared());
        try testing.expectEqual(calendar.WINDOW_S[limit.span()], windowSeconds(limit, JAN));
        const nodes = random.intRangeAtMost(u64, 1, 9);
        var words: [9]u64 = @splat(0);
        var passed: u64 = 0;
        var now: u64 = JAN;
        for (0..600) |_| {
            now += random.uintLessThan(u64, pace(limit, 1).cost);
            if (takeRate(&words[random.uintLessThan(usize, nodes)], limit, 1, now, nodes).ok) passed += 1;
        }
        try testing.expect(passed <= limit.burst + (now - JAN) / pace(limit, 1).cost + nodes);
        var each: u64 = 0; // and after a rest each has its part of the burst at once
        now += NS * 86_400 * 600;
        for (words[0..nodes]) |*word| while (takeRate(word, limit, 1, now, nodes).ok) : (each += 1) {};
        try testing.expectEqual(limit.burst / nodes * nodes, each);
    }
}

test "a clock that steps back locks nobody out longer than the burst" {
    var word: u64 = 0;
    const limit = rate(10, 5, 0);
    try testing.expect(take(&word, limit, 1, JAN + 3600 * NS).ok);
    try testing.expect(!take(&word, limit, 1, JAN).ok);
    try testing.expect(take(&word, limit, 1, JAN + NS / 10).ok);
    try testing.expect(take(&word, limit, 1, JAN + NS).ok);
}

test "a quota grants its amount once per calendar window, also when the clock steps back" {
    var word: u64 = 0;
    const monthly = quota(3, 4);
    for (0..3) |left| try testing.expectEqual(2 - left, take(&word, monthly, 1, JAN).remaining);
    try testing.expectEqual(31 * 86_400, take(&word, monthly, 1, JAN).retry_s);
    try testing.expect(take(&word, monthly, 1, JAN + 31 * 86_400 * NS).ok); // February
    try testing.expect(take(&word, monthly, 1, JAN).ok); // stepped back: February's count goes on
    try testing.expect(take(&word, monthly, 1, JAN).ok);
    try testing.expect(!take(&word, monthly, 1, JAN).ok);
    try testing.expect(!take(&word, monthly, 1, JAN + 32 * 86_400 * NS).ok);
    try testing.expect(take(&word, monthly, 1, JAN + 60 * 86_400 * NS).ok); // March
    try testing.expectEqual(28 * 86_400, windowSeconds(monthly, JAN + 31 * 86_400 * NS));
}

test "a shared quota grants the node's part: leased for its window, otherwise divided" {
    var divisor: u64 = 4;
    var since_s: u64 = 0;
    var lease: u64 = 0;
    const share: Share = .{ .divisor = &divisor, .since_s = &since_s, .lease = &lease };
    const daily = quota(20, 3);
    const day = calendar.window(3, 0, JAN / NS).index;
    var word: u64 = 0;
    for (0..5) |_| try testing.expect(takeQuota(&word, daily, 1, JAN, share).ok);
    const waiting = takeQuota(&word, daily, 1, JAN, share);
    try testing.expect(!waiting.ok and waiting.is_low and waiting.retry_s == 1);
    lease = 4 << 60 | day << 32 | 6;
    try testing.expect(takeQuota(&word, daily, 1, JAN, share).ok);
    try testing.expect(!takeQuota(&word, daily, 1, JAN, share).ok);
    lease = 1 << 63 | 4 << 60 | day << 32 | 6; // no more is to be had
    try testing.expectEqual(86_400, takeQuota(&word, daily, 1, JAN, share).retry_s);
    lease = 0;
    since_s = JAN / NS + 1; // the window had begun before
    var fresh: u64 = 0;
    try testing.expect(!takeQuota(&fresh, daily, 1, JAN, share).ok);
    try testing.expect(takeQuota(&fresh, daily, 1, JAN + 86_400 * NS, share).ok);
    divisor = layout.SHARE_NOTHING;
    lease = 4 << 60 | (day - 1) << 32 | 6; // of another window
    try testing.expect(!takeQuota(&word, daily, 1, JAN, share).ok);
    try testing.expectEqual(6, word & COUNT_MASK); // what was refused used up nothing
    divisor = 0;
    try testing.expectEqual(13, takeQuota(&word, daily, 1, JAN, share).remaining);
}

test "a refund gives back exactly what was taken" {
    inline for (.{ rate(20, 20, 1), quota(20, 3) }) |limit| {
        var word: u64 = 0;
        const first = take(&word, limit, 7, JAN);
        try testing.expect(first.ok and take(&word, limit, 13, JAN).ok);
        refund(&word, limit, 7, first.index, 0);
        try testing.expect(!take(&word, limit, 8, JAN).ok);
        try testing.expect(take(&word, limit, 7, JAN).ok);
        try testing.expect(!take(&word, limit, 1, JAN).ok);
    }
}

test "a late refund never makes more of a rate than its burst, and of a quota only in its window" {
    const limit = rate(60, 10, 1); // one a second
    var word: u64 = 0;
    const taken = take(&word, limit, 10, JAN);
    try testing.expect(taken.ok);
    refund(&word, limit, 10, taken.index, 4 * NS); // four of them have grown back
    try testing.expect(take(&word, limit, 10, JAN + 4 * NS).ok);
    try testing.expect(!take(&word, limit, 1, JAN + 4 * NS).ok);
    var counted: u64 = 0;
    const minutely = quota(10, 1);
    const before = take(&counted, minutely, 10, JAN);
    try testing.expect(take(&counted, minutely, 10, JAN + 60 * NS).ok);
    refund(&counted, minutely, 10, before.index, 60 * NS);
    try testing.expect(!take(&counted, minutely, 1, JAN + 60 * NS).ok);
}

test "calls of any cost never take more than the amount, and one that does not fit takes nothing" {
    var prng = std.Random.DefaultPrng.init(5);
    const random = prng.random();
    for (0..300) |_| {
        const amount = random.intRangeAtMost(u32, 1, 500);
        const limit = if (random.boolean()) quota(amount, random.intRangeAtMost(u3, 1, 4)) else rate(amount, @intCast(amount), 3);
        var word: u64 = 0;
        var used: u64 = 0;
        for (0..60) |_| {
            const units = random.uintAtMost(u32, 40);
            const before = word;
            const found = take(&word, limit, units, JAN);
            try testing.expectEqual(used + units <= amount, found.ok);
            if (found.ok) used += units else try testing.expectEqual(before, word);
            try testing.expectEqual(amount - used, found.remaining);
            if (!found.ok) try testing.expectEqual(units > amount, found.retry_s == 0);
            if (found.ok and random.uintLessThan(u8, 4) == 0) {
                refund(&word, limit, units, found.index, 0);
                used -= units;
            }
        }
        try testing.expect(!take(&word, limit, std.math.maxInt(u32), JAN).ok or amount == std.math.maxInt(u32));
    }
}

test "a month may begin on another day than the first" {
    var monthly = quota(2, calendar.MONTH);
    monthly.burst = 15;
    var word: u64 = 0;
    try testing.expect(take(&word, monthly, 2, JAN + 13 * 86_400 * NS).ok); // the 14th
    try testing.expectEqual(86_400, take(&word, monthly, 1, JAN + 13 * 86_400 * NS).retry_s);
    try testing.expect(!isRunOut(word, JAN + 13 * 86_400 * NS));
    try testing.expect(take(&word, monthly, 2, JAN + 14 * 86_400 * NS).ok); // the 15th
    try testing.expect(!take(&word, monthly, 1, JAN + 44 * 86_400 * NS).ok); // the 14th of February
    try testing.expect(!isRunOut(word, JAN + 44 * 86_400 * NS));
    try testing.expect(take(&word, monthly, 1, JAN + 45 * 86_400 * NS).ok);
    try testing.expectEqual(28 * 86_400, windowSeconds(monthly, JAN + 45 * 86_400 * NS));
    try testing.expect(isRunOut(word, JAN + 120 * 86_400 * NS));
    var calendars: u64 = 0;
    try testing.expect(take(&calendars, quota(2, calendar.MONTH), 2, JAN).ok);
    try testing.expect(take(&calendars, monthly, 1, JAN).ok); // another window: its own count
}

test "a word of the other kind or of an earlier window reads as unused" {
    var word: u64 = 0;
    try testing.expect(take(&word, quota(1, 1), 1, JAN).ok);
    try testing.expect(!isRunOut(word, JAN) and isRunOut(word, JAN + 60 * NS));
    try testing.expect(take(&word, rate(1, 1, 2), 1, JAN).ok);
    try testing.expect(take(&word, quota(1, 3), 1, JAN).ok);
    try testing.expect(!take(&word, quota(1, 3), 1, JAN).ok);
}
