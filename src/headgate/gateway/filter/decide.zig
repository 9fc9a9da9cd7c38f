//! May this call pass? Blocks, then the key, the subscription, the limits (`allowances.zig`).
//!
//! Fails closed: what the table does not say, or says impossibly, is refused.
const std = @import("std");
const t = @import("table.zig");
const layout = t.layout;
const hash = @import("hash.zig");
const keys = @import("keys.zig");
const limits = @import("limits.zig");
const allowances = @import("allowances.zig");
const tokens = @import("tokens.zig");
const schemes = @import("schemes.zig");
const scopes = @import("scopes.zig");
const grants = @import("grants.zig");

/// Why a call passes or not, numbered by the status of the answer. What the caller reads stands
/// under the same names in `gateway/envoy/answers.py`.
pub const Reason = enum(u16) {
    allowed = 2000,
    no_credential = 4010,
    unknown_credential = 4011,
    revoked = 4012,
    expired = 4013,
    token_invalid = 4014,
    token_revoked = 4015,
    unknown_client = 4016,
    no_certificate = 4017,
    certificate_over = 4018,
    not_subscribed = 4030,
    subscription_suspended = 4031,
    subscription_expired = 4032,
    application_suspended = 4033,
    api_closed = 4034,
    blocked = 4035,
    insufficient_scope = 4036,
    access_not_granted = 4037,
    no_route = 4040,
    no_version = 4041,
    method_not_allowed = 4050,
    retired = 4100,
    url_too_long = 4140,
    rate_limited = 4290,
    quota_exceeded = 4291,
    counters_full = 4292,
    concurrency_limited = 4293,
    table_damaged = 5030,
    table_filling = 5031,
    introspection_down = 5032,

    pub fn status(self: Reason) u32 {
        return @backingInt(self) / 10;
    }
    /// The name in the request record, which tells fewer reasons apart.
    pub fn verdict(self: Reason) []const u8 {
        return switch (self) {
            .subscription_suspended, .subscription_expired, .application_suspended, .api_closed => "not_subscribed",
            .token_invalid, .unknown_client => "unknown_credential",
            .token_revoked => "revoked",
            .no_certificate => "no_credential",
            .certificate_over => "expired",
            .counters_full, .concurrency_limited => "rate_limited",
            .table_filling => "table_damaged",
            .no_version => "no_route",
            .url_too_long => "too_large",
            else => @tagName(self),
        };
    }
};

/// The decision on one call, kept until its answer has its headers.
pub const Decision = struct {
    reason: Reason,
    retry_s: u64,
    now_ns: u64,
    has_caller: bool,
    count: u8,
    caller: [80]u8, // credential, application, organization, subscription, plan
    subject: [tokens.SUBJECT_BYTES_MAX]u8,
    subject_len: usize,
    units: u32, // what the call costs
    observed: Reason, // what a limit in shadow would have said
    file: u64, // which table the items' words stand in
    items: [allowances.ITEMS_MAX]allowances.Item,

    /// Not yet decided; lists and names are left as they are.
    pub fn begin(self: *Decision, now_ns: u64) void {
        self.reason = .table_damaged;
        self.retry_s = 0;
        self.now_ns = now_ns;
        self.has_caller = false;
        self.subject_len = 0;
        self.count = 0;
        self.observed = .allowed;
    }
    fn name(self: *Decision, place: usize, id: *const [16]u8) void {
        if (!self.has_caller) @memset(&self.caller, '-');
        self.has_caller = true;
        self.caller[place * 16 ..][0..16].* = id.*;
    }
};

/// One call on its way through the checks, with what is known of its caller so far.
pub const Call = struct {
    table: t.Table,
    api: *layout.API,
    settings: *const layout.Settings, // the API's, already copied
    operation: *layout.Operation,
    operation_row: u32,
    address: [16]u8,
    key: ?[]const u8,
    token: *const tokens.Token,
    others: []const [32]u8 = &.{}, // what was presented beside: a certificate, a password
    certificate: schemes.Certificate = .not_asked,
    is_too_long: bool = false, // its target, for the API
    needs: ?[]const u8 = null, // scopes and roles
    asks_everybody: bool = false, // for them, and not callers with a credential alone
    mark: ?u32 = null, // of the operation: its data is for those who were granted it
    d: *Decision,
    application: ?*layout.Application = null,
    application_row: u32 = 0,
    scope_set: u32 = 0, // of the credential
    subscription: ?*layout.Subscription = null,
    plan: ?*layout.Plan = null,
    product: u64 = 0, // the row of the one that the plan is of

    /// Decide, take the allowances and count.
    pub fn decide(self: *Call) void {
        tick(self.table.header(), self.d.now_ns);
        self.d.reason = self.judge();
        const is_allowed = self.d.reason == .allowed;
        if (self.d.reason == .table_damaged) t.add(&self.table.header().damaged);
        t.add(if (is_allowed) &self.operation.allowed else &self.operation.rejected);
        self.table.mark(layout.operation_dirty, self.operation_row);
        const row = self.application orelse return;
        t.add(if (is_allowed) &row.allowed else &row.rejected);
        self.table.mark(layout.application_dirty, self.application_row);
    }

    /// Notices a clock that steps back by more than a second, once per step.
    fn tick(header: *layout.Header, now_ns: u64) void {
        const seen = t.load(&header.clock_ns);
        if (now_ns + limits.NS < seen) {
            const is_first = @cmpxchgStrong(u64, &header.clock_ns, seen, now_ns, .monotonic, .monotonic) == null;
            if (is_first) t.add(&header.clock_steps);
        } else if (now_ns > seen + 10 * std.time.ns_per_ms) @atomicStore(u64, &header.clock_ns, now_ns, .monotonic);
    }

    pub fn nowUs(self: *const Call) u64 {
        return self.d.now_ns / std.time.ns_per_us;
    }

    fn judge(self: *Call) Reason {
        const settings = self.settings;
        if (self.is_too_long) return .url_too_long;
        if (self.table.isAddressBlocked(&self.address, self.nowUs())) return .blocked;
        if (self.certificate.refused()) |reason| return reason;
        if (self.token.presented == .wrong) return .token_invalid; // never a reason to look at a key
        if (self.token.presented == .unverified) return .introspection_down;
        if (self.token.presented == .good) {
            if (self.token.id) |id| if (self.table.isBlocked(&id, layout.BLOCK_BIT_TOKEN, self.nowUs())) return .token_revoked;
            const refused = self.identify(&self.token.client);
            if (refused == .unknown_credential and !self.token.takes_unknown) return .unknown_client;
            if (refused != .allowed and refused != .unknown_credential) return refused;
        } else if (self.others.len > 0) {
            const refused = schemes.identify(self);
            if (refused != .allowed) return refused;
        } else if (self.key) |key| {
            const refused = self.authenticate(key);
            if (refused != .allowed) return refused;
        } else if (settings.is_open == 0 or self.asks_everybody or self.mark != null) return .no_credential;
        if (settings.state != layout.ACTIVE) return if (settings.state == 0) .table_filling else .api_closed;
        if (self.application != null) {
            const refused = self.subscribe();
            const is_let_in = settings.is_open != 0 and refused != .table_damaged;
            if (refused != .allowed and !is_let_in) return refused;
        }
        if (!scopes.isGranted(self)) return .insufficient_scope;
        if (!grants.isGranted(self)) return .access_not_granted;
        return allowances.takeAll(self);
    }

    fn authenticate(self: *Call, key: []const u8) Reason {
        if (!keys.isShaped(key)) return .unknown_credential; // the checksum costs more than it saves
        var digest: [32]u8 = undefined;
        hash.sha256(key.ptr, key.len, &digest);
        return self.identify(&digest);
    }

    pub fn identify(self: *Call, digest: *const [32]u8) Reason {
        const table = self.table;
        const credential = table.findCredential(digest) orelse return .unknown_credential;
        const state = t.load(&credential.state);
        if (state == layout.REMOVED or state == 0) return .unknown_credential;
        self.d.name(0, &credential.id);
        const application = table.application(credential.application) orelse return .table_damaged;
        self.d.name(1, &application.id);
        self.d.name(2, &application.organization);
        self.application = application;
        self.application_row = credential.application;
        self.scope_set = @atomicLoad(u32, &credential.scope_set, .acquire);
        if (state != layout.ACTIVE) return .revoked;
        if (self.isOver(&credential.expires_us)) return .expired;
        if (table.isBlocked(&credential.id, layout.BLOCK_BIT_CREDENTIAL, self.nowUs())) return .blocked;
        if (table.isBlocked(&application.id, layout.BLOCK_BIT_APPLICATION, self.nowUs())) return .blocked;
        t.add(&credential.uses);
        const now_s = self.d.now_ns / limits.NS;
        if (t.load(&credential.last_used_s) != now_s) @atomicStore(u64, &credential.last_used_s, now_s, .monotonic);
        return if (t.load(&application.state) == layout.ACTIVE) .allowed else .application_suspended;
    }

    fn isOver(self: *const Call, expires_us: *const u64) bool {
        const ends = t.load(expires_us);
        return ends != 0 and ends <= self.nowUs();
    }

    /// The first of the API's products under which the application has an active subscription.
    fn subscribe(self: *Call) Reason {
        var refused: Reason = .not_subscribed;
        for (self.settings.products[0..self.settings.product_count]) |product| {
            const found = self.table.findSubscription(self.application_row, product) orelse continue;
            const plan_state = t.load(&found.plan_state);
            if (plan_state >> 32 == layout.SUSPENDED) refused = .subscription_suspended;
            if (plan_state >> 32 != layout.ACTIVE) continue;
            if (self.isOver(&found.expires_us)) {
                refused = .subscription_expired;
                continue;
            }
            const plan = self.table.plan(plan_state & 0xFFFF_FFFF) orelse return .table_damaged;
            self.plan = plan;
            self.product = product;
            self.subscription = found;
            self.d.name(3, &found.id);
            self.d.name(4, &plan.id);
            return .allowed;
        }
        return refused;
    }
};
