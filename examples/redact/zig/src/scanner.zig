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
        while (nextDigit(line, at)) |start| {
            at = start;
            const groups = Groups.of(line[at..]);
            if (groups.digits < fewest_digits) {
                // Neither a card nor a resident number, and neither is any part of it.
                at += groups.end;
                continue;
            }
            const number = scanner.find(line[at..]) orelse {
                at = runEnd(line, at);
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
        const card = Groups.card(text) orelse return null;
        scanner.found_cards += 1;
        return .{ .size = card.end, .clear = 0, .hidden = card.digits - clear_digits };
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

/// Groups of digits with one space or hyphen between them.
const Groups = struct {
    end: usize = 0,
    digits: usize = 0,

    /// As far as they go; counting ends past 19 digits.
    fn of(text: []const u8) Groups {
        var groups: Groups = .{};
        while (true) : (groups.end += 1) {
            const end = runEnd(text, groups.end);
            groups.digits += end - groups.end;
            groups.end = end;
            if (groups.digits > most_digits or !anotherFollows(text, end)) return groups;
        }
    }

    /// The longest prefix of whole groups that is a card.
    fn card(text: []const u8) ?Groups {
        var found: ?Groups = null;
        var groups: Groups = .{};
        // Which digits are doubled depends on how many follow: both sums go along, and change places.
        var sum: u32 = 0;
        var other: u32 = 0;
        while (true) : (groups.end += 1) {
            const end = runEnd(text, groups.end);
            groups.digits += end - groups.end;
            if (groups.digits > most_digits) return found;
            for (text[groups.end..end]) |letter| {
                const digit: u32 = letter - '0';
                const before = sum;
                sum = other + digit;
                other = before + if (digit > 4) 2 * digit - 9 else 2 * digit;
            }
            groups.end = end;
            if (groups.digits >= fewest_digits and sum % 10 == 0) found = groups;
            if (!anotherFollows(text, end)) return found;
        }
    }
};

fn runEnd(text: []const u8, start: usize) usize {
    var at = start;
    while (at < text.len and isDigit(text[at])) at += 1;
    return at;
}

fn anotherFollows(text: []const u8, at: usize) bool {
    return at + 1 < text.len and (text[at] == ' ' or text[at] == '-') and isDigit(text[at + 1]);
}

/// Where the first digit from `start` on is; eight bytes at a time, of which the first digit sets the lowest high bit.
fn nextDigit(text: []const u8, start: usize) ?usize {
    const ones: u64 = 0x0101010101010101;
    var at = start;
    while (text.len - at >= 8) : (at += 8) {
        const word = std.mem.readInt(u64, text[at..][0..8], .little) ^ ones * '0';
        const hits = (word -% ones * 10) & ~word & ones * 0x80;
        if (hits != 0) return at + @ctz(hits) / 8;
    }
    while (at < text.len) : (at += 1) if (isDigit(text[at])) return at;
    return null;
}

fn two(text: []const u8) u8 {
    return (text[0] - '0') * 10 + (text[1] - '0');
}
