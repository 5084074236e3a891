/* The contract, as the host enforces it on every edit. Each check answers the first violation, or NULL. */
#include "harness.h"

static const char *said(ms_text text) { return text.data; }

#define SAY(...) said(ms_text_scratch(ms_format(__VA_ARGS__)))

static const char *length(const char *name, size_t is, size_t rows) {
    return is == rows ? NULL : SAY("%s: %zu values for %zu", name, is, rows);
}

/* Bytes of the character at `at`, or 0 where it is none. */
static size_t character(const uint8_t *bytes, size_t at, size_t size) {
    uint8_t first = bytes[at];
    size_t count = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
    if (count == 0 || size - at < count) {
        return 0;
    }
    for (size_t next = 1; next < count; next++) {
        if ((bytes[at + next] & 0xc0) != 0x80) {
            return 0;
        }
    }
    bool overlong = (first == 0xe0 && bytes[at + 1] < 0xa0) || (first == 0xf0 && bytes[at + 1] < 0x90);
    bool beyond = (first == 0xed && bytes[at + 1] > 0x9f) || (first == 0xf4 && bytes[at + 1] > 0x8f);
    return overlong || beyond ? 0 : count;
}

static const char *text(const char *name, const ms_column *column, size_t rows) {
    const uint8_t *bytes = (const uint8_t *)column->bytes;
    for (size_t at = 0; at < column->size;) {
        size_t size = character(bytes, at, column->size);
        if (size == 0) {
            return SAY("%s: a text column is not UTF-8", name);
        }
        at += size;
    }
    uint32_t start = 0;
    for (size_t row = 0; row < column->rows; row++) {
        uint32_t end = column->ends[row];
        if (end < start || end > column->size || (end < column->size && (bytes[end] & 0xc0) == 0x80)) {
            return SAY("%s: the ends of a text column do not ascend along its characters", name);
        }
        start = end;
    }
    if (start != column->size) {
        return SAY("%s: the last end of a text column is not its length", name);
    }
    return length(name, column->rows, rows);
}

static const char *check_rows(const given *given, const ms_log_edit *edit, ms_ids origins) {
    for (size_t at = 0; at < origins.count; at++) {
        if (!known_by_id(given, origins.list[at])) {
            return SAY("origin %llu is neither of the batch nor held", (unsigned long long)origins.list[at]);
        }
    }
    for (size_t at = 0; at < edit->held_count; at++) {
        unsigned long long id = edit->held[at];
        if (!known_by_id(given, edit->held[at])) {
            return SAY("row %llu is held, but neither of the batch nor held before", id);
        }
        if (at > 0 && edit->held[at - 1] >= edit->held[at]) {
            return SAY("held rows do not ascend at %llu", id);
        }
        for (size_t other = 0; other < origins.count; other++) {
            if (origins.list[other] == edit->held[at]) {
                return SAY("row %llu is put out and held at once, so a replay would repeat it", id);
            }
        }
    }
    return edit->held_count && !given->interest->holds ? "rows are held, but configure did not call ms_holds(setup)" : NULL;
}

static const char *check_sets(const ms_label_sets *sets) {
    const char *wrong = text("the label names", &sets->names, sets->names.rows);
    wrong = wrong ? wrong : text("the label values", &sets->values, sets->names.rows);
    size_t start = 0;
    for (size_t set = 0; !wrong && set < sets->count; set++) {
        size_t end = sets->ends[set];
        if (end < start || end > sets->names.rows) {
            return "the label sets of an edit do not fit together";
        }
        for (size_t at = start + 1; at < end; at++) {
            ms_text name = ms_column_at(&sets->names, at);
            if (ms_text_compare(ms_column_at(&sets->names, at - 1), name) >= 0) {
                return SAY("the names of a label set are not sorted and unique: `%.*s`", (int)name.size, name.data);
            }
        }
        start = end;
    }
    return wrong ? wrong : start != sets->names.rows ? "the label sets of an edit do not fit together" : NULL;
}

static const char *check_labels(const given *given, const ms_log_edit *edit, ms_ids origins) {
    bool old = false;
    for (size_t at = 0; at < origins.count; at++) {
        old = old || origins.list[at] < given->first || origins.list[at] - given->first >= given->rows;
    }
    if (old && !edit->labels.some && edit->streams.some) {
        return "streams without labels, though a held row is put out";
    }
    const char *wrong = edit->labels.some ? check_sets(&edit->labels.sets) : NULL;
    if (wrong) {
        return wrong;
    }
    size_t sets = edit->labels.some ? edit->labels.sets.count : given->set_count;
    if (!edit->streams.some) {
        return edit->labels.some && (old || sets != given->set_count)
                   ? "labels without streams have to replace the batch's label sets one by one"
                   : NULL;
    }
    for (size_t at = 0; at < edit->streams.count; at++) {
        if (edit->streams.list[at] >= sets) {
            return SAY("stream %u of %zu label sets", edit->streams.list[at], sets);
        }
    }
    return length("streams", edit->streams.count, origins.count);
}

static const char *check_fields(const ms_field *fields, size_t count, size_t rows) {
    for (size_t at = 0; at < count; at++) {
        const char *name = ms_text_scratch(fields[at].name).data;
        for (size_t other = 0; other < at; other++) {
            if (ms_text_equal(fields[other].name, fields[at].name)) {
                return SAY("`%s` is set twice", name);
            }
        }
        const char *wrong = text(name, &fields[at].values, rows);
        if (!wrong && fields[at].present_size) {
            wrong = length(SAY("the bitmap of %s", name), fields[at].present_size, (rows + 7) / 8);
        }
        if (wrong) {
            return wrong;
        }
    }
    return NULL;
}

const char *edit_violation(const given *given, const ms_log_edit *edit) {
    ms_ids origins = origins_of(given, edit);
    const char *wrong = check_rows(given, edit, origins);
    wrong = wrong ? wrong : check_labels(given, edit, origins);
    if (!wrong && edit->lines.some) {
        wrong = text("lines", &edit->lines.column, origins.count);
    }
    if (!wrong && edit->timestamps.some) {
        wrong = length("timestamps", edit->timestamps.count, origins.count);
    }
    wrong = wrong ? wrong : check_fields(edit->fields, edit->field_count, origins.count);
    wrong = wrong ? wrong : check_fields(edit->metadata, edit->metadata_count, origins.count);
    if (wrong) {
        return wrong;
    }
    size_t vanished = given->known_count - staying(given, edit), dropped = 0;
    for (size_t at = 0; at < edit->drop_count; at++) {
        dropped += edit->drops[at].count;
    }
    return dropped > vanished ? SAY("%zu rows counted as dropped, but only %zu vanished", dropped, vanished) : NULL;
}
