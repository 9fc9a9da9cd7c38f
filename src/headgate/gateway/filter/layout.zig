//! Where does each fact stand in the access table's file?
//!
//! Written by `python -m headgate.gateway.filter.layout` from `gateway/table_layout.py`,
//! which says what each number means. Change it there.

pub const MAGIC = 4048789169094543176;
pub const LAYOUT_VERSION = 8;
pub const STATE_READY = 1;
pub const STATE_RETIRED = 2;
pub const PAGE_BYTES = 4096;
pub const APPLICATIONS_MAX = 4194304;
pub const OPERATIONS_MAX = 1048576;
pub const PLANS_MAX = 65536;
pub const APIS_MAX = 65536;
pub const SUBSCRIPTIONS_MAX = 16777216;
pub const CREDENTIALS_MAX = 16777216;
pub const GRANTS_MAX = 1048576;
pub const BLOCK_SLOTS = 131072;
pub const BLOCKS_MAX = 65536;
pub const COUNTER_SLOTS = 262144;
pub const REGION_MIN = 12;
pub const REGION_MAX = 25;
pub const DIRTY_ROWS = 64;
pub const PLAN_LIMITS = 8;
pub const SCOPED_LIMITS = 4;
pub const PRODUCTS_MAX = 16;
pub const SCOPE_SETS_MAX = 65536;
pub const SCOPE_SET_BYTES_MAX = 512;
pub const SOURCES_MAX = 3;
pub const SOURCE_NAME_BYTES_MAX = 34;
pub const GENERATION_BYTES_MAX = 64;
pub const ACTIVE = 1;
pub const SUSPENDED = 2;
pub const REVOKED = 3;
pub const REMOVED = 4;
pub const SOURCE_HEADER = 1;
pub const SOURCE_BEARER = 2;
pub const SOURCE_QUERY = 3;
pub const BLOCK_BIT_CREDENTIAL = 129;
pub const BLOCK_BIT_APPLICATION = 130;
pub const BLOCK_BIT_TOKEN = 131;
pub const SHARE_NOTHING = 1;
pub const MIX = 11400714819323198485;
pub const FILE_BYTES = 6965776384;

pub const Source = extern struct { location: u8, length: u8, bytes: [34]u8 };
pub const Settings = extern struct { state: u8, is_open: u8, product_count: u8, source_count: u8, products: [16]u32, sources: [3]Source, pad: [16]u8 };
pub const Header = extern struct { magic: u64, state: u64, is_filled: u64, credential_region: u64, subscription_region: u64, block_bits: [4]u64, hash_key: [2]u64, quota_divisor: u64, quota_since_s: u64, units_max: u64, grant_region: u64, rate_nodes: u64, clock_ns: u64, clock_steps: u64, dropped: u64, damaged: u64, boot: u64, pad_filter: [11]u64, sequence: u64, credential_entries: u64, subscription_entries: u64, created_us: u64, grant_entries: u64, allocated: [7]u64, rows: [7]u64, generation: [64]u8, epoch: [32]u8 };
pub const Block = extern struct { tag: u64, key: [16]u8, expires_us: u64, prefix: u64, row: u64 };
pub const Counter = extern struct { key: u64, value: u64 };
pub const Plan = extern struct { id: [16]u8, state: u64, limits: [8]u64, pad: [5]u64 };
pub const API = extern struct { version: u64, limits: [4]u64, pad_limits: [3]u64, counters: [4]u64, pad_counters: [4]u64, copies: [2]Settings };
pub const Operation = extern struct { api: u64, allowed: u64, rejected: u64, limits: [4]u64, cost: u64, counters: [4]u64, pad: [4]u64 };
pub const Application = extern struct { id: [16]u8, organization: [16]u8, state: u64, allowed: u64, rejected: u64, pad: u64 };
pub const Subscription = extern struct { id: [16]u8, application: u32, product: u32, plan_state: u64, expires_us: u64, counters: [8]u64, refused: [8]u8, pad: [2]u64 };
pub const Credential = extern struct { sha256: [32]u8, id: [16]u8, application: u32, scope_set: u32, state: u64, expires_us: u64, last_used_s: u64, uses: u64, pad: u64 };
pub const Grant = extern struct { application: u32, mark: u32, state: u64, expires_us: u64, pad: u64 };
pub const Lease = extern struct { words: [8]u64 };
pub const ScopeSet = extern struct { published: u64, text: [512]u8 };

pub const Section = struct { Row: type, offset: usize, count: usize };
pub const header: Section = .{ .Row = Header, .offset = 0, .count = 1 };
pub const application_dirty: Section = .{ .Row = u8, .offset = 4096, .count = 65536 };
pub const operation_dirty: Section = .{ .Row = u8, .offset = 69632, .count = 16384 };
pub const subscription_dirty: Section = .{ .Row = u8, .offset = 86016, .count = 262144 };
pub const quota_dirty: Section = .{ .Row = u8, .offset = 348160, .count = 262144 };
pub const block: Section = .{ .Row = Block, .offset = 610304, .count = 131072 };
pub const counter: Section = .{ .Row = Counter, .offset = 6901760, .count = 262144 };
pub const credential_index: Section = .{ .Row = u64, .offset = 11096064, .count = 67108864 };
pub const subscription_index: Section = .{ .Row = u64, .offset = 547966976, .count = 67108864 };
pub const plan: Section = .{ .Row = Plan, .offset = 1084837888, .count = 65536 };
pub const api: Section = .{ .Row = API, .offset = 1093226496, .count = 65536 };
pub const operation: Section = .{ .Row = Operation, .offset = 1126780928, .count = 1048576 };
pub const application: Section = .{ .Row = Application, .offset = 1260998656, .count = 4194304 };
pub const subscription: Section = .{ .Row = Subscription, .offset = 1529434112, .count = 16777216 };
pub const credential: Section = .{ .Row = Credential, .offset = 3676917760, .count = 16777216 };
pub const grant_index: Section = .{ .Row = u64, .offset = 5287530496, .count = 67108864 };
pub const grant: Section = .{ .Row = Grant, .offset = 5824401408, .count = 1048576 };
pub const lease: Section = .{ .Row = Lease, .offset = 5857955840, .count = 16777216 };
pub const scope_set: Section = .{ .Row = ScopeSet, .offset = 6931697664, .count = 65536 };

comptime {
    if (!(@sizeOf(Source) == 36 and @sizeOf(Settings) == 192 and @sizeOf(Header) == 504 and @sizeOf(Block) == 48 and @sizeOf(Counter) == 16 and @sizeOf(Plan) == 128 and @sizeOf(API) == 512 and @sizeOf(Operation) == 128 and @sizeOf(Application) == 64 and @sizeOf(Subscription) == 128 and @sizeOf(Credential) == 96 and @sizeOf(Grant) == 32 and @sizeOf(Lease) == 64 and @sizeOf(ScopeSet) == 520)) unreachable;
}

pub const SIGNATURE = "8.ea859dc87e2c797a";
