/* One pass over a line, looking at each run of digits from the left. A line without a number is not copied. */
#include "scanner.h"

#define FEWEST_DIGITS 13
#define MOST_DIGITS 19
#define CLEAR_DIGITS 4
/* Six digits, a hyphen and seven digits, and what stays readable of them. */
#define RESIDENT_SIZE 14
#define RESIDENT_CLEAR 8

/* A piece of the line: a number, or what leads up to it. */
typedef struct output {
    char *at;
} output;

static bool is_digit(char letter) { return (unsigned char)(letter - '0') <= 9; }

static int two(const char *text) { return (text[0] - '0') * 10 + (text[1] - '0'); }

static bool is_resident(const char *text, size_t size) {
    if (size < RESIDENT_SIZE || text[6] != '-' || (size > RESIDENT_SIZE && is_digit(text[RESIDENT_SIZE]))) {
        return false;
    }
    for (size_t at = 0; at < RESIDENT_SIZE; at++) {
        if (at != 6 && !is_digit(text[at])) {
            return false;
        }
    }
    int month = two(text + 2), day = two(text + 4);
    return month >= 1 && month <= 12 && day >= 1 && day <= 31 && text[7] >= '1' && text[7] <= '8';
}

/* Groups of digits with one space or hyphen between them, as far as they go. */
typedef struct groups {
    size_t end, digits;
} groups;

static size_t run_end(const char *text, size_t size, size_t at) {
    while (at < size && is_digit(text[at])) {
        at++;
    }
    return at;
}

static bool another_follows(const char *text, size_t size, size_t at) {
    return at + 1 < size && (text[at] == ' ' || text[at] == '-') && is_digit(text[at + 1]);
}

static groups groups_of(const char *text, size_t size) {
    groups all = {0, 0};
    for (;; all.end++) {
        size_t end = run_end(text, size, all.end);
        all.digits += end - all.end;
        all.end = end;
        if (all.digits > MOST_DIGITS || !another_follows(text, size, end)) {
            return all;
        }
    }
}

/* The longest prefix of whole groups that is a card, or one of no digits. */
static groups card_of(const char *text, size_t size) {
    groups card = {0, 0}, all = {0, 0};
    /* Which digits are doubled depends on how many follow: both sums go along, and change places. */
    unsigned sum = 0, other = 0;
    for (;; all.end++) {
        for (; all.end < size && is_digit(text[all.end]); all.end++, all.digits++) {
            unsigned digit = (unsigned)(text[all.end] - '0'), before = sum;
            sum = other + digit;
            other = before + (digit > 4 ? 2 * digit - 9 : 2 * digit);
        }
        if (all.digits > MOST_DIGITS) {
            return card;
        }
        if (all.digits >= FEWEST_DIGITS && sum % 10 == 0) {
            card = all;
        }
        if (!another_follows(text, size, all.end)) {
            return card;
        }
    }
}

/* The first digit from `at` on, or `end`; eight bytes at a time, of which the first digit sets the lowest high bit. */
static const char *next_digit(const char *at, const char *end) {
    const uint64_t ones = UINT64_C(0x0101010101010101);
    for (; end - at >= 8; at += 8) {
        uint64_t word;
        memcpy(&word, at, sizeof word);
        word ^= ones * '0';
        word = (word - ones * 10) & ~word & ones * 0x80;
        if (word) {
            return at + __builtin_ctzll(word) / 8;
        }
    }
    while (at < end && !is_digit(*at)) {
        at++;
    }
    return at;
}

static void put(output *out, const char *text, size_t size) {
    memcpy(out->at, text, size);
    out->at += size;
}

static void put_masked(output *out, const char *text, size_t size, size_t hidden, ms_text mask) {
    for (size_t at = 0; at < size; at++) {
        if (is_digit(text[at]) && hidden > 0) {
            hidden--;
            put(out, mask.data, mask.size);
        } else {
            *out->at++ = text[at];
        }
    }
}

ms_text scan(scanner *scanner, ms_text line) {
    const char *at = line.data, *end = line.data + line.size, *copied = line.data;
    char *masked = NULL;
    output out = {NULL};
    while ((at = next_digit(at, end)) < end) {
        size_t left = (size_t)(end - at), size = 0, clear = 0, hidden = 0;
        groups all = groups_of(at, left);
        if (all.digits < FEWEST_DIGITS) {
            /* Neither a card nor a resident number, and neither is any part of it. */
            at += all.end;
            continue;
        }
        if (scanner->residents && is_resident(at, left)) {
            size = RESIDENT_SIZE;
            clear = RESIDENT_CLEAR;
            hidden = RESIDENT_SIZE;
            scanner->found_residents++;
        } else if (scanner->cards) {
            groups card = card_of(at, left);
            size = card.end;
            hidden = card.digits - CLEAR_DIGITS;
            scanner->found_cards += size > 0;
        }
        if (size == 0) {
            at += run_end(at, left, 0);
            continue;
        }
        if (!masked) {
            /* A mask has up to four bytes, and takes the place of one. */
            masked = ms_scratch(line.size * scanner->mask.size);
            out.at = masked;
        }
        put(&out, copied, (size_t)(at - copied) + clear);
        put_masked(&out, at + clear, size - clear, hidden, scanner->mask);
        at += size;
        copied = at;
    }
    if (!masked) {
        return ms_text_of(NULL, 0);
    }
    put(&out, copied, (size_t)(end - copied));
    return ms_text_of(masked, (size_t)(out.at - masked));
}
