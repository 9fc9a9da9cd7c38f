//! Which file is the table now? Maps it, notices that it was made anew, unmaps the old one.
//!
//! Once a second one worker looks whether the path still names the mapped file; a table that is
//! retired or unreadable is looked at again at once, then 20 times a second. Fails closed: while
//! no readable table is there, nobody is let in. A path that is gone keeps the table that is mapped.
const std = @import("std");
const abi = @import("abi.zig");
const t = @import("table.zig");
const layout = t.layout;
const concurrent = @import("concurrent.zig");

const linux = std.os.linux;
const CHECK_NS = std.time.ns_per_s;
const RETRY_NS = 50 * std.time.ns_per_ms;
const GRACE_NS = std.time.ns_per_s; // a hook runs for microseconds: none reads a file replaced so long ago
const DAMAGED = "headgate: the access table is missing or damaged; every call is refused with 503";
const Base = [*]align(std.heap.page_size_min) u8;

pub fn nowNs() u64 {
    var now: std.c.timespec = undefined;
    _ = std.c.clock_gettime(.REALTIME, &now);
    return @as(u64, @intCast(now.sec)) * std.time.ns_per_s + @as(u64, @intCast(now.nsec));
}

pub const Mapping = struct {
    path: [:0]u8,
    base: ?Base = null,
    identity: [3]u64 = undefined, // of the file at `base`: inode and device
    previous: ?Base = null, // another worker may still be reading it
    replaced_ns: u64 = 0,
    next_check_ns: u64 = 0,
    lock: u32 = 0,
    is_reported: bool = false,
    is_private: bool = false,

    /// `is_private`: what is written is seen by nobody else, and gone with the next `refresh`.
    pub fn create(path: []const u8, is_private: bool) ?*Mapping {
        const self = std.heap.c_allocator.create(Mapping) catch return null;
        self.* = .{ .path = std.heap.c_allocator.dupeSentinel(u8, path, 0) catch return null, .is_private = is_private };
        return self;
    }
    pub fn destroy(self: *Mapping) void {
        for ([_]?Base{ self.base, self.previous }) |base| unmap(base);
        std.heap.c_allocator.free(self.path);
        std.heap.c_allocator.destroy(self);
    }

    /// Forgets what was written to private pages: from here on they are the file's again.
    pub fn refresh(self: *Mapping) void {
        const base = @atomicLoad(?Base, &self.base, .acquire) orelse return;
        _ = std.c.madvise(@ptrCast(base), layout.FILE_BYTES, linux.MADV.DONTNEED);
    }

    /// The table to decide with, null while there is none that can be read.
    pub fn table(self: *Mapping, now_ns: u64) ?t.Table {
        if (self.healthy()) |found| {
            if (!self.isDue(now_ns, CHECK_NS)) return found;
        }
        while (@cmpxchgWeak(u32, &self.lock, 0, 1, .acquire, .monotonic) != null) std.atomic.spinLoopHint();
        defer @atomicStore(u32, &self.lock, 0, .release);
        if (!self.isDue(now_ns, if (self.healthy() == null) RETRY_NS else CHECK_NS)) return self.healthy();
        self.check(now_ns);
        const found = self.healthy();
        @atomicStore(u64, &self.next_check_ns, now_ns + if (found == null) RETRY_NS else @as(u64, CHECK_NS), .monotonic);
        if (found == null and !self.is_reported) abi.log(DAMAGED);
        self.is_reported = found == null;
        return found;
    }

    /// The table in which a decision was made, null when it is no longer the one that is mapped.
    pub fn same(self: *Mapping, file: u64) ?t.Table {
        const found = self.healthy() orelse return null;
        return if (found.header().hash_key[0] == file) found else null;
    }

    /// Is the next look past, or so far ahead that the clock must have stepped back?
    fn isDue(self: *Mapping, now_ns: u64, wait_ns: u64) bool {
        return @atomicLoad(u64, &self.next_check_ns, .monotonic) -% now_ns -% 1 >= wait_ns;
    }

    fn healthy(self: *Mapping) ?t.Table {
        const found: t.Table = .{ .base = @alignCast(@atomicLoad(?Base, &self.base, .acquire) orelse return null) };
        return if (found.isHealthy()) found else null;
    }

    fn check(self: *Mapping, now_ns: u64) void {
        const fd = std.c.open(self.path, .{ .ACCMODE = .RDWR, .CLOEXEC = true });
        if (fd < 0) return;
        defer _ = std.c.close(fd);
        var status: linux.Statx = undefined;
        if (linux.statx(fd, "", linux.AT.EMPTY_PATH, .{ .INO = true, .SIZE = true }, &status) != 0) return;
        const identity = [3]u64{ status.ino, status.dev_major, status.dev_minor };
        const is_whole = status.size == layout.FILE_BYTES;
        if (self.base != null and is_whole and std.mem.eql(u64, &identity, &self.identity)) return;
        if (now_ns -% self.replaced_ns < GRACE_NS) return;
        unmap(self.previous);
        self.previous = self.base;
        self.replaced_ns = now_ns;
        self.identity = identity;
        const mapped = if (is_whole) map(fd, self.is_private) else null;
        if (mapped) |base| {
            const found: t.Table = .{ .base = @alignCast(base) };
            if (found.isHealthy()) concurrent.register(found.header(), now_ns);
        }
        @atomicStore(?Base, &self.base, mapped, .release);
    }
};

fn map(fd: c_int, is_private: bool) ?Base {
    const made = std.c.mmap(null, layout.FILE_BYTES, .{ .READ = true, .WRITE = true }, .{ .TYPE = if (is_private) .PRIVATE else .SHARED, .NORESERVE = is_private }, fd, 0);
    return if (made == std.c.MAP_FAILED) null else @ptrCast(@alignCast(made));
}
fn unmap(base: ?Base) void {
    if (base) |mapped| _ = std.c.munmap(@ptrCast(mapped), layout.FILE_BYTES);
}
