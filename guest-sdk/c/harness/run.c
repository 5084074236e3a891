/* The harness itself: it calls the stage, checks and applies its edits, and keeps the books. */
#include <stdarg.h>
#include <stdio.h>

#include "harness.h"

ms_harness *swap_host(ms_harness *harness);

static void print_and_exit(const char *message) {
    fprintf(stderr, "%s\n", message);
    exit(1);
}

void (*ms_harness_fail)(const char *message) = print_and_exit;

static int unmet;

void ms_expect(bool is, const char *condition, const char *file, int line) {
    if (!is) {
        unmet++;
        fprintf(stderr, "%s:%d: expected %s\n", file, line, condition);
    }
}

int ms_expectations(void) { return unmet ? 1 : 0; }

void fail_test(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    ms_text message = ms_text_copy(ms_format_list(format, arguments));
    va_end(arguments);
    ms_harness_fail(message.data);
    abort();
}

static bool configure(ms_harness *harness, ms_text *refusal) {
    ms_harness *before = swap_host(harness);
    ms_arena_free(&ms_call_arena);
    harness->configuring = true;
    bool done = ms_instance_configure(&harness->instance, harness->stage, ms_str(harness->settings), refusal);
    harness->configuring = false;
    *refusal = done ? *refusal : keep_text(harness, *refusal);
    harness->configuration = ms_call_arena;
    memset(&ms_call_arena, 0, sizeof ms_call_arena);
    swap_host(before);
    return done;
}

ms_harness *configured(const ms_stage *stage, const char *settings, const char **refusal) {
    ms_harness *harness = ms_must(calloc(1, sizeof *harness));
    harness->stage = stage;
    harness->settings = keep_text(harness, ms_str(settings)).data;
    harness->now = MS_START;
    harness->wake_at = MS_NEVER;
    ms_text text = {NULL, 0};
    if (configure(harness, &text)) {
        return harness;
    }
    *refusal = ms_text_copy(text).data;
    ms_harness_free(harness);
    return NULL;
}

ms_harness *ms_harness_new(const ms_stage *stage, const char *settings) {
    const char *refusal = NULL;
    ms_harness *harness = configured(stage, settings, &refusal);
    if (!harness) {
        fail_test("the stage refused %s: %s", settings, refusal);
    }
    return harness;
}

const char *ms_harness_refusal(const ms_stage *stage, const char *settings) {
    const char *refusal = NULL;
    if (configured(stage, settings, &refusal)) {
        fail_test("the stage accepted %s", settings);
    }
    return refusal;
}

void ms_harness_free(ms_harness *harness) {
    ms_instance_destroy(&harness->instance);
    ms_arena_free(&harness->configuration);
    ms_arena_free(&harness->memory);
    free(harness);
}

static void count_drop(ms_harness *harness, ms_drop_count counted) {
    for (size_t at = 0; at < harness->drop_count; at++) {
        if (ms_text_equal(harness->drops[at].reason, counted.reason)) {
            harness->drops[at].count += counted.count;
            return;
        }
    }
    harness->drops = grown(harness, harness->drops, harness->drop_count, sizeof *harness->drops);
    drop added = {keep_text(harness, counted.reason), counted.count};
    harness->drops[harness->drop_count++] = added;
}

/* Checks an edit, applies it, and keeps the books. Rows of the call have higher ids than those held, except in a replay,
 * where none is held that is not of a lower id either. */
static ms_row_list settle(ms_harness *harness, uint64_t first, const ms_row *rows, size_t count, const ms_log_edit *edit) {
    size_t known_count = harness->held_count + count;
    known_row *known = ms_scratch((known_count + 1) * sizeof *known);
    if (harness->held_count) {
        memcpy(known, harness->held, harness->held_count * sizeof *known);
    }
    for (size_t row = 0; row < count; row++) {
        known[harness->held_count + row] = (known_row){first + row, rows[row]};
    }
    given given = {first, count, known, known_count, NULL, 0, &harness->instance.interest};
    given.sets = distinct_labels(rows, count, &given.set_count);
    const char *violation = edit_violation(&given, edit);
    if (violation) {
        fail_test("the stage broke the contract: %s", violation);
    }
    ms_row_list out = apply(harness, &given, edit);
    harness->merged += known_count - staying(&given, edit);
    for (size_t at = 0; at < edit->drop_count; at++) {
        count_drop(harness, edit->drops[at]);
        harness->merged -= edit->drops[at].count;
    }
    harness->held = ms_arena_take(&harness->memory, edit->held_count * sizeof *harness->held);
    harness->held_ids = ms_arena_take(&harness->memory, edit->held_count * sizeof *harness->held_ids);
    for (size_t at = 0; at < edit->held_count; at++) {
        harness->held[at] = (known_row){edit->held[at], *known_by_id(&given, edit->held[at])};
        harness->held_ids[at] = edit->held[at];
    }
    harness->held_count = edit->held_count;
    harness->wake_at = edit->wake_at.some ? edit->wake_at.time : MS_NEVER;
    return out;
}

typedef enum call_kind { PROCESS, TICK, FLUSH } call_kind;

static bool call_stage(ms_harness *harness, call_kind kind, uint64_t first, const ms_row *rows, size_t count,
                       ms_row_list *out, const char **failure) {
    ms_harness *before = swap_host(harness);
    ms_output answer = {0};
    bool done;
    if (kind == PROCESS) {
        ms_log_batch batch = cross(first, rows, count, &harness->instance.interest);
        done = ms_instance_process(&harness->instance, &batch, harness->now, &answer);
    } else if (kind == TICK) {
        done = ms_instance_tick(&harness->instance, harness->now, &answer);
    } else {
        done = ms_instance_flush(&harness->instance, harness->now, &answer);
    }
    swap_host(before);
    if (!done) {
        *failure = keep_text(harness, answer.failure).data;
    } else if (kind == TICK && answer.edit.wake_at.some && answer.edit.wake_at.time == harness->wake_at) {
        fail_test("the stage asks to be woken at %lld for ever", (long long)harness->wake_at);
    } else {
        append_rows(harness, out, settle(harness, first, rows, count, &answer.edit));
    }
    ms_arena_reset(&ms_call_arena);
    return done;
}

bool ms_harness_try_push(ms_harness *harness, const ms_row *rows, size_t count, ms_row_list *out, const char **failure) {
    uint64_t first = harness->next_id;
    harness->next_id += count;
    *out = (ms_row_list){NULL, 0};
    return call_stage(harness, PROCESS, first, rows, count, out, failure);
}

ms_row_list ms_harness_push(ms_harness *harness, const ms_row *rows, size_t count) {
    ms_row_list out;
    const char *failure = NULL;
    if (!ms_harness_try_push(harness, rows, count, &out, &failure)) {
        fail_test("the stage failed: %s", failure);
    }
    return out;
}

ms_row_list ms_harness_push_line(ms_harness *harness, const char *line) {
    ms_row row = ms_row_new(harness, line);
    return ms_harness_push(harness, &row, 1);
}

bool until(ms_harness *harness, int64_t time, ms_row_list *out, const char **failure) {
    while (harness->wake_at != MS_NEVER && harness->wake_at <= time) {
        harness->now = harness->now > harness->wake_at ? harness->now : harness->wake_at;
        if (!call_stage(harness, TICK, 0, NULL, 0, out, failure)) {
            return false;
        }
    }
    harness->now = harness->now > time ? harness->now : time;
    return true;
}

ms_row_list ms_harness_advance(ms_harness *harness, int64_t nanoseconds) {
    ms_row_list out = {NULL, 0};
    const char *failure = NULL;
    if (!until(harness, harness->now + nanoseconds, &out, &failure)) {
        fail_test("tick failed: %s", failure);
    }
    return out;
}

bool try_flush(ms_harness *harness, ms_row_list *out, const char **failure) {
    bool done = call_stage(harness, FLUSH, 0, NULL, 0, out, failure);
    if (done && harness->held_count) {
        fail_test("after flush the stage still holds row %llu", (unsigned long long)harness->held[0].id);
    }
    return done;
}

ms_row_list ms_harness_flush(ms_harness *harness) {
    ms_row_list out = {NULL, 0};
    const char *failure = NULL;
    if (!try_flush(harness, &out, &failure)) {
        fail_test("flush failed: %s", failure);
    }
    return out;
}

ms_row_list ms_harness_replay(ms_harness *harness) {
    known_row *held = harness->held;
    size_t count = harness->held_count;
    ms_row_list out = {NULL, 0};
    ms_text refusal = {NULL, 0};
    const char *failure = NULL;
    ms_instance_destroy(&harness->instance);
    ms_arena_free(&harness->configuration);
    if (!configure(harness, &refusal)) {
        fail_test("refused on replay: %s", refusal.data);
    }
    harness->held_count = 0;
    harness->wake_at = MS_NEVER;
    for (size_t start = 0, end; start < count; start = end) {
        ms_row *rows = ms_arena_take(&harness->memory, (count - start) * sizeof *rows);
        for (end = start; end < count && held[end].id == held[start].id + (end - start); end++) {
            rows[end - start] = held[end].row;
        }
        if (!call_stage(harness, PROCESS, held[start].id, rows, end - start, &out, &failure)) {
            fail_test("the stage failed on replay: %s", failure);
        }
    }
    return out;
}

const uint64_t *ms_harness_held(const ms_harness *harness, size_t *count) {
    *count = harness->held_count;
    return harness->held_ids;
}

int64_t ms_harness_wake_at(const ms_harness *harness) { return harness->wake_at; }

int64_t ms_harness_now(const ms_harness *harness) { return harness->now; }

size_t ms_harness_dropped(const ms_harness *harness, const char *reason) {
    for (size_t at = 0; at < harness->drop_count; at++) {
        if (ms_text_equal(harness->drops[at].reason, ms_str(reason))) {
            return harness->drops[at].count;
        }
    }
    return 0;
}

size_t ms_harness_merged(const ms_harness *harness) { return harness->merged; }
