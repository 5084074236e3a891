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

static bool luhn(const char *digits, size_t count) {
    int sum = 0;
    for (size_t at = 0; at < count; at++) {
        int value = digits[at] - '0';
        if ((count - at) % 2 == 0) {
            value = value > 4 ? value * 2 - 9 : value * 2;
        }
        sum += value;
    }
    return sum % 10 == 0;
}

/* The size of the longest card that text begins with, separators included, and how many digits it has; or 0. */
static size_t card_size(const char *text, size_t size, size_t *digits) {
    char all[MOST_DIGITS];
    size_t count = 0, card = 0;
    for (size_t at = 0;; at++) {
        for (; at < size && is_digit(text[at]); at++) {
            if (count == MOST_DIGITS) {
                return card;
            }
            all[count++] = text[at];
        }
        if (count >= FEWEST_DIGITS && luhn(all, count)) {
            card = at;
            *digits = count;
        }
        if (at + 1 >= size || (text[at] != ' ' && text[at] != '-') || !is_digit(text[at + 1])) {
            return card;
        }
    }
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
    while (at < end) {
        if (!is_digit(*at)) {
            at++;
            continue;
        }
        size_t left = (size_t)(end - at), size = 0, digits = 0, clear = 0;
        if (scanner->residents && is_resident(at, left)) {
            size = RESIDENT_SIZE;
            clear = RESIDENT_CLEAR;
            digits = RESIDENT_SIZE;
            scanner->found_residents++;
        } else if (scanner->cards && (size = card_size(at, left, &digits)) > 0) {
            digits -= CLEAR_DIGITS;
            scanner->found_cards++;
        }
        if (size == 0) {
            while (at < end && is_digit(*at)) {
                at++;
            }
            continue;
        }
        if (!masked) {
            /* A mask has up to four bytes, and takes the place of one. */
            masked = ms_scratch(line.size * scanner->mask.size);
            out.at = masked;
        }
        put(&out, copied, (size_t)(at - copied) + clear);
        put_masked(&out, at + clear, size - clear, digits, scanner->mask);
        at += size;
        copied = at;
    }
    if (!masked) {
        return ms_text_of(NULL, 0);
    }
    put(&out, copied, (size_t)(end - copied));
    return ms_text_of(masked, (size_t)(out.at - masked));
}
