//! Which file is the table now? Maps it, notices that it was made anew, unmaps the old one.
//!
//! Once a second one worker looks whether the path still names the mapped file; a table that is
//! retired or unreadable is looked at again at once, then 20 times a second. Fails closed: while
//! no readable table is there, nobody is let in. A path that is gone keeps the table that is mapped.
const std = @import("std");
const abi = @import("abi.zig");
const t = @import("table.zig");

const CHECK_NS = std.time.ns_per_s;
const RETRY_NS = 50 * std.time.ns_per_ms;
const GRACE_NS = 10 * std.time.ns_per_s; // a hook runs for microseconds: none still reads the old file
const DAMAGED = "headgate: the access table is missing or damaged; every call is refused with 503";
const linux = std.os.linux;
const OLD_MAX = 4; // changes within the grace period; a further one waits for its end
const File = struct { base: [*]align(std.heap.page_size_min) u8, inode: u64, device: u64 };
const Old = struct { file: *File, since_ns: u64 };

pub fn nowNs() u64 {
    var now: std.c.timespec = undefined;
    _ = std.c.clock_gettime(.REALTIME, &now);
    return @as(u64, @intCast(now.sec)) * std.time.ns_per_s + @as(u64, @intCast(now.nsec));
}

pub const Mapping = struct {
    path: [:0]u8,
    current: ?*File = null,
    old: [OLD_MAX]?Old = @splat(null),
    next_check_ns: u64 = 0,
    lock: u32 = 0,
    is_reported: bool = false,

    pub fn create(path: []const u8) ?*Mapping {
        const self = std.heap.c_allocator.create(Mapping) catch return null;
        const copy = std.heap.c_allocator.dupeSentinel(u8, path, 0) catch return null;
        self.* = .{ .path = copy };
        return self;
    }

    pub fn destroy(self: *Mapping) void {
        if (self.current) |file| unmap(file);
        for (self.old) |old| if (old) |found| unmap(found.file);
        std.heap.c_allocator.free(self.path);
        std.heap.c_allocator.destroy(self);
    }

    /// The table to decide with, null while there is none that can be read.
    pub fn table(self: *Mapping, now_ns: u64) ?t.Table {
        if (!isDue(now_ns, @atomicLoad(u64, &self.next_check_ns, .monotonic), CHECK_NS)) {
            if (self.healthy()) |found| return found;
        }
        while (@cmpxchgWeak(u32, &self.lock, 0, 1, .acquire, .monotonic) != null) std.atomic.spinLoopHint();
        defer @atomicStore(u32, &self.lock, 0, .release);
        const was = self.healthy();
        const next = @atomicLoad(u64, &self.next_check_ns, .monotonic);
        if (isDue(now_ns, next, if (was == null) RETRY_NS else CHECK_NS)) {
            self.check(now_ns);
            const is_healthy = self.healthy() != null;
            @atomicStore(u64, &self.next_check_ns, now_ns + if (is_healthy) @as(u64, CHECK_NS) else RETRY_NS, .monotonic);
            if (!is_healthy and !self.is_reported) abi.log(DAMAGED);
            self.is_reported = !is_healthy;
        }
        return self.healthy();
    }

    /// Is it time, or so long until then that the clock must have stepped back?
    fn isDue(now_ns: u64, next_ns: u64, wait_ns: u64) bool {
        return now_ns >= next_ns or next_ns - now_ns > wait_ns;
    }

    fn healthy(self: *Mapping) ?t.Table {
        const file = @atomicLoad(?*File, &self.current, .acquire) orelse return null;
        const found: t.Table = .{ .base = @alignCast(file.base) };
        return if (found.isHealthy()) found else null;
    }

    fn check(self: *Mapping, now_ns: u64) void {
        var place: ?*?Old = null;
        for (&self.old) |*old| {
            if (old.*) |found| if (now_ns -% found.since_ns > GRACE_NS) {
                unmap(found.file);
                old.* = null;
            };
            if (old.* == null) place = old;
        }
        var status: linux.Statx = undefined;
        if (linux.statx(linux.AT.FDCWD, self.path, 0, .{ .INO = true, .SIZE = true }, &status) != 0) return;
        const device = @as(u64, status.dev_major) << 32 | status.dev_minor;
        if (self.current) |file| {
            if (file.inode == status.ino and file.device == device and status.size == t.FILE_BYTES) return;
        }
        const free = place orelse return;
        const made: ?*File = if (status.size == t.FILE_BYTES) map(self.path, status.ino, device) else null;
        if (self.current) |file| free.* = .{ .file = file, .since_ns = now_ns };
        @atomicStore(?*File, &self.current, made, .release);
    }
};

fn map(path: [:0]const u8, inode: u64, device: u64) ?*File {
    const fd = std.c.open(path, .{ .ACCMODE = .RDWR, .CLOEXEC = true });
    if (fd < 0) return null;
    defer _ = std.c.close(fd);
    const base = std.c.mmap(null, t.FILE_BYTES, .{ .READ = true, .WRITE = true }, .{ .TYPE = .SHARED }, fd, 0);
    if (base == std.c.MAP_FAILED) return null;
    const file = std.heap.c_allocator.create(File) catch return null;
    file.* = .{ .base = @ptrCast(@alignCast(base)), .inode = inode, .device = device };
    return file;
}

fn unmap(file: *File) void {
    _ = std.c.munmap(@ptrCast(@alignCast(file.base)), t.FILE_BYTES);
    std.heap.c_allocator.destroy(file);
}
