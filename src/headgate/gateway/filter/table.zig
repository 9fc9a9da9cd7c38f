//! Where does each fact about callers stand in the mapped file, and how is it read safely?
//!
//! The bytes are described twice: here and in `gateway/table_layout.py`; `headgate_layout()`
//! lets a test hold the two equal. Python writes rows (body first, then one aligned store that
//! publishes them), this side reads them and writes only counters. No value read from the file
//! is trusted: row numbers are checked against their maximum, lengths against their buffer.
const std = @import("std");

pub const MAGIC = std.mem.readInt(u64, "HGTBL001", .little); // the last three digits: layout version
pub const STATE_READY = 1;
pub const APPLICATIONS_MAX = 1 << 22;
pub const OPERATIONS_MAX = 1 << 20;
pub const PLANS_MAX = 1 << 16;
pub const APIS_MAX = 1 << 16;
pub const SUBSCRIPTIONS_MAX = 1 << 24;
pub const CREDENTIALS_MAX = 1 << 24;
pub const BLOCK_SLOTS = 1 << 17;
pub const COUNTER_SLOTS = 1 << 18;
pub const COUNTER_PROBES_MAX = 64;
pub const REGION_MIN = 12; // an index region of 2^n entries begins at entry 2^n
pub const REGION_MAX = 25;
pub const DIRTY_ROWS = 64; // rows that share one "changed" byte
pub const LIMITS = 8; // per plan
pub const SCOPED = 4; // per API and per operation
pub const PRODUCTS = 16; // per API
pub const SOURCES = 3; // key sources per API
pub const SOURCE_NAME_BYTES = 34;
const PAGE = 4096;

pub const BLOCK_BIT_CREDENTIAL = 129; // bits 0 to 128 are prefix lengths
pub const BLOCK_BIT_APPLICATION = 130;
pub const ACTIVE = 1;
pub const SUSPENDED = 2;
pub const REVOKED = 3;
pub const REMOVED = 4;

pub const Header = extern struct {
    magic: u64,
    state: u64,
    is_filled: u64, // 1 once a complete set of rows has been applied
    credential_region: u64,
    subscription_region: u64,
    block_bits: [4]u64, // 0-128: prefix lengths in use; 129: credentials; 130: applications
    hash_key: [2]u64,
    pad_writer: [5]u64,
    clock_ns: u64, // the latest time any worker saw, to some milliseconds
    clock_steps: u64,
    dropped: u64,
    damaged: u64,
    pad_filter: [12]u64,
    sequence: u64,
    credential_entries: u64,
    subscription_entries: u64,
    created_us: u64,
    allocated: [6]u64, // bytes of each row section that have disk space
    rows: [6]u64, // one above the highest row of each row section
    generation: [64]u8,
    epoch: [32]u8,
};
pub const Block = extern struct { tag: u64, key: [16]u8, expires_us: u64, prefix: u64, row: u64 };
pub const Counter = extern struct { key: u64, value: u64 };
pub const Plan = extern struct { id: [16]u8, state: u64, limits: [LIMITS]u64, pad: [5]u64 };
pub const Source = extern struct { location: u8, length: u8, name: [SOURCE_NAME_BYTES]u8 };
pub const Settings = extern struct {
    state: u32,
    is_open: u32,
    product_count: u32,
    source_count: u32,
    products: [PRODUCTS]u32,
    sources: [SOURCES]Source,
    pad: u32,
};
pub const API = extern struct {
    version: u64, // copy `version & 1` is the valid one; 0: no such row
    limits: [SCOPED]u64,
    counters: [SCOPED]u64,
    pad: [7]u64,
    copies: [2]Settings,
};
pub const Operation = extern struct {
    api: u64, // 0: no such row
    allowed: u64,
    rejected: u64,
    limits: [SCOPED]u64,
    counters: [SCOPED]u64,
    pad: [5]u64,
};
pub const Application = extern struct {
    id: [16]u8,
    organization: [16]u8,
    state: u64,
    allowed: u64,
    rejected: u64,
    pad: u64,
};
pub const Subscription = extern struct {
    id: [16]u8,
    application: u32,
    product: u32,
    plan_state: u64, // plan's row in the low half, state in the high half
    expires_us: u64,
    counters: [LIMITS]u64,
    pad: [3]u64,
};
pub const Credential = extern struct {
    sha256: [32]u8,
    id: [16]u8,
    application: u32,
    pad_body: u32,
    state: u64,
    expires_us: u64,
    last_used_s: u64,
    uses: u64,
    pad: u64,
};

pub const sections = .{
    .{ "header", Header, 1 },
    .{ "application_dirty", u8, APPLICATIONS_MAX / DIRTY_ROWS },
    .{ "operation_dirty", u8, OPERATIONS_MAX / DIRTY_ROWS },
    .{ "block", Block, BLOCK_SLOTS },
    .{ "counter", Counter, COUNTER_SLOTS },
    .{ "credential_index", u64, 2 << REGION_MAX },
    .{ "subscription_index", u64, 2 << REGION_MAX },
    .{ "plan", Plan, PLANS_MAX },
    .{ "api", API, APIS_MAX },
    .{ "operation", Operation, OPERATIONS_MAX },
    .{ "application", Application, APPLICATIONS_MAX },
    .{ "subscription", Subscription, SUBSCRIPTIONS_MAX },
    .{ "credential", Credential, CREDENTIALS_MAX },
};

fn sectionOffset(comptime name: []const u8) usize {
    var at: usize = 0;
    inline for (sections) |section| {
        if (comptime std.mem.eql(u8, section[0], name)) return at;
        at = std.mem.alignForward(usize, at + @sizeOf(section[1]) * section[2], PAGE);
    }
    return at; // the end
}
pub const FILE_BYTES = sectionOffset("end");

/// The description as JSON, for the test that compares it with Python's.
export fn headgate_layout() [*:0]const u8 {
    return comptime blk: {
        @setEvalBranchQuota(100_000);
        var text: []const u8 = std.fmt.comptimePrint("{{\"file_bytes\":{d}", .{FILE_BYTES});
        for (sections) |section| {
            const values = .{ section[0], sectionOffset(section[0]), @sizeOf(section[1]), section[2] };
            text = text ++ std.fmt.comptimePrint(",\"{s}\":{{\"offset\":{d},\"size\":{d},\"count\":{d}", values);
            text = text ++ fields(section[1], "") ++ "}";
        }
        const done = text ++ "}" ++ [_:0]u8{0};
        break :blk done[0 .. done.len - 1 :0];
    };
}

fn fields(comptime T: type, comptime prefix: []const u8) []const u8 {
    if (@typeInfo(T) != .@"struct") return "";
    var text: []const u8 = "";
    for (std.meta.fieldNames(T)) |name| {
        if (std.mem.startsWith(u8, name, "pad")) continue;
        text = text ++ std.fmt.comptimePrint(",\"{s}{s}\":{d}", .{ prefix, name, @offsetOf(T, name) });
        if (T == API and std.mem.eql(u8, name, "copies")) text = text ++ fields(Settings, "copies.");
    }
    return text;
}

pub inline fn load(word: *const u64) u64 {
    return @atomicLoad(u64, word, .acquire);
}
pub inline fn add(word: *u64) void {
    _ = @atomicRmw(u64, word, .Add, 1, .monotonic);
}

/// One mapped file; every accessor answers null rather than leave it.
pub const Table = struct {
    base: [*]align(PAGE) u8,

    pub fn at(self: Table, comptime name: []const u8, comptime T: type, row: usize) *T {
        return @ptrCast(@alignCast(self.base + (comptime sectionOffset(name)) + row * @sizeOf(T)));
    }
    fn rowOf(self: Table, comptime name: []const u8, comptime T: type, comptime max: usize, row: usize) ?*T {
        if (row == 0 or row >= max) return null;
        return self.at(name, T, row);
    }
    pub fn header(self: Table) *Header {
        return self.at("header", Header, 0);
    }
    pub fn plan(self: Table, row: usize) ?*Plan {
        return self.rowOf("plan", Plan, PLANS_MAX, row);
    }
    pub fn api(self: Table, row: usize) ?*API {
        const found = self.rowOf("api", API, APIS_MAX, row) orelse return null;
        return if (load(&found.version) == 0) null else found;
    }
    pub fn operation(self: Table, row: usize) ?*Operation {
        const found = self.rowOf("operation", Operation, OPERATIONS_MAX, row) orelse return null;
        return if (load(&found.api) == 0) null else found;
    }
    pub fn application(self: Table, row: usize) ?*Application {
        const found = self.rowOf("application", Application, APPLICATIONS_MAX, row) orelse return null;
        return if (load(&found.state) == 0) null else found;
    }
    pub fn isHealthy(self: Table) bool {
        return load(&self.header().magic) == MAGIC and load(&self.header().state) == STATE_READY;
    }

    /// A consistent copy of what may change together; null when the writer keeps changing it.
    pub fn settings(_: Table, row: *API, into: *Settings) bool {
        for (0..4) |_| {
            const version = load(&row.version);
            into.* = row.copies[version & 1];
            if (load(&row.version) == version) {
                into.product_count = @min(into.product_count, PRODUCTS);
                into.source_count = @min(into.source_count, SOURCES);
                for (&into.sources) |*source| source.length = @min(source.length, SOURCE_NAME_BYTES);
                return true;
            }
        }
        return false;
    }

    const Probe = struct {
        entries: [*]u64,
        mask: usize,
        index: usize,
        fingerprint: u32,
        left: usize,

        /// The next row whose fingerprint fits, 0 at the end of the chain.
        fn next(self: *Probe) usize {
            while (self.left > 0) {
                const entry = load(&self.entries[self.index]);
                self.index = (self.index + 1) & self.mask;
                self.left -= 1;
                if (entry == 0) return 0;
                if (@as(u32, @truncate(entry)) == self.fingerprint) return entry >> 32;
            }
            return 0;
        }
    };

    fn probe(self: Table, comptime name: []const u8, region: u64, fingerprint: u32) ?Probe {
        if (region < REGION_MIN or region > REGION_MAX) return null;
        const size = @as(usize, 1) << @intCast(region);
        const first: [*]u64 = @ptrCast(self.at(name, u64, size));
        const mask = size - 1;
        return .{ .entries = first, .mask = mask, .index = fingerprint & mask, .fingerprint = fingerprint, .left = size };
    }

    pub fn findCredential(self: Table, digest: *const [32]u8) ?*Credential {
        const fingerprint = std.mem.readInt(u32, digest[0..4], .little);
        var chain = self.probe("credential_index", load(&self.header().credential_region), fingerprint) orelse return null;
        while (true) {
            const row = chain.next();
            if (row == 0) return null;
            const found = self.rowOf("credential", Credential, CREDENTIALS_MAX, row) orelse continue;
            if (std.mem.eql(u8, &found.sha256, digest)) return found;
        }
    }

    pub fn findSubscription(self: Table, application_row: u32, product: u32) ?*Subscription {
        const mixed = (@as(u64, application_row) << 32 | product) *% 0x9E37_79B9_7F4A_7C15;
        const region = load(&self.header().subscription_region);
        var chain = self.probe("subscription_index", region, @intCast(mixed >> 32)) orelse return null;
        while (true) {
            const row = chain.next();
            if (row == 0) return null;
            const found = self.rowOf("subscription", Subscription, SUBSCRIPTIONS_MAX, row) orelse continue;
            if (found.application == application_row and found.product == product) return found;
        }
    }

    /// Is `key` (an address cut to `prefix` bits, or an id under 129 or 130) blocked at this time?
    pub fn isBlocked(self: Table, key: *const [16]u8, prefix: u64, now_us: u64) bool {
        const hash = blockHash(key, prefix);
        var index: usize = hash & (BLOCK_SLOTS - 1);
        for (0..BLOCK_SLOTS) |_| {
            const slot = self.at("block", Block, index);
            const tag = load(&slot.tag);
            if (tag == 0) return false;
            if (tag == hash | 1 << 63 and slot.prefix == prefix and std.mem.eql(u8, &slot.key, key) and
                load(&slot.expires_us) > now_us and load(&slot.tag) == tag) return true;
            index = (index + 1) & (BLOCK_SLOTS - 1);
        }
        return false;
    }

    pub fn usesBlockBit(self: Table, bit: u64) bool {
        return load(&self.header().block_bits[bit >> 6]) >> @intCast(bit & 63) & 1 == 1;
    }

    pub fn isAddressBlocked(self: Table, address: *const [16]u8, now_us: u64) bool {
        for (0..3) |word| {
            var bits = load(&self.header().block_bits[word]);
            if (word == 2) bits &= 1;
            while (bits != 0) : (bits &= bits - 1) {
                const prefix: u8 = @intCast(word * 64 + @ctz(bits));
                const number = std.mem.readInt(u128, address, .big);
                const cut = if (prefix == 0) 0 else number >> @intCast(128 - @as(u9, prefix)) << @intCast(128 - @as(u9, prefix));
                var key: [16]u8 = undefined;
                std.mem.writeInt(u128, &key, cut, .big);
                if (self.isBlocked(&key, prefix, now_us)) return true;
            }
        }
        return false;
    }

    pub fn markApplication(self: Table, row: usize) void {
        mark(self.at("application_dirty", u8, row / DIRTY_ROWS));
    }
    pub fn markOperation(self: Table, row: usize) void {
        mark(self.at("operation_dirty", u8, row / DIRTY_ROWS));
    }
    fn mark(byte: *u8) void {
        if (@atomicLoad(u8, byte, .monotonic) == 0) @atomicStore(u8, byte, 1, .release);
    }

    pub fn hashKey(self: Table) [16]u8 {
        return @bitCast(self.header().hash_key);
    }
    pub fn counterSlot(self: Table, index: usize) *Counter {
        return self.at("counter", Counter, index & (COUNTER_SLOTS - 1));
    }
};

/// Both sides compute it: FNV-1a over the key and the prefix, 62 bits.
pub fn blockHash(key: *const [16]u8, prefix: u64) u64 {
    var hash: u64 = 0xCBF2_9CE4_8422_2325;
    for (key) |byte| hash = (hash ^ byte) *% 0x100_0000_01B3;
    hash = (hash ^ prefix) *% 0x100_0000_01B3;
    return (hash ^ hash >> 32) & (1 << 62) - 1;
}
