//! Where do stored answers lie? In one store of the process, bounded in bytes and in number.
//!
//! All workers share it. The lock is held for a look-up or an insertion, never while an answer is
//! sent: who found an entry holds it by its count. What was used longest ago goes first.
const std = @import("std");

pub const ENTRIES_MAX = 65_536;
const BUCKETS = 65_536;
const OVERHEAD_BYTES = @sizeOf(Entry) + 32; // with the allocator's share
const allocator = std.heap.c_allocator;

/// One stored answer, or where `is_marker` the names of the headers by which answers differ.
/// `text` holds key, names or headers, and body, one after the other.
pub const Entry = struct {
    text: []u8,
    key_len: usize,
    body_at: usize,
    status: u32 = 0,
    purged: u32 = 0, // how often its operation had been purged when it came
    is_marker: bool = false,
    made_ns: u64 = 0, // what its age counts from
    fresh_until_ns: u64 = 0,
    stale_until_ns: u64 = 0,
    refreshing_until_ns: u64 = 0,
    holders: u32 = 1,
    hash: u64 = 0,
    newer: ?*Entry = null,
    older: ?*Entry = null,
    chained: ?*Entry = null,

    pub fn create(key_text: []const u8, head: []const u8, body_text: []const u8) ?*Entry {
        const text = allocator.alloc(u8, key_text.len + head.len + body_text.len) catch return null;
        const self = allocator.create(Entry) catch {
            allocator.free(text);
            return null;
        };
        @memcpy(text[0..key_text.len], key_text);
        @memcpy(text[key_text.len..][0..head.len], head);
        @memcpy(text[key_text.len + head.len ..], body_text);
        self.* = .{ .text = text, .key_len = key_text.len, .body_at = key_text.len + head.len };
        return self;
    }
    pub fn key(self: *const Entry) []const u8 {
        return self.text[0..self.key_len];
    }
    pub fn head_text(self: *const Entry) []const u8 {
        return self.text[self.key_len..self.body_at];
    }
    pub fn body(self: *const Entry) []const u8 {
        return self.text[self.body_at..];
    }
    fn bytes(self: *const Entry) usize {
        return self.text.len + OVERHEAD_BYTES;
    }
    /// Let go of an entry that was found or made.
    pub fn release(self: *Entry) void {
        if (@atomicRmw(u32, &self.holders, .Sub, 1, .acq_rel) != 1) return;
        allocator.free(self.text);
        allocator.destroy(self);
    }
};

pub const Store = struct {
    lock: std.c.pthread_mutex_t = .{},
    buckets: [BUCKETS]?*Entry = @splat(null),
    newest: ?*Entry = null,
    oldest: ?*Entry = null,
    count: usize = 0,
    bytes: usize = 0,
    bytes_max: usize = 0,
    filling_bytes: usize = 0, // of answers on their way in, over all workers
    seed: u64 = 0,

    /// The entry of this key, held for the caller; null when there is none.
    pub fn find(self: *Store, key: []const u8) ?*Entry {
        const hash = std.hash.Wyhash.hash(self.seed, key);
        self.acquire();
        defer self.leave();
        const found = self.at(key, hash) orelse return null;
        self.unlink(found);
        self.linkNewest(found);
        _ = @atomicRmw(u32, &found.holders, .Add, 1, .monotonic);
        return found;
    }

    /// Takes the entry over from the caller, in place of one with the same key.
    pub fn insert(self: *Store, entry: *Entry) void {
        entry.hash = std.hash.Wyhash.hash(self.seed, entry.key());
        self.acquire();
        defer self.leave();
        if (entry.bytes() > self.bytes_max) return entry.release();
        if (self.at(entry.key(), entry.hash)) |old| self.drop(old);
        const bucket = &self.buckets[entry.hash % BUCKETS];
        entry.chained = bucket.*;
        bucket.* = entry;
        self.linkNewest(entry);
        self.count += 1;
        self.bytes += entry.bytes();
        while (self.bytes > self.bytes_max or self.count > ENTRIES_MAX) self.drop(self.oldest.?);
    }

    pub fn remove(self: *Store, key: []const u8) void {
        const hash = std.hash.Wyhash.hash(self.seed, key);
        self.acquire();
        defer self.leave();
        if (self.at(key, hash)) |found| self.drop(found);
    }

    /// A smaller bound holds from now on.
    pub fn limit(self: *Store, bytes_max: usize) void {
        self.acquire();
        defer self.leave();
        if (self.seed == 0) _ = std.os.linux.getrandom(std.mem.asBytes(&self.seed), @sizeOf(u64), 0);
        self.bytes_max = bytes_max;
        while (self.bytes > self.bytes_max) self.drop(self.oldest.?);
    }

    /// Whether so many bytes more may be gathered: at most a quarter of the bound is on its way.
    pub fn reserve(self: *Store, count: usize) bool {
        const before = @atomicRmw(usize, &self.filling_bytes, .Add, count, .monotonic);
        if (before + count <= self.bytes_max / 4) return true;
        self.giveBack(count);
        return false;
    }
    pub fn giveBack(self: *Store, count: usize) void {
        _ = @atomicRmw(usize, &self.filling_bytes, .Sub, count, .monotonic);
    }

    fn acquire(self: *Store) void {
        _ = std.c.pthread_mutex_lock(&self.lock);
    }
    fn leave(self: *Store) void {
        _ = std.c.pthread_mutex_unlock(&self.lock);
    }
    fn at(self: *Store, key: []const u8, hash: u64) ?*Entry {
        var next = self.buckets[hash % BUCKETS];
        while (next) |entry| : (next = entry.chained) {
            if (entry.hash == hash and std.mem.eql(u8, entry.key(), key)) return entry;
        }
        return null;
    }
    fn drop(self: *Store, entry: *Entry) void {
        var place = &self.buckets[entry.hash % BUCKETS];
        while (place.*) |other| : (place = &other.chained) {
            if (other == entry) {
                place.* = entry.chained;
                break;
            }
        }
        self.unlink(entry);
        self.count -= 1;
        self.bytes -= entry.bytes();
        entry.release();
    }
    fn linkNewest(self: *Store, entry: *Entry) void {
        entry.newer = null;
        entry.older = self.newest;
        if (self.newest) |second| second.newer = entry else self.oldest = entry;
        self.newest = entry;
    }
    fn unlink(self: *Store, entry: *Entry) void {
        if (entry.newer) |newer| newer.older = entry.older else self.newest = entry.older;
        if (entry.older) |older| older.newer = entry.newer else self.oldest = entry.newer;
    }
};
