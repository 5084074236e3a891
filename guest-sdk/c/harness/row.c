/* Entries as tests write and read them. Lists are never changed in place: a row may be shared. */
#include "harness.h"

void *grown(ms_harness *harness, void *list, size_t count, size_t size) {
    return ms_arena_grow(&harness->memory, list, count * size, (count + 1) * size);
}

ms_text keep_text(ms_harness *harness, ms_text text) {
    char *data = ms_arena_take(&harness->memory, text.size + 1);
    if (text.size) {
        memcpy(data, text.data, text.size);
    }
    data[text.size] = 0;
    return ms_text_of(data, text.size);
}

ms_pairs set_pair(ms_harness *harness, ms_pairs pairs, ms_text name, ms_text value) {
    ms_pairs out = {ms_arena_take(&harness->memory, (pairs.count + 1) * sizeof(ms_pair)), 0};
    ms_pair added = {keep_text(harness, name), keep_text(harness, value)};
    bool pending = true;
    for (size_t at = 0; at < pairs.count; at++) {
        int order = ms_text_compare(pairs.list[at].name, name);
        if (pending && order >= 0) {
            out.list[out.count++] = added;
            pending = false;
        }
        if (order != 0) {
            out.list[out.count++] = pairs.list[at];
        }
    }
    if (pending) {
        out.list[out.count++] = added;
    }
    return out;
}

ms_pairs remove_pair(ms_harness *harness, ms_pairs pairs, ms_text name) {
    ms_pairs out = {ms_arena_take(&harness->memory, pairs.count * sizeof(ms_pair)), 0};
    for (size_t at = 0; at < pairs.count; at++) {
        if (!ms_text_equal(pairs.list[at].name, name)) {
            out.list[out.count++] = pairs.list[at];
        }
    }
    return out;
}

ms_text pairs_get(const ms_pairs *pairs, ms_text name) {
    for (size_t at = 0; at < pairs->count; at++) {
        if (ms_text_equal(pairs->list[at].name, name)) {
            return pairs->list[at].value;
        }
    }
    return ms_text_of(NULL, 0);
}

ms_text ms_pairs_get(const ms_pairs *pairs, const char *name) { return pairs_get(pairs, ms_str(name)); }

bool pairs_equal(const ms_pairs *one, const ms_pairs *other) {
    if (one->count != other->count) {
        return false;
    }
    for (size_t at = 0; at < one->count; at++) {
        if (!ms_text_equal(one->list[at].name, other->list[at].name) ||
            !ms_text_equal(one->list[at].value, other->list[at].value)) {
            return false;
        }
    }
    return true;
}

bool ms_row_equal(const ms_row *one, const ms_row *other) {
    return ms_text_equal(one->line, other->line) && one->timestamp == other->timestamp &&
           pairs_equal(&one->labels, &other->labels) && pairs_equal(&one->fields, &other->fields) &&
           pairs_equal(&one->metadata, &other->metadata);
}

ms_row ms_row_new(ms_harness *harness, const char *line) {
    ms_row row = {keep_text(harness, ms_str(line)), MS_START, {NULL, 0}, {NULL, 0}, {NULL, 0}};
    return row;
}

ms_row ms_row_label(ms_harness *harness, ms_row row, const char *name, const char *value) {
    row.labels = set_pair(harness, row.labels, ms_str(name), ms_str(value));
    return row;
}

ms_row ms_row_field(ms_harness *harness, ms_row row, const char *name, const char *value) {
    row.fields = set_pair(harness, row.fields, ms_str(name), ms_str(value));
    return row;
}

ms_row ms_row_metadata(ms_harness *harness, ms_row row, const char *name, const char *value) {
    row.metadata = set_pair(harness, row.metadata, ms_str(name), ms_str(value));
    return row;
}

void append_rows(ms_harness *harness, ms_row_list *to, ms_row_list more) {
    ms_row *rows = ms_arena_take(&harness->memory, (to->count + more.count) * sizeof *rows);
    if (to->count) {
        memcpy(rows, to->rows, to->count * sizeof *rows);
    }
    if (more.count) {
        memcpy(rows + to->count, more.rows, more.count * sizeof *rows);
    }
    to->rows = rows;
    to->count += more.count;
}
