//! How are the facts in the mapped file read safely?
//!
//! Python writes rows (body first, then one aligned store that publishes them), this side reads
//! them and writes only counters. No value read from the file is trusted: row numbers are checked
//! against their maximum, lengths against their buffer.
const std = @import("std");
pub const layout = @import("layout.zig");

const Settings = layout.Settings;

pub inline fn load(word: *const u64) u64 {
    return @atomicLoad(u64, word, .acquire);
}
pub inline fn add(word: *u64) void {
    _ = @atomicRmw(u64, word, .Add, 1, .monotonic);
}

/// One mapped file; every accessor answers null rather than leave it.
pub const Table = struct {
    base: [*]align(layout.PAGE_BYTES) u8,

    pub inline fn at(self: Table, comptime section: layout.Section, index: usize) *section.Row {
        return @ptrCast(@alignCast(self.base + section.offset + index * @sizeOf(section.Row)));
    }
    pub fn header(self: Table) *layout.Header {
        return self.at(layout.header, 0);
    }
    pub fn isHealthy(self: Table) bool {
        return load(&self.header().magic) == layout.MAGIC and load(&self.header().state) == layout.STATE_READY;
    }

    /// A row that was published: the word `published` is stored last and is never 0 again.
    pub fn row(self: Table, comptime section: layout.Section, comptime published: []const u8, number: usize) ?*section.Row {
        if (number == 0 or number >= section.count) return null;
        const found = self.at(section, number);
        return if (load(&@field(found, published)) == 0) null else found;
    }
    pub fn plan(self: Table, number: usize) ?*layout.Plan {
        return self.row(layout.plan, "state", number);
    }
    pub fn api(self: Table, number: usize) ?*layout.API {
        return self.row(layout.api, "version", number);
    }
    pub fn operation(self: Table, number: usize) ?*layout.Operation {
        return self.row(layout.operation, "api", number);
    }
    pub fn application(self: Table, number: usize) ?*layout.Application {
        return self.row(layout.application, "state", number);
    }

    pub fn findCredential(self: Table, digest: *const [32]u8) ?*layout.Credential {
        var entries = self.probe(layout.credential_index, "credential_region", std.mem.readInt(u32, digest[0..4], .little));
        while (entries.next()) |number| {
            const found = self.row(layout.credential, "state", number) orelse continue;
            if (std.mem.eql(u8, &found.sha256, digest)) return found;
        }
        return null;
    }
    pub fn findSubscription(self: Table, application_row: u32, product: u32) ?*layout.Subscription {
        var entries = self.probe(layout.subscription_index, "subscription_region", pairHash(application_row, product));
        while (entries.next()) |number| {
            const found = self.row(layout.subscription, "plan_state", number) orelse continue;
            if (found.application == application_row and found.product == product) return found;
        }
        return null;
    }
    pub fn findGrant(self: Table, application_row: u32, asked: u32) ?*layout.Grant {
        var entries = self.probe(layout.grant_index, "grant_region", pairHash(application_row, asked));
        while (entries.next()) |number| {
            const found = self.row(layout.grant, "state", number) orelse continue;
            if (found.application == application_row and found.mark == asked) return found;
        }
        return null;
    }
    /// A word of the file by its place in it, and the place of one that `at` has answered.
    pub fn wordAt(self: Table, offset: usize) *u64 {
        return @ptrCast(@alignCast(self.base + offset));
    }
    pub fn offsetOf(self: Table, found: *const u64) usize {
        return @intFromPtr(found) - @intFromPtr(self.base);
    }

    /// The row that one of the accessors has answered.
    pub fn numberOf(self: Table, comptime section: layout.Section, found: *const section.Row) usize {
        return (@intFromPtr(found) - @intFromPtr(self.base) - section.offset) / @sizeOf(section.Row);
    }
    fn probe(self: Table, comptime section: layout.Section, comptime region: []const u8, fingerprint: u32) Probe {
        const exponent = load(&@field(self.header(), region));
        if (exponent < layout.REGION_MIN or exponent > layout.REGION_MAX) return .{ .entries = &.{}, .fingerprint = 0 };
        const size = @as(usize, 1) << @intCast(exponent);
        const first: [*]u64 = @ptrCast(self.at(section, size));
        return .{ .entries = first[0..size], .fingerprint = fingerprint };
    }

    /// Is `key` (an address cut to the prefix length `kind`, or an id of kind 129 or 130) blocked?
    pub fn isBlocked(self: Table, key: *const [16]u8, kind: u64, now_us: u64) bool {
        if (load(&self.header().block_bits[kind >> 6]) >> @intCast(kind & 63) & 1 == 0) return false;
        const hash = blockHash(key, kind);
        for (0..layout.BLOCK_SLOTS) |step| {
            const slot = self.at(layout.block, (hash + step) & (layout.BLOCK_SLOTS - 1));
            const tag = load(&slot.tag);
            if (tag == 0) return false;
            if (tag == hash | 1 << 63 and slot.prefix == kind and std.mem.eql(u8, &slot.key, key) and
                load(&slot.expires_us) > now_us and load(&slot.tag) == tag) return true;
        }
        return false;
    }

    /// Is the address, or a network that it lies in, blocked?
    pub fn isAddressBlocked(self: Table, address: *const [16]u8, now_us: u64) bool {
        for (self.header().block_bits[0..3], 0..) |*word, index| {
            var bits = load(word);
            while (bits != 0) : (bits &= bits - 1) {
                const prefix = index * 64 + @ctz(bits);
                if (prefix > 128) break;
                const hosts: u128 = @truncate((@as(u129, 1) << @intCast(128 - prefix)) - 1);
                var key: [16]u8 = undefined;
                std.mem.writeInt(u128, &key, std.mem.readInt(u128, address, .big) & ~hosts, .big);
                if (self.isBlocked(&key, prefix, now_us)) return true;
            }
        }
        return false;
    }

    /// Tells the writer that a counter of this row has changed.
    pub fn mark(self: Table, comptime dirty: layout.Section, number: usize) void {
        const byte = self.at(dirty, number / layout.DIRTY_ROWS);
        if (@atomicLoad(u8, byte, .monotonic) == 0) @atomicStore(u8, byte, 1, .release);
    }
};

/// The rows that an index names under a fingerprint, from the fingerprint's own place to the first
/// entry that is empty. An entry is a row number above a fingerprint.
const Probe = struct {
    entries: []u64,
    fingerprint: u32,
    step: usize = 0,

    fn next(self: *Probe) ?usize {
        while (self.step < self.entries.len) {
            const entry = load(&self.entries[(self.fingerprint + self.step) & (self.entries.len - 1)]);
            if (entry == 0) return null;
            self.step += 1;
            if (@as(u32, @truncate(entry)) == self.fingerprint) return entry >> 32;
        }
        return null;
    }
};

/// A consistent copy of what may change together; false when the writer keeps changing it.
pub fn copySettings(api: *layout.API, into: *Settings) bool {
    for (0..4) |_| {
        const version = load(&api.version);
        const valid = &api.copies[version & 1];
        into.state = valid.state;
        into.is_open = valid.is_open;
        into.product_count = @min(valid.product_count, layout.PRODUCTS_MAX);
        into.source_count = @min(valid.source_count, layout.SOURCES_MAX);
        @memcpy(into.products[0..into.product_count], valid.products[0..into.product_count]);
        @memcpy(into.sources[0..into.source_count], valid.sources[0..into.source_count]);
        if (load(&api.version) == version) return true;
    }
    return false;
}

/// Python computes the same: 32 bits.
fn pairHash(application_row: u32, other: u32) u32 {
    return @truncate(((@as(u64, application_row) << 32 | other) *% layout.MIX) >> 32);
}

/// Python computes the same: 62 bits.
pub fn blockHash(key: *const [16]u8, kind: u64) u64 {
    const halves: [2]u64 = @bitCast(key.*);
    const mixed = ((halves[0] *% layout.MIX ^ halves[1]) *% layout.MIX ^ kind) *% layout.MIX;
    return (mixed ^ mixed >> 32) & (1 << 62) - 1;
}
