/* redact, driven by the harness: the golden cases, and what they leave out. */
#include <stdlib.h>

#include "millstream_harness.h"
#include "redact.h"

static void counts_by_kind(void) {
    static const char *const card[] = {"card"}, *const resident[] = {"resident"};
    ms_harness *harness = ms_harness_new(&redact, "{}");
    ms_row rows[] = {ms_row_new(harness, "4111111111111111 and 900101-1234567"),
                     ms_row_new(harness, "5500 0000 0000 0004")};
    ms_harness_push(harness, rows, 2);
    MS_EXPECT(ms_harness_metric(harness, "redacted_total", card, 1) == 2);
    MS_EXPECT(ms_harness_metric(harness, "redacted_total", resident, 1) == 1);
    ms_harness_free(harness);
}

static void cards_have_13_to_19_digits(void) {
    static const char *const lines[][2] = {
        {"411111111117", "411111111117"},
        {"4111111111119", "*********1119"},
        {"4111111111111111110", "***************1110"},
        {"41111111111111111115", "41111111111111111115"},
    };
    ms_harness *harness = ms_harness_new(&redact, "{}");
    for (size_t at = 0; at < sizeof lines / sizeof *lines; at++) {
        ms_row_list out = ms_harness_push_line(harness, lines[at][0]);
        MS_EXPECT(ms_text_equal(out.rows[0].line, ms_str(lines[at][1])));
    }
    ms_harness_free(harness);
}

static void long_runs_of_digits_pass(void) {
    enum { SIZE = 100000 };
    char *line = malloc(SIZE + 1);
    memset(line, '4', SIZE);
    line[SIZE] = 0;
    ms_harness *harness = ms_harness_new(&redact, "{\"resident_numbers\": false}");
    ms_row_list out = ms_harness_push_line(harness, line);
    MS_EXPECT(ms_text_equal(out.rows[0].line, ms_str(line)));
    ms_harness_free(harness);
    free(line);
}

int main(void) {
    counts_by_kind();
    cards_have_13_to_19_digits();
    long_runs_of_digits_pass();
    MS_EXPECT(ms_harness_cases(&redact, "cases"));
    return ms_expectations();
}
