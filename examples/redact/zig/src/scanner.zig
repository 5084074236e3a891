//! One pass over a line, looking at each run of digits from the left. A line without a number is not copied.

const std = @import("std");
const millstream = @import("millstream");
const isDigit = std.ascii.isDigit;

const fewest_digits = 13;
const most_digits = 19;
const clear_digits = 4;
/// Six digits, a hyphen and seven digits, and what stays readable of them.
const resident_size = 14;
const resident_clear = 8;

/// A number that text begins with: its size, how much of it stays, and how many digits behind that are masked.
const Number = struct { size: usize, clear: usize, hidden: usize };

pub const Scanner = struct {
    cards: bool,
    residents: bool,
    mask: []const u8,
    found_cards: usize = 0,
    found_residents: usize = 0,

    /// The line with its numbers masked, in scratch memory; null where it has none.
    pub fn scan(scanner: *Scanner, line: []const u8) !?[]const u8 {
        var masked: std.ArrayList(u8) = .empty;
        var at: usize = 0;
        var copied: usize = 0;
        while (at < line.len) {
            if (!isDigit(line[at])) {
                at += 1;
                continue;
            }
            const number = scanner.find(line[at..]) orelse {
                while (at < line.len and isDigit(line[at])) at += 1;
                continue;
            };
            // A mask has up to four bytes, and takes the place of one.
            if (copied == 0) try masked.ensureTotalCapacity(millstream.scratch, line.len * scanner.mask.len);
            masked.appendSliceAssumeCapacity(line[copied .. at + number.clear]);
            var hidden = number.hidden;
            for (line[at + number.clear .. at + number.size]) |letter| {
                if (isDigit(letter) and hidden > 0) {
                    hidden -= 1;
                    masked.appendSliceAssumeCapacity(scanner.mask);
                } else {
                    masked.appendAssumeCapacity(letter);
                }
            }
            at += number.size;
            copied = at;
        }
        if (copied == 0) return null;
        masked.appendSliceAssumeCapacity(line[copied..]);
        return masked.items;
    }

    fn find(scanner: *Scanner, text: []const u8) ?Number {
        if (scanner.residents and isResident(text)) {
            scanner.found_residents += 1;
            return .{ .size = resident_size, .clear = resident_clear, .hidden = resident_size };
        }
        if (!scanner.cards) return null;
        const number = card(text) orelse return null;
        scanner.found_cards += 1;
        return number;
    }
};

fn isResident(text: []const u8) bool {
    if (text.len < resident_size or text[6] != '-') return false;
    if (text.len > resident_size and isDigit(text[resident_size])) return false;
    for (text[0..resident_size], 0..) |letter, at| {
        if (at != 6 and !isDigit(letter)) return false;
    }
    const month = two(text[2..4]);
    const day = two(text[4..6]);
    return month >= 1 and month <= 12 and day >= 1 and day <= 31 and text[7] >= '1' and text[7] <= '8';
}

/// The longest card that text begins with.
fn card(text: []const u8) ?Number {
    var digits: [most_digits]u8 = undefined;
    var count: usize = 0;
    var found: ?Number = null;
    var at: usize = 0;
    while (true) : (at += 1) {
        while (at < text.len and isDigit(text[at])) : (at += 1) {
            if (count == most_digits) return found;
            digits[count] = text[at] - '0';
            count += 1;
        }
        if (count >= fewest_digits and luhn(digits[0..count])) {
            found = .{ .size = at, .clear = 0, .hidden = count - clear_digits };
        }
        if (at + 1 >= text.len or (text[at] != ' ' and text[at] != '-') or !isDigit(text[at + 1])) return found;
    }
}

fn luhn(digits: []const u8) bool {
    var sum: usize = 0;
    for (digits, 0..) |digit, at| {
        const value = if ((digits.len - at) % 2 == 0) digit * 2 else digit;
        sum += if (value > 9) value - 9 else value;
    }
    return sum % 10 == 0;
}

fn two(text: []const u8) u8 {
    return (text[0] - '0') * 10 + (text[1] - '0');
}
