//! May this answer be given again, to whom, and for how long? RFC 9111 as a shared cache reads it.
//!
//! Pure: header values in, decisions out. What is not understood is not stored.
const std = @import("std");

pub const KEY_BYTES_MAX = 4096; // a longer address is passed on and never stored
pub const LIFETIME_S_MAX = 31 * 24 * 3600;
const VARY_NAMES_MAX = 8;

/// The directives that matter to us, of a request or of an answer. Source: RFC 9111 §5.2.
pub const Control = struct {
    no_store: bool = false,
    private: bool = false,
    no_cache: bool = false,
    max_age_s: ?u64 = null,
    shared_max_age_s: ?u64 = null,
    stale_s: ?u64 = null, // stale-while-revalidate, RFC 5861 §3

    pub fn parse(self: *Control, value: []const u8) void {
        var directives = std.mem.splitScalar(u8, value, ',');
        while (directives.next()) |raw| {
            const directive = std.mem.trim(u8, raw, " \t");
            const at = std.mem.findScalar(u8, directive, '=') orelse directive.len;
            const name = std.mem.trim(u8, directive[0..at], " \t");
            const argument = std.mem.trim(u8, directive[@min(at + 1, directive.len)..], " \t\"");
            if (eql(name, "no-store")) self.no_store = true;
            if (eql(name, "private")) self.private = true;
            if (eql(name, "no-cache") or eql(name, "must-understand")) self.no_cache = true;
            if (eql(name, "max-age")) self.max_age_s = seconds(argument);
            if (eql(name, "s-maxage")) self.shared_max_age_s = seconds(argument);
            if (eql(name, "stale-while-revalidate")) self.stale_s = seconds(argument);
        }
    }
};

/// What an answer's headers say about storing it.
pub const Answer = struct {
    status: u32 = 0,
    control: Control = .{},
    age_s: u64 = 0,
    date_s: ?i64 = null,
    expires_s: ?i64 = null,
    has_expires: bool = false,
    has_cookie: bool = false,

    pub fn note(self: *Answer, name: []const u8, value: []const u8) void {
        if (eql(name, "cache-control")) self.control.parse(value);
        if (eql(name, "age")) self.age_s = seconds(value);
        if (eql(name, "date")) self.date_s = httpDate(value);
        if (eql(name, "set-cookie")) self.has_cookie = true;
        if (eql(name, "expires")) {
            self.has_expires = true;
            self.expires_s = httpDate(value);
        }
    }

    /// For how many seconds from its making the answer is fresh; null when it must not be stored.
    /// `ttl_s`, when not 0, goes before what the upstream says of time, never before `private`.
    pub fn lifetime(self: *const Answer, ttl_s: u64) ?u64 {
        const c = &self.control;
        if (c.no_store or c.private or self.has_cookie) return null;
        const is_plain = switch (self.status) {
            200, 203, 301, 308 => true,
            204, 300, 404, 405, 410, 414, 501 => false, // only where the upstream says so
            else => return null,
        };
        if (ttl_s > 0 and is_plain) return self.age_s + ttl_s;
        if (c.no_cache) return null;
        const said = c.shared_max_age_s orelse c.max_age_s orelse self.untilExpiry() orelse return null;
        return if (said > self.age_s) @min(said, LIFETIME_S_MAX) else null;
    }

    fn untilExpiry(self: *const Answer) ?u64 {
        if (!self.has_expires) return null;
        const end = self.expires_s orelse return 0; // unreadable means past, §5.3
        const begin = self.date_s orelse return null;
        return if (end > begin) @intCast(end - begin) else 0;
    }
};

/// Headers that belong to one connection, one caller or one delivery, and so not to what is stored.
pub fn isKept(name: []const u8) bool {
    const own = [_][]const u8{ "age", "connection", "keep-alive", "proxy-authenticate", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "content-length", "x-request-id", "server" };
    for (own) |other| if (eql(name, other)) return false;
    return name.len > 0 and name[0] != ':';
}

/// Whether every name in a `Vary` value is one of `allowed`; the names are then written into
/// `out`, in lower case, each followed by a comma. Null: the answer must not be stored.
pub fn vary(value: []const u8, allowed: []const []const u8, out: []u8) ?[]const u8 {
    var len: usize = 0;
    var count: usize = 0;
    var names = std.mem.splitScalar(u8, value, ',');
    while (names.next()) |raw| {
        const name = std.mem.trim(u8, raw, " \t");
        if (name.len == 0) continue;
        count += 1;
        if (count > VARY_NAMES_MAX or name.len + 1 > out.len - len) return null;
        for (allowed) |other| {
            if (eql(name, other)) break;
        } else return null;
        for (name) |c| {
            out[len] = std.ascii.toLower(c);
            len += 1;
        }
        out[len] = ',';
        len += 1;
    }
    return out[0..len];
}

/// The path with only the query parameters that `names` lists, in that order; null when it would
/// be too long for `out`. Parameters that nobody declared cannot make answers differ.
pub fn declaredQuery(path: []const u8, names: []const []const u8, out: []u8) ?[]const u8 {
    const at = std.mem.findScalar(u8, path, '?') orelse return path;
    if (path.len > out.len) return null;
    var len: usize = at;
    @memcpy(out[0..at], path[0..at]);
    for (names) |name| {
        var parameters = std.mem.splitScalar(u8, path[at + 1 ..], '&');
        while (parameters.next()) |one| {
            const end = std.mem.findScalar(u8, one, '=') orelse one.len;
            if (!std.mem.eql(u8, one[0..end], name)) continue;
            if (one.len + 1 > out.len - len) return null;
            out[len] = if (len == at) '?' else '&';
            @memcpy(out[len + 1 ..][0..one.len], one);
            len += 1 + one.len;
        }
    }
    return out[0..len];
}

/// Whether a list of entity tags names this one. Source: RFC 9110 §13.1.2, weak comparison.
pub fn matchesTag(list: []const u8, tag: []const u8) bool {
    var tags = std.mem.splitScalar(u8, list, ',');
    while (tags.next()) |raw| {
        const one = std.mem.trim(u8, raw, " \t");
        if (std.mem.eql(u8, one, "*") or std.mem.eql(u8, strong(one), strong(tag))) return true;
    }
    return false;
}

fn strong(tag: []const u8) []const u8 {
    return if (std.mem.startsWith(u8, tag, "W/")) tag[2..] else tag;
}

pub fn eql(one: []const u8, other: []const u8) bool {
    return std.ascii.eqlIgnoreCase(one, other);
}

/// Digits as seconds; what is no number is 0, which stores nothing. Source: RFC 9111 §1.2.2.
fn seconds(text: []const u8) u64 {
    if (text.len == 0) return 0;
    for (text) |c| if (!std.ascii.isDigit(c)) return 0;
    return std.fmt.parseInt(u32, text, 10) catch LIFETIME_S_MAX;
}

/// `Sun, 06 Nov 1994 08:49:37 GMT` as seconds since 1970. Source: RFC 9110 §5.6.7.
fn httpDate(text: []const u8) ?i64 {
    if (text.len != 29 or !std.mem.endsWith(u8, text, " GMT")) return null;
    const months = "JanFebMarAprMayJunJulAugSepOctNovDec";
    const found = std.mem.find(u8, months, text[8..11]) orelse return null;
    const day = number(text[5..7]) orelse return null;
    const year = number(text[12..16]) orelse return null;
    const hour = number(text[17..19]) orelse return null;
    const minute = number(text[20..22]) orelse return null;
    const second = number(text[23..25]) orelse return null;
    return daysFrom1970(year, @as(i64, @intCast(found / 3)) + 1, day) * 86_400 + hour * 3600 + minute * 60 + second;
}

fn number(digits: []const u8) ?i64 {
    for (digits) |c| if (!std.ascii.isDigit(c)) return null;
    return std.fmt.parseInt(i64, digits, 10) catch null;
}

/// Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", days_from_civil.
fn daysFrom1970(year: i64, month: i64, day: i64) i64 {
    const y = if (month <= 2) year - 1 else year;
    const era = @divFloor(y, 400);
    const of_era = y - era * 400;
    const of_year = @divFloor(153 * (month + (if (month > 2) @as(i64, -3) else 9)) + 2, 5) + day - 1;
    return era * 146_097 + of_era * 365 + @divFloor(of_era, 4) - @divFloor(of_era, 100) + of_year - 719_468;
}
