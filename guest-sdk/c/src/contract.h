/* The rest of the contract's records, and the SDK's own types. Not for stages.
 *
 * On wasm32 a struct of these is laid out as the canonical ABI lays out its record: sizes and addresses are 32 bits, and
 * both align naturally. So a batch is read where the host put it, and an edit is handed over as it is. */
#ifndef MILLSTREAM_CONTRACT_H
#define MILLSTREAM_CONTRACT_H

#include <stdlib.h>

#include "../include/millstream.h"

typedef struct ms_log_batch {
    uint64_t first_id;
    uint32_t rows;
    const int64_t *timestamps;
    size_t timestamp_count;
    ms_column lines;
    const uint32_t *streams;
    size_t stream_count;
    ms_label_sets labels;
    const ms_field *fields;
    size_t field_count;
    const ms_field *metadata;
    size_t metadata_count;
} ms_log_batch;

typedef struct ms_interest {
    bool timestamps, lines, labels;
    ms_text *fields;
    size_t field_count;
    ms_text *metadata;
    size_t metadata_count;
    bool holds;
} ms_interest;

typedef struct ms_drop_count {
    ms_text reason;
    uint32_t count;
} ms_drop_count;

typedef struct ms_ids {
    bool some;
    const uint64_t *list;
    size_t count;
} ms_ids;

typedef struct ms_times {
    bool some;
    const int64_t *list;
    size_t count;
} ms_times;

typedef struct ms_indices {
    bool some;
    const uint32_t *list;
    size_t count;
} ms_indices;

typedef struct ms_log_edit {
    ms_ids origins;
    struct {
        bool some;
        ms_column column;
    } lines;
    ms_times timestamps;
    ms_indices streams;
    struct {
        bool some;
        ms_label_sets sets;
    } labels;
    ms_field *fields;
    size_t field_count;
    ms_field *metadata;
    size_t metadata_count;
    ms_drop_count *drops;
    size_t drop_count;
    const uint64_t *held;
    size_t held_count;
    struct {
        bool some;
        int64_t time;
    } wake_at;
} ms_log_edit;

typedef enum ms_metric_kind { MS_COUNTER, MS_GAUGE, MS_HISTOGRAM } ms_metric_kind;

/* ---- Memory ---- */

/* Blocks that are let go together. In the steady state it is one chunk, as large as the largest call so far. */
typedef struct ms_arena {
    struct ms_chunk *chunks;
    size_t used;
} ms_arena;

/* The arena of the call under way. */
extern ms_arena ms_call_arena;

void *ms_arena_take(ms_arena *arena, size_t size);
void *ms_arena_grow(ms_arena *arena, void *block, size_t old_size, size_t size);
void ms_arena_reset(ms_arena *arena);
void ms_arena_free(ms_arena *arena);
/* Bytes that the arena keeps. */
size_t ms_arena_size(const ms_arena *arena);
/* A block of malloc or calloc, which must be there. */
void *ms_must(void *block);
void *ms_scratch_zero(size_t count, size_t size);

/* ---- The host: imports in the sandbox, the harness natively ---- */

void ms_host_log(ms_level level, ms_text message);
bool ms_host_register(ms_metric_kind kind, ms_text name, ms_text help, const ms_text *labels, size_t label_count,
                      const double *buckets, size_t bucket_count, uint32_t *handle, ms_text *problem);
void ms_host_add(uint32_t metric, const ms_text *values, size_t count, double value);
void ms_host_set(uint32_t metric, const ms_text *values, size_t count, double value);

/* ---- A configured stage ---- */

struct ms_setup {
    ms_interest interest;
    ms_json *settings;
    ms_text refusal;
};

struct ms_output {
    ms_log_edit edit;
    ms_text failure;
};

typedef struct ms_instance {
    const ms_stage *stage;
    void *state;
    ms_interest interest;
} ms_instance;

/* Configures a stage in the call arena, which must stay for as long as the instance. False: refused, with the text. */
bool ms_instance_configure(ms_instance *instance, const ms_stage *stage, ms_text settings, ms_text *refusal);
/* Each fills `out`; false: failed, with the text there. */
bool ms_instance_process(ms_instance *instance, const ms_log_batch *batch, int64_t now, ms_output *out);
bool ms_instance_tick(ms_instance *instance, int64_t now, ms_output *out);
bool ms_instance_flush(ms_instance *instance, int64_t now, ms_output *out);
void ms_instance_destroy(ms_instance *instance);

/* ---- Edits of some rows ---- */

/* A new version of a column that differs in some rows. Fastest when rows are set in ascending order. */
typedef struct ms_text_edit {
    const ms_column *original;
    ms_builder edited;
    /* By row, what was set behind the place that was reached; NULL until that happens. */
    ms_text *late;
    size_t rows;
} ms_text_edit;

ms_text_edit ms_text_edit_new(const ms_column *original, size_t rows);
void ms_text_edit_set(ms_text_edit *edit, size_t row, ms_text value);
ms_column ms_text_edit_finish(ms_text_edit *edit);

/* The same of a field. */
typedef struct ms_field_edit {
    ms_text name;
    ms_text_edit texts;
    uint8_t *present;
    struct ms_field_edit *next;
} ms_field_edit;

/* Changes of labels, as steps from label set to label set: each (set, name, value) is taken once and remembered. */
typedef struct ms_label_edit {
    uint32_t *streams;
    size_t rows;
    ms_builder names, values;
    uint32_t *ends;
    size_t count, room;
    struct ms_step *steps;
    size_t step_count, step_room;
} ms_label_edit;

ms_label_edit *ms_label_edit_new(const uint32_t *streams, size_t rows, const ms_label_sets *sets);
/* A value that is no text takes the label away. */
void ms_label_edit_set(ms_label_edit *edit, size_t row, ms_text name, ms_text value);
/* The sets that a row which was not dropped stands on; the streams follow. */
ms_label_sets ms_label_edit_finish(ms_label_edit *edit, const bool *dropped);

struct ms_batch {
    ms_output out;
    const ms_interest *interest;
    const ms_log_batch *in;
    /* What single entries were told. */
    ms_text_edit *lines;
    int64_t *timestamps;
    ms_label_edit *labels;
    ms_field_edit *fields, *metadata;
    bool *dropped;
    ms_drop_count *drops;
    size_t drop_count;
};

/* Turns what single entries were told into columns of the batch's output. */
bool ms_draft_finish(ms_batch *batch);

/* Adds to the count of a reason, whose text is copied. */
void ms_count_drops(ms_drop_count **drops, size_t *drop_count, ms_text reason, uint32_t count);
ms_text ms_text_scratch(ms_text text);
/* Start and end of the pairs of a set. */
void ms_label_span(const ms_label_sets *sets, size_t set, size_t *start, size_t *end);
uint64_t ms_hash(uint64_t hash, ms_text text);

/* ms_format with its arguments in a list. */
ms_text ms_format_list(const char *format, __builtin_va_list arguments);

#endif
