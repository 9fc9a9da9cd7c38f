//! How many calls run at this moment? Counted when a call begins, given back when its stream ends.
//!
//! The word is code 7 (4 bits) | boot (40) | count (20). `boot` is when the counting Envoy started,
//! in 64ths of a second: what an Envoy that was killed has counted reads as 0 in the next. While
//! two share the table (the old one finishes its calls), the words belong to the newer. What the
//! older lets pass on them is not counted, so that nothing of it can stay behind.
const std = @import("std");
const t = @import("table.zig");
const limits = @import("limits.zig");
const layout = t.layout;

pub const COUNT_MAX = (1 << 20) - 1; // model/limits.py
const COUNT_BITS = 20;
const CODE: u64 = limits.CODE_CONCURRENT;

/// When this process started; set once, before the first call.
var boot: u64 = 0;

pub fn start(now_ns: u64) void {
    boot = ticks(now_ns);
}
fn ticks(now_ns: u64) u64 {
    return (now_ns -| limits.EPOCH_NS) / (limits.NS / 64) & (1 << 40) - 1;
}

/// Has the table know the newest Envoy that reads it. A start that lies ahead of the clock was
/// noted before the clock was set back.
pub fn register(header: *layout.Header, now_ns: u64) void {
    const seen = t.load(&header.boot);
    if (seen < boot or seen > ticks(now_ns)) @atomicStore(u64, &header.boot, boot, .release);
}

pub fn countOf(word: u64) u64 {
    return word & COUNT_MAX;
}

/// One more call, if so many may run. Whether the count is to be given back is said by `index`.
pub fn take(word: *u64, limit: limits.Limit, header: *const layout.Header) limits.Outcome {
    const own = CODE << 60 | boot << COUNT_BITS;
    var old = t.load(word);
    while (true) {
        const is_own = old >> COUNT_BITS == own >> COUNT_BITS;
        if (!is_own and t.load(&header.boot) != boot) return .{ .ok = true, .remaining = limit.amount, .reset_s = 1, .retry_s = 0 };
        const count = if (is_own) countOf(old) else 0;
        if (count >= @min(limit.amount, COUNT_MAX)) return .{ .ok = false, .remaining = 0, .reset_s = 1, .retry_s = 1 };
        old = @cmpxchgWeak(u64, word, old, own | (count + 1), .acq_rel, .acquire) orelse
            return .{ .ok = true, .remaining = limit.amount - count - 1, .reset_s = 1, .retry_s = 0, .index = 1 };
    }
}

pub fn release(word: *u64) void {
    var old = t.load(word);
    while (old >> COUNT_BITS == (CODE << 60 | boot << COUNT_BITS) >> COUNT_BITS and countOf(old) > 0)
        old = @cmpxchgWeak(u64, word, old, old - 1, .acq_rel, .acquire) orelse return;
}

const testing = std.testing;
const NOW = 1_798_761_600 * limits.NS; // 2027-01-01
fn at_most(amount: u32) limits.Limit {
    return .{ .amount = amount, .burst = 0, .is_shadow = false, .window = 0, .kind = .concurrent, .subject = .everyone };
}

test "so many calls run at one time as may, and one that ends makes room for one" {
    var header = std.mem.zeroes(layout.Header);
    start(NOW);
    register(&header, NOW);
    var prng = std.Random.DefaultPrng.init(3);
    const random = prng.random();
    for (0..100) |_| {
        const limit = at_most(random.intRangeAtMost(u32, 1, 20));
        var word: u64 = 0;
        var running: u64 = 0;
        for (0..500) |_| {
            if (random.boolean()) {
                const found = take(&word, limit, &header);
                try testing.expectEqual(running < limit.amount, found.ok);
                if (found.ok) running += 1;
                try testing.expectEqual(limit.amount - running, found.remaining);
            } else if (running > 0) {
                release(&word);
                running -= 1;
            }
            try testing.expectEqual(running, countOf(word));
        }
    }
}

test "what a killed Envoy has counted is nothing to the next" {
    var header = std.mem.zeroes(layout.Header);
    var word: u64 = 0;
    start(NOW);
    register(&header, NOW);
    try testing.expect(take(&word, at_most(1), &header).ok);
    try testing.expect(!take(&word, at_most(1), &header).ok);
    const killed = word;
    start(NOW + limits.NS);
    register(&header, NOW + limits.NS);
    try testing.expect(take(&word, at_most(1), &header).ok);
    try testing.expect(!take(&word, at_most(1), &header).ok);
    // an older one that still finishes calls neither takes the word over nor leaves anything in it
    start(NOW);
    register(&header, NOW + 2 * limits.NS);
    const kept = word;
    const uncounted = take(&word, at_most(1), &header);
    try testing.expect(uncounted.ok and uncounted.index == 0);
    release(&word);
    try testing.expectEqual(kept, word);
    try testing.expect(killed != kept);
}

test "a start noted by a clock that was ahead does not keep a later Envoy from counting" {
    var header = std.mem.zeroes(layout.Header);
    start(NOW + 3600 * limits.NS);
    register(&header, NOW + 3600 * limits.NS);
    start(NOW);
    register(&header, NOW);
    var word: u64 = 0;
    try testing.expect(take(&word, at_most(1), &header).index == 1);
}
