/* Cases: folders of settings.json, input.jsonl and expected.jsonl. */
#include <dirent.h>
#include <setjmp.h>
#include <stdio.h>

#include "harness.h"

static jmp_buf out_of_case;
static const char *case_name;
static bool case_failed;

static void leave_case(const char *message) {
    fprintf(stderr, "%s: %s\n", case_name, message);
    longjmp(out_of_case, 1);
}

static void note(const char *format, ...) MS_PRINTF(1, 2);

static void note(const char *format, ...) {
    __builtin_va_list arguments;
    __builtin_va_start(arguments, format);
    ms_text message = ms_format_list(format, arguments);
    __builtin_va_end(arguments);
    fprintf(stderr, "%s: %.*s\n", case_name, (int)message.size, message.data);
    case_failed = true;
}

/* A whole file, with a NUL behind it; `otherwise` where there is none. */
static char *read_file(const char *folder, const char *name, const char *otherwise) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    if (!file) {
        if (!otherwise) {
            fail_test("cannot read %s", path);
        }
        return (char *)ms_text_copy(ms_str(otherwise)).data;
    }
    char *text = NULL;
    size_t size = 0, got = 0, room = 0;
    do {
        size += got;
        if (room - size < 2) {
            room = room ? room * 2 : 4096;
            text = ms_must(realloc(text, room));
        }
        got = fread(text + size, 1, room - size - 1, file);
    } while (got);
    fclose(file);
    text[size] = 0;
    return text;
}

static ms_json *member(ms_json *line, const char *name, ms_json_kind kind) {
    ms_json *found = ms_json_member(line, name);
    if (found && found->kind != kind) {
        fail_test("`%s` has the wrong type", name);
    }
    return found;
}

static ms_pairs pairs_in(ms_harness *harness, ms_json *line, const char *name) {
    ms_pairs pairs = {NULL, 0};
    ms_json *object = member(line, name, MS_OBJECT);
    for (ms_json *at = object ? object->first : NULL; at; at = at->next) {
        if (at->kind != MS_STRING) {
            fail_test("`%s` has a value that is no text", name);
        }
        pairs = set_pair(harness, pairs, at->name, at->text);
    }
    return pairs;
}

static ms_row row_in(ms_harness *harness, ms_json *line, int64_t otherwise) {
    ms_json *timestamp = member(line, "timestamp", MS_NUMBER);
    ms_row row = {keep_text(harness, member(line, "line", MS_STRING)->text),
                  timestamp ? timestamp->whole : otherwise,
                  pairs_in(harness, line, "labels"),
                  pairs_in(harness, line, "fields"),
                  pairs_in(harness, line, "metadata")};
    return row;
}

/* The next line of a file that is not empty, read; NULL behind the last. Scratch memory: it goes with the next call. */
static ms_json *next_line(char **at) {
    while (**at) {
        size_t size = strcspn(*at, "\n");
        ms_text text = ms_text_of(*at, size);
        *at += size + ((*at)[size] == '\n');
        if (size > strspn(text.data, " \t\r")) {
            ms_text problem = {NULL, 0};
            ms_json *line = ms_json_parse(text, &problem);
            if (!line || line->kind != MS_OBJECT) {
                fail_test("a line is no JSON object: %s", problem.data ? problem.data : text.data);
            }
            return line;
        }
    }
    return NULL;
}

/* Sends a case's input through the stage; false, and the text in `failure`, when a call fails. */
static bool play(ms_harness *harness, char *input, ms_row_list *out, const char **failure) {
    ms_row_list rows = {NULL, 0}, came;
    int64_t entries = 0;
    for (ms_json *line = next_line(&input);; line = next_line(&input)) {
        if (line && ms_json_member(line, "line")) {
            ms_row row = row_in(harness, line, MS_START + entries++);
            append_rows(harness, &rows, (ms_row_list){&row, 1});
            continue;
        }
        ms_json *now = line ? member(line, "now", MS_NUMBER) : NULL;
        bool replay = line && ms_json_member(line, "replay");
        if (line && !now && !replay && !ms_json_member(line, "batch")) {
            fail_test("a line of input.jsonl is neither an entry nor batch, now or replay");
        }
        int64_t time = now ? now->whole : 0;
        bool timed = now != NULL, last = line == NULL;
        if (rows.count) {
            if (!ms_harness_try_push(harness, rows.rows, rows.count, &came, failure)) {
                return false;
            }
            append_rows(harness, out, came);
            rows.count = 0;
        }
        if (timed && !until(harness, time, out, failure)) {
            return false;
        }
        if (replay) {
            append_rows(harness, out, ms_harness_replay(harness));
        }
        if (last) {
            return try_flush(harness, out, failure);
        }
    }
}

static void print_row(const char *what, const ms_row *row) {
    fprintf(stderr, "  %s %.*s at %lld", what, (int)row->line.size, row->line.data, (long long)row->timestamp);
    const ms_pairs *all[] = {&row->labels, &row->fields, &row->metadata};
    static const char *const names[] = {"labels", "fields", "metadata"};
    for (size_t kind = 0; kind < 3; kind++) {
        fprintf(stderr, ", %s {", names[kind]);
        for (size_t at = 0; at < all[kind]->count; at++) {
            ms_pair pair = all[kind]->list[at];
            fprintf(stderr, " %.*s=%.*s", (int)pair.name.size, pair.name.data, (int)pair.value.size, pair.value.data);
        }
        fprintf(stderr, " }");
    }
    fprintf(stderr, "\n");
}

static void compare_row(ms_harness *harness, ms_json *line, const ms_row_list *out, size_t at) {
    if (at >= out->count) {
        return;
    }
    ms_row want = row_in(harness, line, out->rows[at].timestamp);
    if (!ms_row_equal(&want, &out->rows[at])) {
        note("entry %zu differs:", at);
        print_row("is      ", &out->rows[at]);
        print_row("expected", &want);
    }
}

static void compare_metric(ms_harness *harness, ms_json *line) {
    ms_json *name = member(line, "metric", MS_STRING), *value = member(line, "value", MS_NUMBER);
    ms_json *labels = member(line, "labels", MS_OBJECT);
    if (!value) {
        fail_test("the metric `%s` is expected without a value", name->text.data);
    }
    for (size_t at = 0; at < harness->metric_count; at++) {
        const metric *of = &harness->metrics[at];
        if (!ms_text_equal(ms_str(of->name), name->text)) {
            continue;
        }
        const char **values = ms_scratch_zero(of->label_count + 1, sizeof *values);
        for (size_t label = 0; label < of->label_count; label++) {
            ms_json *given = labels ? member(labels, of->labels[label].data, MS_STRING) : NULL;
            values[label] = given ? given->text.data : "";
        }
        double is = ms_harness_metric(harness, of->name, values, of->label_count);
        if (is != value->number) {
            fprintf(stderr, "%s: %s is %g, expected %g\n", case_name, of->name, is, value->number);
            case_failed = true;
        }
        return;
    }
    note("no metric `%s` was registered", name->text.data);
}

static void compare_drops(const ms_harness *harness, ms_json *dropped) {
    size_t reasons = 0;
    for (ms_json *at = dropped ? dropped->first : NULL; at; at = at->next, reasons++) {
        size_t is = ms_harness_dropped(harness, at->name.data);
        if ((int64_t)is != at->whole) {
            note("%zu were dropped for %s, expected %lld", is, at->name.data, (long long)at->whole);
        }
    }
    if (reasons != harness->drop_count) {
        note("entries were dropped for %zu reasons, expected %zu", harness->drop_count, reasons);
    }
}

static void compare(ms_harness *harness, char *expected, const ms_row_list *out) {
    size_t rows = 0;
    ms_json *dropped = NULL;
    for (ms_json *line = next_line(&expected); line; line = next_line(&expected)) {
        if (ms_json_member(line, "line")) {
            compare_row(harness, line, out, rows++);
        } else if (ms_json_member(line, "metric")) {
            compare_metric(harness, line);
        } else if (!(dropped = member(line, "dropped", MS_OBJECT))) {
            fail_test("a line of expected.jsonl is neither an entry nor dropped, metric, refused or failed");
        }
    }
    if (rows != out->count) {
        note("%zu entries came out, expected %zu", out->count, rows);
    }
    compare_drops(harness, dropped);
}

/* Whether the file says that a call fails, or the settings are refused; then it must be so, with that text in it. */
static bool expects(char *expected, const char *name, const char *is) {
    for (ms_json *line = next_line(&expected); line; line = next_line(&expected)) {
        ms_json *text = member(line, name, MS_STRING);
        if (text) {
            if (!is || !strstr(is, text->text.data)) {
                note("expected that it is %s with `%s`, got `%s`", name, text->text.data, is ? is : "nothing");
            }
            return true;
        }
    }
    return false;
}

static void run_case(const ms_stage *stage, const char *folder) {
    char *settings = read_file(folder, "settings.json", "{}");
    char *input = read_file(folder, "input.jsonl", NULL), *expected = read_file(folder, "expected.jsonl", NULL);
    const char *refusal = NULL, *failure = NULL;
    ms_row_list out = {NULL, 0};
    ms_harness *harness = configured(stage, settings, &refusal);
    if (!expects(expected, "refused", refusal)) {
        if (!harness) {
            fail_test("the stage refused %s: %s", settings, refusal);
        }
        bool done = play(harness, input, &out, &failure);
        if (!expects(expected, "failed", failure)) {
            if (!done) {
                fail_test("the stage failed: %s", failure);
            }
            compare(harness, expected, &out);
        }
    }
    if (harness) {
        ms_harness_free(harness);
    }
    free(settings), free(input), free(expected);
}

bool ms_harness_cases(const ms_stage *stage, const char *folder) {
    DIR *open_folder = opendir(folder);
    if (!open_folder) {
        fail_test("cannot read %s", folder);
    }
    size_t cases = 0, failed = 0;
    void (*before)(const char *) = ms_harness_fail;
    for (struct dirent *entry; (entry = readdir(open_folder));) {
        char path[4096], settings[4200];
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        snprintf(settings, sizeof settings, "%s/input.jsonl", path);
        FILE *there = entry->d_name[0] == '.' ? NULL : fopen(settings, "rb");
        if (!there) {
            continue;
        }
        fclose(there);
        cases++;
        case_name = entry->d_name;
        case_failed = false;
        ms_harness_fail = leave_case;
        if (setjmp(out_of_case) == 0) {
            run_case(stage, path);
        } else {
            case_failed = true;
        }
        ms_harness_fail = before;
        failed += case_failed ? 1 : 0;
    }
    closedir(open_folder);
    if (cases == 0) {
        fail_test("there is no case in %s", folder);
    }
    fprintf(stderr, "%zu cases of %s, %zu failed\n", cases, folder, failed);
    return failed == 0;
}
