/* Write a Millstream stage in C or C++.
 *
 * A stage is an ms_stage: a handful of functions. MS_EXPORT makes it the exports of a WebAssembly module. It gets
 * batches of columns and changes what it wants: row by row (ms_line, ms_set_line, …), or whole columns (ms_output).
 * Only what was touched goes back to the host. README.md beside this folder is the one page an author needs.
 *
 * What always holds:
 * - A stage reads only the columns it declared on ms_setup. Reading or changing another one fails the call with a
 *   message that names the missing declaration; it never looks empty.
 * - Time comes in as `now` (nanoseconds since the Unix epoch). There is no clock.
 * - Texts of a batch, and everything that the SDK allocates during a call, are good until the call returns. What
 *   outlives it is copied (ms_text_copy, malloc). Settings live as long as the stage.
 * - Rows, streams and sets are indices that the caller keeps in bounds, as in any C array.
 * - The same stage runs natively, driven by harness.h with the host's rules.
 */
#ifndef MILLSTREAM_H
#define MILLSTREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define MS_PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define MS_PRINTF(text, first)
#endif

/* ---- Texts ---- */

/* UTF-8 of a known size, with no NUL behind it. One whose data is NULL is no text at all. */
typedef struct ms_text {
    const char *data;
    size_t size;
} ms_text;

/* The initializer of an ms_text: static const ms_text kind = MS_LITERAL("card"); */
#define MS_LITERAL(literal) {(literal), sizeof(literal) - 1}

/* A C string as a text. */
static inline ms_text ms_str(const char *string) {
    ms_text text = {string, string ? strlen(string) : 0};
    return text;
}

/* Bytes as a text. */
static inline ms_text ms_text_of(const char *data, size_t size) {
    ms_text text = {data, size};
    return text;
}

/* Whether there is a text, if only an empty one. */
static inline bool ms_some(ms_text text) { return text.data != NULL; }

static inline bool ms_text_equal(ms_text one, ms_text other) {
    return one.size == other.size && (one.size == 0 || memcmp(one.data, other.data, one.size) == 0);
}

/* As memcmp: by bytes, then by size. */
int ms_text_compare(ms_text one, ms_text other);

/* Where `part` first begins in `text`, or SIZE_MAX. */
size_t ms_text_find(ms_text text, ms_text part);

/* A copy from malloc, to keep across calls; free() takes its data. */
ms_text ms_text_copy(ms_text text);

/* Memory that is good until the call returns. It is not zeroed. */
void *ms_scratch(size_t size);

/* A text in scratch memory. Knows %s %d %u %zu %lld %llu %c %.*s and %%. */
ms_text ms_format(const char *format, ...) MS_PRINTF(1, 2);

/* ---- The contract (guest-sdk/wit/stage.wit); in the sandbox these structs are its memory ---- */

/* Texts laid end to end: text i is bytes[ends[i-1]..ends[i]]. Read by ms_column_at. */
typedef struct ms_column {
    const char *bytes;
    size_t size;
    const uint32_t *ends;
    size_t rows;
} ms_column;

/* Text `row` of a column. It copies nothing. */
static inline ms_text ms_column_at(const ms_column *column, size_t row) {
    uint32_t start = row == 0 ? 0 : column->ends[row - 1];
    return ms_text_of(column->bytes + start, column->ends[row] - start);
}

/* A named column beside the line. `present` is a bitmap, row i at bit i%8 of byte i/8; a size of 0 means that every row
 * has a value. Read by ms_field_at. */
typedef struct ms_field {
    ms_text name;
    ms_column values;
    const uint8_t *present;
    size_t present_size;
} ms_field;

/* The value of a row; no text where it has none, or where the field is NULL. */
static inline ms_text ms_field_at(const ms_field *field, size_t row) {
    if (!field || (field->present_size != 0 && !(field->present[row / 8] >> (row % 8) & 1))) {
        return ms_text_of(NULL, 0);
    }
    ms_text value = ms_column_at(&field->values, row);
    return value.data ? value : ms_str("");
}

/* Label sets: set i is the pairs ends[i-1]..ends[i] of names and values, sorted by name. Read by ms_labels_get. */
typedef struct ms_label_sets {
    const uint32_t *ends;
    size_t count;
    ms_column names;
    ms_column values;
} ms_label_sets;

/* The value of a label in set `set`; no text where it has none. */
ms_text ms_labels_get(const ms_label_sets *sets, size_t set, ms_text name);

/* ---- A stage ---- */

typedef struct ms_setup ms_setup;
typedef struct ms_batch ms_batch;
typedef struct ms_output ms_output;

typedef struct ms_stage {
    /* Checks the settings, declares every column the stage reads or changes, registers metrics, and makes the state
     * that the other functions get. False refuses the settings; ms_refuse says why. */
    bool (*configure)(ms_setup *setup, void **state);
    /* Handles a batch; what is not changed stays as it is. False fails the call; ms_fail says why. That is for a broken
     * invariant, not for an entry the stage does not understand, which passes unchanged. */
    bool (*process)(void *state, ms_batch *batch, int64_t now);
    /* The time asked for has come. Output rows stem from held rows only. NULL for a stage that never asks. */
    bool (*tick)(void *state, ms_output *out, int64_t now);
    /* No more batches will come: everything held is let go here. NULL for a stage that holds nothing. */
    bool (*flush)(void *state, ms_output *out, int64_t now);
    /* Frees the state. Only tests call it: the sandbox is thrown away whole. May be NULL. */
    void (*destroy)(void *state);
} ms_stage;

/* Makes `stage`, a `const ms_stage` of this file, the module's. Once per plugin, at the end of its file. */
#if defined(__wasm__)
#define MS_EXPORT(stage)                            \
    extern const ms_stage *const ms_exported_stage; \
    const ms_stage *const ms_exported_stage = &(stage)
#else
#define MS_EXPORT(stage) extern const ms_stage stage
#endif

/* ---- Declaring, in configure ---- */

/* The stage reads or changes … Labels also to tell streams apart. Names are copied. */
void ms_reads_lines(ms_setup *setup);
void ms_reads_timestamps(ms_setup *setup);
void ms_reads_labels(ms_setup *setup);
void ms_reads_field(ms_setup *setup, ms_text name);
void ms_reads_metadata(ms_setup *setup, ms_text name);
/* … all of them, because the stage does not know their names beforehand. */
void ms_reads_every_field(ms_setup *setup);
void ms_reads_every_metadata(ms_setup *setup);
/* The stage keeps entries back across calls. */
void ms_holds(ms_setup *setup);

/* Refuses the setting `path`, named as in the manifest ("values.level"), or with NULL the settings. Answers false. */
bool ms_refuse(ms_setup *setup, const char *path, const char *format, ...) MS_PRINTF(3, 4);

/* ---- Settings. A setting of the wrong type, and one that configure never asked for, is refused by name. ---- */

bool ms_setting_bool(ms_setup *setup, const char *name, bool otherwise);
int64_t ms_setting_whole(ms_setup *setup, const char *name, int64_t otherwise, int64_t least, int64_t most);
double ms_setting_number(ms_setup *setup, const char *name, double otherwise);
ms_text ms_setting_text(ms_setup *setup, const char *name, ms_text otherwise);

typedef enum ms_json_kind { MS_NULL, MS_BOOL, MS_NUMBER, MS_STRING, MS_LIST, MS_OBJECT } ms_json_kind;

/* A value of JSON. */
typedef struct ms_json {
    ms_json_kind kind;
    /* MS_BOOL; MS_NUMBER: whether it is whole and fits 64 bits. */
    bool truth;
    /* Whether the stage asked for it. */
    bool asked;
    double number;
    int64_t whole;
    /* MS_STRING. */
    ms_text text;
    /* Of a member of an object. */
    ms_text name;
    struct ms_json *first, *next;
} ms_json;

/* A setting of any kind, or NULL where it is not given. Within it: */
ms_json *ms_setting(ms_setup *setup, const char *name);
/* the member of an object, or NULL; */
ms_json *ms_json_member(ms_json *object, const char *name);
/* the element of a list or member of an object behind `before`, the first behind NULL; NULL behind the last. */
ms_json *ms_json_each(ms_json *within, ms_json *before);
/* Reads a JSON text into scratch memory; NULL, and why in `problem`, when it is none. */
ms_json *ms_json_parse(ms_text text, ms_text *problem);

/* ---- Metrics and the agent's log ---- */

typedef struct ms_metric {
    uint32_t handle;
} ms_metric;

/* Registers a metric; false when it was refused, which then refuses the settings. */
bool ms_counter(ms_setup *setup, ms_metric *metric, const char *name, const char *help, const char *const *labels,
                size_t label_count);
bool ms_gauge(ms_setup *setup, ms_metric *metric, const char *name, const char *help, const char *const *labels,
              size_t label_count);
bool ms_histogram(ms_setup *setup, ms_metric *metric, const char *name, const char *help, const char *const *labels,
                  size_t label_count, const double *buckets, size_t bucket_count);

/* Adds to a counter or gauge, observes in a histogram. Add up within a batch and call it once. */
void ms_add(ms_metric metric, double value, const ms_text *label_values, size_t label_count);
/* Sets a gauge. */
void ms_set(ms_metric metric, double value, const ms_text *label_values, size_t label_count);

typedef enum ms_level { MS_TRACE, MS_DEBUG, MS_INFO, MS_WARN, MS_ERROR } ms_level;

/* To the agent's own log, under the stage's name and rate-limited there. */
void ms_log(ms_level level, const char *format, ...) MS_PRINTF(2, 3);

/* ---- Rows. Reads show the batch as it came in; changes take effect when the call returns. ---- */

size_t ms_rows(const ms_batch *batch);
uint64_t ms_id(const ms_batch *batch, size_t row);
ms_text ms_line(ms_batch *batch, size_t row);
int64_t ms_timestamp(ms_batch *batch, size_t row);
/* No text where the entry has none. */
ms_text ms_label(ms_batch *batch, size_t row, ms_text name);
ms_text ms_field_value(ms_batch *batch, size_t row, ms_text name);
ms_text ms_metadata_value(ms_batch *batch, size_t row, ms_text name);

/* Values are copied. */
void ms_set_line(ms_batch *batch, size_t row, ms_text line);
void ms_set_timestamp(ms_batch *batch, size_t row, int64_t timestamp);
void ms_set_label(ms_batch *batch, size_t row, ms_text name, ms_text value);
void ms_remove_label(ms_batch *batch, size_t row, ms_text name);
void ms_set_field(ms_batch *batch, size_t row, ms_text name, ms_text value);
void ms_unset_field(ms_batch *batch, size_t row, ms_text name);
void ms_set_metadata(ms_batch *batch, size_t row, ms_text name, ms_text value);
void ms_unset_metadata(ms_batch *batch, size_t row, ms_text name);
/* Drops the entry on purpose, counted under `reason`. Dropping it again changes nothing. */
void ms_drop(ms_batch *batch, size_t row, ms_text reason);

/* ---- Columns, for speed. NULL, and the call fails, where the column was not declared. ---- */

const ms_column *ms_lines(ms_batch *batch);
const int64_t *ms_timestamps(ms_batch *batch);
/* Per row, the index of its set in ms_labels. */
const uint32_t *ms_streams(ms_batch *batch);
const ms_label_sets *ms_labels(ms_batch *batch);
/* Also NULL where no row has it. */
const ms_field *ms_field_column(ms_batch *batch, ms_text name);
const ms_field *ms_metadata_column(ms_batch *batch, ms_text name);
/* All that crossed. */
const ms_field *ms_all_fields(const ms_batch *batch, size_t *count);
const ms_field *ms_all_metadata(const ms_batch *batch, size_t *count);

/* A column under construction, in scratch memory. Zero it, or ms_builder_new for room. */
typedef struct ms_builder {
    char *bytes;
    size_t size, byte_room;
    uint32_t *ends;
    size_t rows, row_room;
} ms_builder;

ms_builder ms_builder_new(size_t rows, size_t bytes);
/* Appends to the text under construction; ms_builder_end completes it. */
void ms_builder_append(ms_builder *builder, ms_text part);
void ms_builder_end(ms_builder *builder);
/* Appends a whole text. */
void ms_builder_push(ms_builder *builder, ms_text text);
/* Appends the texts from..to of another column in one copy. */
void ms_builder_push_rows(ms_builder *builder, const ms_column *other, size_t from, size_t to);
ms_column ms_builder_column(const ms_builder *builder);

/* ---- What a call gives back. Rows are the batch's, or one per origin. What is not set is inherited: from the row itself, or
 * from its origin. Columns are not copied: scratch memory, or memory that stays. Nothing needs a declaration. ---- */

/* Where the whole columns of a batch are set. */
ms_output *ms_out(ms_batch *batch);

/* Output row i inherits every unset column from the row with id origins[i]: of this batch, or held. */
void ms_out_origins(ms_output *out, const uint64_t *origins, size_t count);
void ms_out_lines(ms_output *out, ms_column lines);
void ms_out_timestamps(ms_output *out, const int64_t *timestamps, size_t count);
/* Per row an index into the sets of ms_out_labels, or else into the batch's. */
void ms_out_streams(ms_output *out, const uint32_t *streams, size_t count);
/* Without ms_out_streams set i replaces the batch's set i. */
void ms_out_labels(ms_output *out, ms_label_sets sets);
/* Replaces the whole column of that name; a row without a value has none afterwards. */
void ms_out_field(ms_output *out, ms_field field);
void ms_out_metadata(ms_output *out, ms_field field);
/* Counts rows as dropped on purpose. Rows that vanish uncounted were merged into others. */
void ms_out_drops(ms_output *out, ms_text reason, uint32_t count);
/* Names every row the stage keeps back, ascending. Each call says it anew. */
void ms_out_held(ms_output *out, const uint64_t *ids, size_t count);
/* Asks for a tick at that time. Each call says it anew. */
void ms_out_wake_at(ms_output *out, int64_t time);

/* Fails the call. Answers false. In process the output is ms_out(batch). */
bool ms_fail(ms_output *out, const char *format, ...) MS_PRINTF(2, 3);

/* ---- Entries kept back, one block per stream. Needs ms_holds and ms_reads_labels. ---- */

/* A deadline that never comes. */
#define MS_NEVER INT64_MAX

typedef struct ms_block {
    /* Of the rows kept back, ascending. */
    uint64_t *ids;
    size_t count, room;
    /* When the block is due, or MS_NEVER. */
    int64_t deadline;
    /* What the stage made of the rows so far: its own to free. */
    void *value;
} ms_block;

typedef struct ms_hold ms_hold;

ms_hold *ms_hold_new(void);
/* Frees the hold and its blocks, and their values by `free_value` unless that is NULL. */
void ms_hold_free(ms_hold *hold, void (*free_value)(void *value));
/* Finds the blocks of the batch's streams; first thing in process. */
bool ms_hold_begin(ms_hold *hold, ms_batch *batch);
/* The block of a stream of the batch last begun, or NULL. */
ms_block *ms_hold_get(ms_hold *hold, uint32_t stream);
/* A new, empty block for a stream that has none. */
ms_block *ms_hold_put(ms_hold *hold, uint32_t stream, int64_t deadline, void *value);
void ms_block_add(ms_block *block, uint64_t id);
/* Takes the block of a stream out, or NULL; ms_block_free takes it. */
ms_block *ms_hold_take(ms_hold *hold, uint32_t stream);
/* Takes out every block whose deadline has come, in the order of first ids: a list in scratch memory. */
ms_block **ms_hold_take_due(ms_hold *hold, int64_t now, size_t *count);
/* Takes out every block, likewise. */
ms_block **ms_hold_take_all(ms_hold *hold, size_t *count);
/* Frees a block that was taken out, not its value. */
void ms_block_free(ms_block *block);
/* Tells the host what is held and when the next block is due; last thing in every call. */
void ms_hold_report(const ms_hold *hold, ms_output *out);

#ifdef __cplusplus
}
#endif

#endif
