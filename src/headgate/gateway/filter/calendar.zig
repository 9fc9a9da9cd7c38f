//! Which window of the UTC calendar holds a moment, and when does it begin and end?
const std = @import("std");

pub const WINDOW_S = [_]u64{ 1, 60, 3600, 86_400 }; // second, minute, hour, day
pub const MONTH = 4;

pub const Window = struct { index: u64, start_s: u64, end_s: u64 };

/// The window of this code (`WINDOW_S`, then the month) that holds a moment; a month begins `shift`
/// days after the calendar's.
pub fn window(code: u3, shift: u64, now_s: u64) Window {
    if (code < MONTH) {
        const length = WINDOW_S[code];
        const start = now_s / length * length;
        return .{ .index = now_s / length, .start_s = start, .end_s = start + length };
    }
    const month = monthOf(now_s / 86_400 - shift);
    return .{ .index = month, .start_s = (firstDay(month) + shift) * 86_400, .end_s = (firstDay(month + 1) + shift) * 86_400 };
}

/// Months since March of year 0 of the day that is `day` days after 1970-01-01.
/// Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".
fn monthOf(day: u64) u64 {
    const z = day + 719_468;
    const era_day = z % 146_097;
    const era_year = (era_day - era_day / 1460 + era_day / 36_524 - era_day / 146_096) / 365;
    const year_day = era_day - (365 * era_year + era_year / 4 - era_year / 100);
    return (z / 146_097 * 400 + era_year) * 12 + (5 * year_day + 2) / 153;
}

/// The first day of such a month, in days after 1970-01-01.
fn firstDay(month: u64) u64 {
    const year = month / 12;
    return 365 * year + year / 4 - year / 100 + year / 400 + (153 * (month % 12) + 2) / 5 - 719_468;
}

test "the months of two hundred years follow each other without a gap" {
    const testing = std.testing;
    for (0..200 * 365) |day| {
        const month = monthOf(day);
        try testing.expect(firstDay(month) <= day and day < firstDay(month + 1));
        try testing.expect(firstDay(month + 1) - firstDay(month) - 28 <= 3);
    }
    try testing.expectEqual(59, firstDay(monthOf(59))); // 1970-03-01
}
