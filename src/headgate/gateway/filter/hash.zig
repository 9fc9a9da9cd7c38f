//! How is a key hashed on this processor? By its own instructions where it has them: a tenth of
//! the work of software, which a library for every processor of the family must not assume.
const std = @import("std");

extern fn headgate_sha256(text: [*]const u8, length: usize, out: *[32]u8) void;

pub fn portable(text: [*]const u8, length: usize, out: *[32]u8) callconv(.c) void {
    std.crypto.hash.sha2.Sha256.hash(text[0..length], out, .{});
}

pub var sha256: *const fn ([*]const u8, usize, *[32]u8) callconv(.c) void = &portable;

/// Called once, before the first request. Source: Linux, `/proc/cpuinfo`.
pub fn choose() void {
    var text: [8192]u8 = undefined;
    const fd = std.c.open("/proc/cpuinfo", .{ .CLOEXEC = true });
    if (fd < 0) return;
    defer _ = std.c.close(fd);
    const count = std.c.read(fd, &text, text.len);
    if (count <= 0) return;
    const needed: []const []const u8 = switch (@import("builtin").cpu.arch) {
        .x86_64 => &.{ " sha_ni ", " avx2 " },
        .aarch64 => &.{" sha2 "},
        else => return,
    };
    for (needed) |word| if (std.mem.find(u8, text[0..@intCast(count)], word) == null) return;
    sha256 = &headgate_sha256;
}
