/* What the parts of the harness share. */
#ifndef MILLSTREAM_HARNESS_PARTS_H
#define MILLSTREAM_HARNESS_PARTS_H

#include "../include/millstream_harness.h"
#include "../src/contract.h"

typedef struct known_row {
    uint64_t id;
    ms_row row;
} known_row;

/* What the stage was given: the rows of the call, and those it held. Ascending by id. */
typedef struct given {
    uint64_t first;
    size_t rows;
    const known_row *known;
    size_t known_count;
    const ms_pairs *sets;
    size_t set_count;
    const ms_interest *interest;
} given;

typedef struct metric {
    ms_metric_kind kind;
    const char *name;
    ms_text *labels;
    size_t label_count;
} metric;

typedef struct series {
    uint32_t metric;
    ms_text *values;
    double value;
} series;

typedef struct drop {
    ms_text reason;
    size_t count;
} drop;

struct ms_harness {
    const ms_stage *stage;
    const char *settings;
    ms_instance instance;
    /* Everything that is good until the harness is freed. */
    ms_arena memory;
    /* What configure made. */
    ms_arena configuration;
    bool configuring;
    int64_t now;
    uint64_t next_id;
    known_row *held;
    uint64_t *held_ids;
    size_t held_count;
    int64_t wake_at;
    drop *drops;
    size_t drop_count;
    size_t merged;
    metric *metrics;
    size_t metric_count;
    series *series;
    size_t series_count;
    const char **messages;
    size_t message_count;
};

/* ---- check.c, cross.c ---- */

/* The first violation, or NULL. */
const char *edit_violation(const given *given, const ms_log_edit *edit);
/* The ids that the output rows stem from. */
ms_ids origins_of(const given *given, const ms_log_edit *edit);
const ms_row *known_by_id(const given *given, uint64_t id);
/* How many of the known rows live on, as output or held. */
size_t staying(const given *given, const ms_log_edit *edit);
/* The label sets of rows in the order of their first appearance. */
ms_pairs *distinct_labels(const ms_row *rows, size_t count, size_t *set_count);
/* Only the columns of the interest, in the call arena. */
ms_log_batch cross(uint64_t first, const ms_row *rows, size_t count, const ms_interest *interest);
/* The output rows of an edit that passed the checks, in the harness's memory. */
ms_row_list apply(ms_harness *harness, const given *given, const ms_log_edit *edit);

/* ---- row.c ---- */

ms_text keep_text(ms_harness *harness, ms_text text);
ms_pairs set_pair(ms_harness *harness, ms_pairs pairs, ms_text name, ms_text value);
ms_pairs remove_pair(ms_harness *harness, ms_pairs pairs, ms_text name);
bool pairs_equal(const ms_pairs *one, const ms_pairs *other);
ms_text pairs_get(const ms_pairs *pairs, ms_text name);
/* One element more, in the harness's memory. */
void *grown(ms_harness *harness, void *list, size_t count, size_t size);

/* ---- run.c ---- */

/* Ends the test with a message. */
void fail_test(const char *format, ...) MS_PRINTF(1, 2);
/* NULL, and why in `refusal`, when the stage refuses. */
ms_harness *configured(const ms_stage *stage, const char *settings, const char **refusal);
bool try_flush(ms_harness *harness, ms_row_list *out, const char **failure);
/* Lets time pass up to a moment. */
bool until(ms_harness *harness, int64_t time, ms_row_list *out, const char **failure);
void append_rows(ms_harness *harness, ms_row_list *to, ms_row_list more);

#endif
