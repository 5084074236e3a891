/* Runs a stage natively by the host's rules, for its author's tests.
 *
 * Only declared columns cross, held rows keep their columns outside the stage, ticks come when asked for, and time moves
 * only by ms_harness_advance. Every answer is checked as the host would check it; a violation ends the test with what
 * was wrong. ms_harness_replay replaces the stage by a fresh one and feeds it the held entries, as the host does after a
 * trap or a reload: a stage whose output depends on more than that is wrong. ms_harness_cases runs the folders of
 * examples that `millstream plugin test` runs in the sandbox.
 *
 * Compile with millstream.c and harness.c. One harness runs at a time. What it answers is good until it is freed. */
#ifndef MILLSTREAM_HARNESS_H
#define MILLSTREAM_HARNESS_H

#include "millstream.h"

#ifdef __cplusplus
extern "C" {
#endif

/* When a harness starts, and the timestamp of rows that name none: 2026-01-01T00:00:00Z. */
#define MS_START INT64_C(1767225600000000000)

typedef struct ms_pair {
    ms_text name, value;
} ms_pair;

/* Sorted by name. */
typedef struct ms_pairs {
    ms_pair *list;
    size_t count;
} ms_pairs;

/* An entry as tests write and read it: everything a stage could read or change. */
typedef struct ms_row {
    ms_text line;
    int64_t timestamp;
    ms_pairs labels, fields, metadata;
} ms_row;

typedef struct ms_row_list {
    ms_row *rows;
    size_t count;
} ms_row_list;

typedef struct ms_harness ms_harness;

/* A configured stage. The settings are what a manifest says, as JSON. */
ms_harness *ms_harness_new(const ms_stage *stage, const char *settings);
void ms_harness_free(ms_harness *harness);
/* Why the stage refuses these settings, in memory that stays. */
const char *ms_harness_refusal(const ms_stage *stage, const char *settings);

/* An entry with this line, at MS_START, and nothing else; then with a label, field or metadata. Texts are copied. */
ms_row ms_row_new(ms_harness *harness, const char *line);
ms_row ms_row_label(ms_harness *harness, ms_row row, const char *name, const char *value);
ms_row ms_row_field(ms_harness *harness, ms_row row, const char *name, const char *value);
ms_row ms_row_metadata(ms_harness *harness, ms_row row, const char *name, const char *value);
bool ms_row_equal(const ms_row *one, const ms_row *other);
/* The value of a name, or no text. */
ms_text ms_pairs_get(const ms_pairs *pairs, const char *name);

/* Sends one batch through the stage and answers what came out. */
ms_row_list ms_harness_push(ms_harness *harness, const ms_row *rows, size_t count);
ms_row_list ms_harness_push_line(ms_harness *harness, const char *line);
/* The same of a call that may fail: false, and the text in `failure`. Nothing has changed outside the stage then. */
bool ms_harness_try_push(ms_harness *harness, const ms_row *rows, size_t count, ms_row_list *out, const char **failure);
/* Lets time pass. The stage is called whenever it asked for that. */
ms_row_list ms_harness_advance(ms_harness *harness, int64_t nanoseconds);
/* No more batches: the stage has to let go of everything. */
ms_row_list ms_harness_flush(ms_harness *harness);
/* Replaces the stage by a fresh one with the same settings and feeds it the held entries, in stretches of consecutive
 * ids. Answers what came out, which is nothing for a stage that decides by what it holds. */
ms_row_list ms_harness_replay(ms_harness *harness);

/* The ids of the rows the stage holds. */
const uint64_t *ms_harness_held(const ms_harness *harness, size_t *count);
/* When the stage wants to be called, or MS_NEVER. */
int64_t ms_harness_wake_at(const ms_harness *harness);
int64_t ms_harness_now(const ms_harness *harness);
/* How many rows were dropped on purpose for a reason. */
size_t ms_harness_dropped(const ms_harness *harness, const char *reason);
/* How many rows vanished uncounted: merged into others. */
size_t ms_harness_merged(const ms_harness *harness);
/* The text of message `index` to the agent's log, or NULL behind the last. */
const char *ms_harness_message(const ms_harness *harness, size_t index);
/* The value of a metric's series, its label values one text each; a histogram's is the sum of its observations. */
double ms_harness_metric(const ms_harness *harness, const char *name, const char *const *label_values, size_t count);

/* Runs every case under a folder and tells on stderr which failed; true when none did. */
bool ms_harness_cases(const ms_stage *stage, const char *folder);

/* Told when a test cannot go on; it must not return. Prints and exits with 1 unless it is replaced. */
extern void (*ms_harness_fail)(const char *message);

/* Counts and prints a failed expectation; the test goes on. */
#define MS_EXPECT(condition) ms_expect((condition), #condition, __FILE__, __LINE__)
void ms_expect(bool is, const char *condition, const char *file, int line);
/* What main returns: 0 when every expectation was met. */
int ms_expectations(void);

#ifdef __cplusplus
}
#endif

#endif
