/* Masks card and resident-registration numbers in lines, and counts what it masked. */
#include "redact.h"

#include <stdlib.h>

#include "scanner.h"

typedef struct state {
    scanner scanner;
    ms_metric redacted;
} state;

static size_t characters(ms_text text) {
    size_t count = 0;
    for (size_t at = 0; at < text.size; at++) {
        count += (text.data[at] & 0xc0) != 0x80;
    }
    return count;
}

static bool configure(ms_setup *setup, void **made) {
    static const char *const labels[] = {"kind"};
    state *self = calloc(1, sizeof *self);
    *made = self;
    scanner *scanner = &self->scanner;
    scanner->cards = ms_setting_bool(setup, "cards", true);
    scanner->residents = ms_setting_bool(setup, "resident_numbers", true);
    scanner->mask = ms_setting_text(setup, "mask", ms_str("*"));
    if (!scanner->cards && !scanner->residents) {
        return ms_refuse(setup, "cards", "with `resident_numbers` off too there is nothing to mask");
    }
    if (characters(scanner->mask) != 1) {
        return ms_refuse(setup, "mask", "must be exactly one character, not `%s`", scanner->mask.data);
    }
    ms_reads_lines(setup);
    return ms_counter(setup, &self->redacted, "redacted_total", "Numbers masked.", labels, 1);
}

static void count(ms_metric redacted, ms_text kind, size_t *found) {
    if (*found > 0) {
        ms_add(redacted, (double)*found, &kind, 1);
        *found = 0;
    }
}

static bool process(void *made, ms_batch *batch, int64_t now) {
    state *self = made;
    (void)now;
    for (size_t row = 0; row < ms_rows(batch); row++) {
        ms_text masked = scan(&self->scanner, ms_line(batch, row));
        if (ms_some(masked)) {
            ms_set_line(batch, row, masked);
        }
    }
    count(self->redacted, ms_str("card"), &self->scanner.found_cards);
    count(self->redacted, ms_str("resident"), &self->scanner.found_residents);
    return true;
}

const ms_stage redact = {.configure = configure, .process = process, .destroy = free};

MS_EXPORT(redact);
