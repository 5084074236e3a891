/* The SDK as an author meets it: small stages, driven by the harness. */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include "../src/contract.h"
#include "millstream_harness.h"

#define SECOND INT64_C(1000000000)

static bool line_is(const ms_row *row, const char *line) { return ms_text_equal(row->line, ms_str(line)); }

static bool says(const char *text, const char *part) {
    if (text && strstr(text, part)) {
        return true;
    }
    fprintf(stderr, "`%s` does not say `%s`\n", text ? text : "nothing", part);
    return false;
}

/* ---- A stage that joins three entries of a stream into one, and lets go after a second ---- */

typedef struct triples {
    ms_hold *hold;
    ms_metric joined;
} triples;

static bool triples_configure(ms_setup *setup, void **state) {
    static const char *const labels[] = {"kind"};
    triples *self = calloc(1, sizeof *self);
    *state = self;
    ms_reads_lines(setup);
    ms_reads_labels(setup);
    ms_holds(setup);
    self->hold = ms_hold_new();
    return ms_counter(setup, &self->joined, "joined", "Blocks let go.", labels, 1);
}

static bool release(triples *self, ms_block **blocks, size_t count, ms_output *out) {
    static const ms_text kind = MS_LITERAL("triple");
    ms_builder lines = {0};
    uint64_t *origins = ms_scratch(count * sizeof *origins);
    for (size_t at = 0; at < count; at++) {
        origins[at] = blocks[at]->ids[0];
        ms_builder_push(&lines, ms_str(blocks[at]->value));
        free(blocks[at]->value);
        ms_block_free(blocks[at]);
    }
    ms_out_lines(out, ms_builder_column(&lines));
    ms_out_origins(out, origins, count);
    ms_add(self->joined, (double)count, &kind, 1);
    ms_hold_report(self->hold, out);
    return true;
}

static bool triples_process(void *state, ms_batch *batch, int64_t now) {
    triples *self = state;
    if (!ms_hold_begin(self->hold, batch)) {
        return false;
    }
    ms_block **done = ms_scratch(ms_rows(batch) * sizeof *done);
    size_t done_count = 0;
    for (size_t row = 0; row < ms_rows(batch); row++) {
        uint32_t stream = ms_streams(batch)[row];
        ms_text line = ms_line(batch, row);
        ms_block *block = ms_hold_get(self->hold, stream);
        if (!block) {
            block = ms_hold_put(self->hold, stream, now + SECOND, calloc(1, 1));
        }
        size_t size = strlen(block->value);
        char *joined = realloc(block->value, size + line.size + 1);
        memcpy(joined + size, line.data, line.size);
        joined[size + line.size] = 0;
        block->value = joined;
        ms_block_add(block, ms_id(batch, row));
        if (block->count == 3) {
            done[done_count++] = ms_hold_take(self->hold, stream);
        }
    }
    return release(self, done, done_count, ms_out(batch));
}

static bool triples_tick(void *state, ms_output *out, int64_t now) {
    triples *self = state;
    size_t count;
    ms_block **due = ms_hold_take_due(self->hold, now, &count);
    return release(self, due, count, out);
}

static bool triples_flush(void *state, ms_output *out, int64_t now) {
    triples *self = state;
    size_t count;
    ms_block **all = ms_hold_take_all(self->hold, &count);
    (void)now;
    return release(self, all, count, out);
}

static void triples_destroy(void *state) {
    triples *self = state;
    ms_hold_free(self->hold, free);
    free(self);
}

static const ms_stage triples_stage = {triples_configure, triples_process, triples_tick, triples_flush, triples_destroy};

static ms_row of(ms_harness *harness, const char *line, const char *stream) {
    ms_row row = ms_row_field(harness, ms_row_label(harness, ms_row_new(harness, line), "s", stream), "f", line);
    row.timestamp = 1;
    return row;
}

static void held_rows_keep_their_columns_outside(void) {
    ms_harness *harness = ms_harness_new(&triples_stage, "null");
    ms_row first[] = {of(harness, "a", "1"), of(harness, "x", "2"), of(harness, "b", "1")};
    MS_EXPECT(ms_harness_push(harness, first, 3).count == 0);
    size_t count;
    MS_EXPECT(ms_harness_held(harness, &count)[2] == 2 && count == 3);
    ms_row second[] = {of(harness, "c", "1"), of(harness, "d", "1")};
    ms_row_list out = ms_harness_push(harness, second, 2);
    ms_row want = of(harness, "a", "1");
    want.line = ms_str("abc");
    MS_EXPECT(out.count == 1 && ms_row_equal(&out.rows[0], &want));
    const uint64_t *held = ms_harness_held(harness, &count);
    MS_EXPECT(count == 2 && held[0] == 1 && held[1] == 4);
    MS_EXPECT(ms_harness_merged(harness) == 2);
    out = ms_harness_flush(harness);
    MS_EXPECT(out.count == 2 && line_is(&out.rows[0], "x") && line_is(&out.rows[1], "d"));
    static const char *const triple[] = {"triple"};
    MS_EXPECT(ms_harness_metric(harness, "joined", triple, 1) == 3);
    ms_harness_free(harness);
}

static void time_moves_only_by_advancing(void) {
    ms_harness *harness = ms_harness_new(&triples_stage, "");
    ms_harness_push_line(harness, "a");
    MS_EXPECT(ms_harness_wake_at(harness) == MS_START + SECOND);
    MS_EXPECT(ms_harness_advance(harness, SECOND - 1).count == 0);
    MS_EXPECT(ms_harness_advance(harness, 1).count == 1);
    MS_EXPECT(ms_harness_wake_at(harness) == MS_NEVER && ms_harness_now(harness) == MS_START + SECOND);
    ms_harness_free(harness);
}

static ms_row_list push_numbers(ms_harness *harness, int from, int to) {
    ms_row rows[9];
    for (int at = from; at < to; at++) {
        char line[2] = {(char)('0' + at), 0}, stream[2] = {(char)('0' + at % 3), 0};
        rows[at - from] = of(harness, line, stream);
    }
    return ms_harness_push(harness, rows, (size_t)(to - from));
}

static void a_fresh_instance_knows_what_is_held(void) {
    for (int cut = 0; cut < 9; cut++) {
        ms_harness *steady = ms_harness_new(&triples_stage, "{}"), *replaced = ms_harness_new(&triples_stage, "{}");
        ms_row_list first = push_numbers(steady, 0, cut), second = push_numbers(replaced, 0, cut);
        MS_EXPECT(first.count == second.count && ms_harness_replay(replaced).count == 0);
        size_t steady_count, replaced_count;
        ms_harness_held(steady, &steady_count);
        ms_harness_held(replaced, &replaced_count);
        MS_EXPECT(steady_count == replaced_count);
        first = push_numbers(steady, cut, 9);
        second = push_numbers(replaced, cut, 9);
        MS_EXPECT(first.count == second.count);
        for (size_t row = 0; row < first.count && row < second.count; row++) {
            MS_EXPECT(ms_row_equal(&first.rows[row], &second.rows[row]));
        }
        ms_harness_free(steady);
        ms_harness_free(replaced);
    }
}

static void places_of_streams_gone_are_forgotten(void) {
    ms_harness *harness = ms_harness_new(&triples_stage, "{}");
    for (int round = 0; round < 1000; round++) {
        char name[16];
        snprintf(name, sizeof name, "%d", round);
        ms_row rows[] = {of(harness, "x", name), of(harness, "x", name), of(harness, "x", name)};
        MS_EXPECT(ms_harness_push(harness, rows, 3).count == 1);
    }
    ms_harness_free(harness);
}

/* ---- A stage that does what its settings say, to every row ---- */

typedef struct actor {
    ms_text act;
} actor;

static bool actor_configure(ms_setup *setup, void **state) {
    actor *self = calloc(1, sizeof *self);
    *state = self;
    self->act = ms_setting_text(setup, "act", ms_str("nothing"));
    ms_json *declares = ms_setting(setup, "declares");
    for (ms_json *at = declares ? ms_json_each(declares, NULL) : NULL; at; at = ms_json_each(declares, at)) {
        if (ms_text_equal(at->text, ms_str("lines"))) {
            ms_reads_lines(setup);
        } else if (ms_text_equal(at->text, ms_str("timestamps"))) {
            ms_reads_timestamps(setup);
        } else if (ms_text_equal(at->text, ms_str("labels"))) {
            ms_reads_labels(setup);
        } else if (ms_text_equal(at->text, ms_str("fields"))) {
            ms_reads_every_field(setup);
        } else if (ms_text_equal(at->text, ms_str("metadata"))) {
            ms_reads_every_metadata(setup);
        } else {
            ms_reads_field(setup, at->text);
        }
    }
    return true;
}

static void do_all(ms_batch *batch, size_t row) {
    ms_text line = ms_line(batch, row), field = ms_field_value(batch, row, ms_str("f"));
    ms_set_line(batch, row, ms_format("%.*s!", (int)line.size, line.data));
    ms_set_timestamp(batch, row, ms_timestamp(batch, row) + 1);
    ms_set_label(batch, row, ms_str("l"), ms_some(field) ? field : ms_str("none"));
    ms_remove_label(batch, row, ms_str("gone"));
    ms_set_field(batch, row, ms_str("new"), line);
    ms_unset_field(batch, row, ms_str("f"));
    ms_set_metadata(batch, row, ms_str("m"), ms_str("v"));
    ms_unset_metadata(batch, row, ms_str("gone"));
    if (ms_text_equal(line, ms_str("drop"))) {
        ms_drop(batch, row, ms_str("asked"));
        ms_drop(batch, row, ms_str("asked again"));
    }
}

static bool actor_process(void *state, ms_batch *batch, int64_t now) {
    static const uint64_t strangers[] = {99};
    const char *act = ((const actor *)state)->act.data;
    ms_output *out = ms_out(batch);
    (void)now;
    for (size_t row = 0; row < ms_rows(batch); row++) {
        if (strcmp(act, "line") == 0) {
            ms_line(batch, row);
        } else if (strcmp(act, "timestamp") == 0) {
            ms_timestamp(batch, row);
        } else if (strcmp(act, "label") == 0) {
            ms_label(batch, row, ms_str("a"));
        } else if (strcmp(act, "field") == 0) {
            ms_field_value(batch, row, ms_str("a"));
        } else if (strcmp(act, "metadata") == 0) {
            ms_metadata_value(batch, row, ms_str("a"));
        } else if (strcmp(act, "mixed") == 0) {
            ms_set_line(batch, row, ms_str("x"));
        } else if (strcmp(act, "level") == 0) {
            ms_set_label(batch, row, ms_str("level"), ms_line(batch, row));
        } else if (strcmp(act, "again") == 0) {
            ms_set_line(batch, row, ms_str("first"));
            ms_set_line(batch, row, ms_format("%.*s?", (int)ms_line(batch, row).size, ms_line(batch, row).data));
        } else if (strcmp(act, "all") == 0) {
            do_all(batch, row);
        }
    }
    if (strcmp(act, "mixed") == 0) {
        ms_out_origins(out, strangers, 1);
    } else if (strcmp(act, "short") == 0) {
        ms_builder none = {0};
        ms_out_lines(out, ms_builder_column(&none));
    } else if (strcmp(act, "overcount") == 0) {
        ms_out_drops(out, ms_str("x"), 1);
    } else if (strcmp(act, "strangers") == 0) {
        ms_out_origins(out, strangers, 1);
    } else if (strcmp(act, "hold") == 0) {
        uint64_t *ids = ms_scratch(sizeof *ids);
        uint64_t *none = ms_scratch(0);
        ids[0] = ms_id(batch, 0);
        ms_out_held(out, ids, 1);
        ms_out_origins(out, none, 0);
    } else if (strcmp(act, "invalid") == 0) {
        ms_builder lines = {0};
        ms_builder_push(&lines, ms_str("\xff"));
        ms_out_lines(out, ms_builder_column(&lines));
    } else if (strcmp(act, "both") == 0) {
        ms_builder values = {0};
        ms_builder_push(&values, ms_str("v"));
        ms_out_field(out, (ms_field){ms_str("f"), ms_builder_column(&values), NULL, 0});
        ms_set_field(batch, 0, ms_str("f"), ms_str("w"));
    } else if (strcmp(act, "fail") == 0) {
        return ms_fail(out, "no %s", "luck");
    } else if (strcmp(act, "silent") == 0) {
        return false;
    }
    return true;
}

static const ms_stage actor_stage = {actor_configure, actor_process, NULL, NULL, free};

static ms_harness *acting(const char *act, const char *declares) {
    char settings[256];
    snprintf(settings, sizeof settings, "{\"act\": \"%s\", \"declares\": [%s]}", act, declares);
    return ms_harness_new(&actor_stage, settings);
}

#define EVERYTHING "\"lines\", \"timestamps\", \"labels\", \"fields\", \"metadata\""

static void fails_saying(const char *act, const char *declares, const char *text) {
    ms_harness *harness = acting(act, declares);
    ms_row row = ms_row_new(harness, "x");
    ms_row_list out;
    const char *failure = NULL;
    MS_EXPECT(!ms_harness_try_push(harness, &row, 1, &out, &failure));
    MS_EXPECT(says(failure, text));
    ms_harness_free(harness);
}

static void undeclared_columns_fail_by_name(void) {
    fails_saying("line", "", "uses lines without declaring it: its configure must call ms_reads_lines(setup)");
    fails_saying("timestamp", "", "ms_reads_timestamps(setup)");
    fails_saying("label", "", "ms_reads_labels(setup)");
    fails_saying("field", "", "ms_reads_field(setup, ms_str(\"a\"))");
    fails_saying("metadata", "", "ms_reads_metadata(setup, ms_str(\"a\"))");
    ms_harness *harness = acting("field", "\"a\"");
    MS_EXPECT(ms_harness_push_line(harness, "x").count == 1);
    ms_harness_free(harness);
}

static void contradictions_fail_the_call(void) {
    fails_saying("mixed", "\"lines\"", "sets origins");
    fails_saying("both", "\"f\"", "both as a whole column");
    fails_saying("fail", "", "no luck");
    fails_saying("silent", "", "without saying why");
}

static ms_row plain(ms_harness *harness, const char *line) {
    ms_row row = ms_row_metadata(harness, ms_row_new(harness, line), "gone", "1");
    row = ms_row_label(harness, ms_row_label(harness, row, "gone", "1"), "kept", "1");
    row.timestamp = 1;
    return row;
}

static ms_row altered(ms_harness *harness, const char *line, const char *old, const char *field) {
    ms_row row = ms_row_field(harness, ms_row_new(harness, line), "new", old);
    row = ms_row_label(harness, ms_row_label(harness, row, "kept", "1"), "l", field);
    row.timestamp = 2;
    return ms_row_metadata(harness, row, "m", "v");
}

static void everything_an_entry_can_change_changes(void) {
    ms_harness *harness = acting("all", EVERYTHING);
    ms_row rows[] = {ms_row_field(harness, plain(harness, "a"), "f", "x"), plain(harness, "drop"),
                     ms_row_metadata(harness, plain(harness, "b"), "kept", "1")};
    ms_row_list out = ms_harness_push(harness, rows, 3);
    ms_row a = altered(harness, "a!", "a", "x");
    ms_row b = ms_row_metadata(harness, altered(harness, "b!", "b", "none"), "kept", "1");
    MS_EXPECT(out.count == 2 && ms_row_equal(&out.rows[0], &a) && ms_row_equal(&out.rows[1], &b));
    MS_EXPECT(ms_harness_dropped(harness, "asked") == 1 && ms_harness_dropped(harness, "asked again") == 0);
    MS_EXPECT(ms_harness_merged(harness) == 0);
    ms_harness_free(harness);
}

static void the_last_value_of_a_row_counts(void) {
    ms_harness *harness = acting("again", "\"lines\"");
    ms_row rows[] = {ms_row_new(harness, "a"), ms_row_new(harness, "b")};
    ms_row_list out = ms_harness_push(harness, rows, 2);
    MS_EXPECT(line_is(&out.rows[0], "a?") && line_is(&out.rows[1], "b?"));
    ms_harness_free(harness);
}

static void a_thousand_values_of_a_label_make_a_thousand_sets(void) {
    ms_harness *harness = acting("level", "\"lines\", \"labels\"");
    ms_row *rows = calloc(2000, sizeof *rows);
    for (int at = 0; at < 2000; at++) {
        char line[16];
        snprintf(line, sizeof line, "%d", at % 1000);
        rows[at] = of(harness, line, at % 2 ? "1" : "0");
    }
    ms_row_list out = ms_harness_push(harness, rows, 2000);
    for (size_t at = 0; at < out.count; at++) {
        MS_EXPECT(ms_text_equal(ms_pairs_get(&out.rows[at].labels, "level"), rows[at].line));
        MS_EXPECT(ms_text_equal(ms_pairs_get(&out.rows[at].labels, "s"), ms_str(at % 2 ? "1" : "0")));
        MS_EXPECT(out.rows[at].labels.count == 2);
    }
    free(rows);
    ms_harness_free(harness);
}

/* ---- Breaches of the contract end the test ---- */

static jmp_buf ended;
static char last_message[512];

static void remember(const char *message) {
    snprintf(last_message, sizeof last_message, "%s", message);
    longjmp(ended, 1);
}

static void ends_saying(const char *act, const char *text) {
    void (*before)(const char *) = ms_harness_fail;
    ms_harness *harness = acting(act, "\"lines\"");
    ms_harness_fail = remember;
    last_message[0] = 0;
    if (setjmp(ended) == 0) {
        ms_harness_push_line(harness, "x");
    }
    ms_harness_fail = before;
    MS_EXPECT(says(last_message, text));
    ms_harness_free(harness);
}

static void breaches_of_the_contract_end_the_test(void) {
    ends_saying("short", "lines: 0 values for 1");
    ends_saying("overcount", "1 rows counted as dropped, but only 0 vanished");
    ends_saying("strangers", "origin 99 is neither of the batch nor held");
    ends_saying("hold", "ms_holds(setup)");
    ends_saying("invalid", "not UTF-8");
}

static void ten_thousand_calls_do_not_grow(void) {
    ms_harness *harness = acting("all", EVERYTHING);
    ms_row rows[] = {plain(harness, "a"), plain(harness, "drop"), plain(harness, "b")};
    size_t size = 0;
    for (int call = 0; call < 10000; call++) {
        ms_harness_push(harness, rows, 3);
        size = call == 10 ? ms_arena_size(&ms_call_arena) : size;
    }
    MS_EXPECT(size > 0 && ms_arena_size(&ms_call_arena) == size);
    ms_harness_free(harness);
}

/* ---- Settings ---- */

static bool settings_configure(ms_setup *setup, void **state) {
    (void)state;
    ms_setting_text(setup, "name", ms_str("x"));
    ms_setting_bool(setup, "on", true);
    ms_setting_whole(setup, "count", 1, 0, 255);
    if (ms_setting_number(setup, "share", 0.5) > 1) {
        return ms_refuse(setup, "share", "must not be over %d", 1);
    }
    ms_json *inner = ms_setting(setup, "inner");
    if (inner) {
        ms_json_member(inner, "deep");
    }
    return true;
}

static const ms_stage settings_stage = {settings_configure, actor_process, NULL, NULL, NULL};

static void settings_are_refused_by_name(void) {
    static const char *const refused[][2] = {
        {"{\"nome\": 1}", "unknown setting `nome`: expected one of `name`, `on`, `count`, `share`, `inner`"},
        {"{\"Name\": \"x\"}", "unknown setting `Name`"},
        {"{\"name\": \"a\", \"name\": \"b\"}", "`name` is given twice"},
        {"{\"name\": null}", "setting `name`: got null, needs a text"},
        {"{\"name\": 1}", "setting `name`: got a number, needs a text"},
        {"{\"on\": \"true\"}", "setting `on`: got a text, needs true or false"},
        {"{\"count\": 300}", "setting `count`: must be a whole number from 0 to 255"},
        {"{\"count\": 1.5}", "setting `count`: must be a whole number from 0 to 255"},
        {"{\"share\": 1.5}", "setting `share`: must not be over 1"},
        {"{\"inner\": {\"depp\": 1}}", "unknown setting `inner.depp`: expected one of `deep`"},
        {"[]", "no object"},
        {"{", "no JSON"},
        {"{} {}", "no JSON"},
        {"{\"name\": \"\\ud800\"}", "no JSON"},
    };
    for (size_t at = 0; at < sizeof refused / sizeof *refused; at++) {
        MS_EXPECT(says(ms_harness_refusal(&settings_stage, refused[at][0]), refused[at][1]));
    }
    ms_harness_free(ms_harness_new(&settings_stage, " {\"inner\": {\"deep\": 1}, \"count\": 255} "));
}

static void json_is_read_as_written(void) {
    ms_text problem = {NULL, 0};
    ms_json *list = ms_json_parse(ms_str("[\"a\\n\\u00e9\\ud83d\\ude00\\\"\", -9223372036854775807, 9223372036854775808,"
                                         " 0.25, 1e3, -0, 1767225600000000000, 2.5e-3, 1E+2, [], {}]"),
                                  &problem);
    MS_EXPECT(list && list->kind == MS_LIST);
    ms_json *at = ms_json_each(list, NULL);
    MS_EXPECT(ms_text_equal(at->text, ms_str("a\né😀\"")));
    at = at->next;
    MS_EXPECT(at->truth && at->whole == -INT64_MAX);
    at = at->next;
    MS_EXPECT(!at->truth && at->number > 9.2e18);
    at = at->next;
    MS_EXPECT(!at->truth && at->number == 0.25);
    at = at->next;
    MS_EXPECT(at->number == 1000);
    at = at->next;
    MS_EXPECT(at->truth && at->whole == 0);
    at = at->next;
    MS_EXPECT(at->truth && at->whole == MS_START);
    at = at->next;
    MS_EXPECT(at->number == 0.0025);
    at = at->next;
    MS_EXPECT(at->number == 100);
    static const char *const broken[] = {"", "01", "1.", "1e", "-", "tru", "\"a", "\"\t\"", "[1,]", "{\"a\" 1}", "{\"a\":1,}", "nul"};
    for (size_t text = 0; text < sizeof broken / sizeof *broken; text++) {
        MS_EXPECT(!ms_json_parse(ms_str(broken[text]), &problem) && problem.size);
    }
    ms_arena_reset(&ms_call_arena);
}

static void texts_are_found_and_formatted(void) {
    MS_EXPECT(ms_text_find(ms_str("ab abc"), ms_str("abc")) == 3);
    MS_EXPECT(ms_text_find(ms_str("ab"), ms_str("abc")) == SIZE_MAX);
    MS_EXPECT(ms_text_find(ms_str("aaab"), ms_str("ab")) == 2);
    MS_EXPECT(ms_text_equal(ms_format("%s %d %u %zu %lld %llu %c %.*s %%", "s", -1, 2u, (size_t)3, -4LL, 5ULL, 'c', 1, "xy"),
                            ms_str("s -1 2 3 -4 5 c x %")));
    ms_arena_reset(&ms_call_arena);
}

int main(void) {
    held_rows_keep_their_columns_outside();
    time_moves_only_by_advancing();
    a_fresh_instance_knows_what_is_held();
    places_of_streams_gone_are_forgotten();
    undeclared_columns_fail_by_name();
    contradictions_fail_the_call();
    everything_an_entry_can_change_changes();
    the_last_value_of_a_row_counts();
    a_thousand_values_of_a_label_make_a_thousand_sets();
    breaches_of_the_contract_end_the_test();
    ten_thousand_calls_do_not_grow();
    settings_are_refused_by_name();
    json_is_read_as_written();
    texts_are_found_and_formatted();
    return ms_expectations();
}
