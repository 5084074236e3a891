/* Rows to columns, as they cross into the sandbox, and an edit back onto rows. */
#include "harness.h"

ms_ids origins_of(const given *given, const ms_log_edit *edit) {
    if (edit->origins.some) {
        return edit->origins;
    }
    uint64_t *ids = ms_scratch(given->rows * sizeof *ids);
    for (size_t row = 0; row < given->rows; row++) {
        ids[row] = given->first + row;
    }
    return (ms_ids){true, ids, given->rows};
}

const ms_row *known_by_id(const given *given, uint64_t id) {
    for (size_t low = 0, high = given->known_count; low < high;) {
        size_t middle = low + (high - low) / 2;
        if (given->known[middle].id == id) {
            return &given->known[middle].row;
        }
        if (given->known[middle].id < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

size_t staying(const given *given, const ms_log_edit *edit) {
    ms_ids origins = origins_of(given, edit);
    bool *stays = ms_scratch_zero(given->known_count, 1);
    size_t count = 0;
    for (size_t at = 0; at < origins.count + edit->held_count; at++) {
        uint64_t id = at < origins.count ? origins.list[at] : edit->held[at - origins.count];
        const ms_row *row = known_by_id(given, id);
        size_t place = row ? (size_t)((const known_row *)((const char *)row - offsetof(known_row, row)) - given->known) : 0;
        if (row && !stays[place]) {
            stays[place] = true;
            count++;
        }
    }
    return count;
}

static size_t place_of(const ms_pairs *sets, size_t count, const ms_pairs *labels) {
    size_t at = 0;
    while (at < count && !pairs_equal(&sets[at], labels)) {
        at++;
    }
    return at;
}

ms_pairs *distinct_labels(const ms_row *rows, size_t count, size_t *set_count) {
    ms_pairs *sets = ms_scratch(count * sizeof *sets);
    *set_count = 0;
    for (size_t row = 0; row < count; row++) {
        if (place_of(sets, *set_count, &rows[row].labels) == *set_count) {
            sets[(*set_count)++] = rows[row].labels;
        }
    }
    return sets;
}

static ms_pairs pairs_of(const ms_row *row, bool metadata) { return metadata ? row->metadata : row->fields; }

static bool wanted(const ms_text *names, size_t count, ms_text name) {
    for (size_t at = 0; at < count; at++) {
        if (ms_text_equal(names[at], ms_str("*")) || ms_text_equal(names[at], name)) {
            return true;
        }
    }
    return false;
}

static ms_field column_of(const ms_row *rows, size_t count, bool metadata, ms_text name) {
    ms_builder values = {0};
    uint8_t *present = ms_scratch_zero((count + 7) / 8, 1);
    bool full = true;
    for (size_t row = 0; row < count; row++) {
        ms_pairs pairs = pairs_of(&rows[row], metadata);
        ms_text value = pairs_get(&pairs, name);
        ms_builder_push(&values, value);
        full = full && ms_some(value);
        present[row / 8] |= (uint8_t)(ms_some(value) << (row % 8));
    }
    ms_field field = {name, ms_builder_column(&values), present, full ? 0 : (count + 7) / 8};
    return field;
}

static const ms_field *columns(const ms_row *rows, size_t count, bool metadata, const ms_text *names, size_t name_count,
                               size_t *field_count) {
    ms_field *fields = NULL;
    *field_count = 0;
    for (size_t row = 0; row < count; row++) {
        ms_pairs pairs = pairs_of(&rows[row], metadata);
        for (size_t at = 0; at < pairs.count; at++) {
            ms_text name = pairs.list[at].name;
            size_t known = 0;
            while (known < *field_count && !ms_text_equal(fields[known].name, name)) {
                known++;
            }
            if (known == *field_count && wanted(names, name_count, name)) {
                ms_field field = column_of(rows, count, metadata, name);
                size_t size = *field_count * sizeof field;
                fields = ms_arena_grow(&ms_call_arena, fields, size, size + sizeof field);
                fields[(*field_count)++] = field;
            }
        }
    }
    return fields;
}

static void cross_labels(ms_log_batch *batch, const ms_row *rows, size_t count) {
    size_t set_count;
    ms_pairs *sets = distinct_labels(rows, count, &set_count);
    uint32_t *streams = ms_scratch(count * sizeof *streams), *ends = ms_scratch(set_count * sizeof *ends);
    ms_builder names = {0}, values = {0};
    for (size_t set = 0; set < set_count; set++) {
        for (size_t at = 0; at < sets[set].count; at++) {
            ms_builder_push(&names, sets[set].list[at].name);
            ms_builder_push(&values, sets[set].list[at].value);
        }
        ends[set] = (uint32_t)names.rows;
    }
    for (size_t row = 0; row < count; row++) {
        streams[row] = (uint32_t)place_of(sets, set_count, &rows[row].labels);
    }
    batch->streams = streams;
    batch->stream_count = count;
    batch->labels = (ms_label_sets){ends, set_count, ms_builder_column(&names), ms_builder_column(&values)};
}

ms_log_batch cross(uint64_t first, const ms_row *rows, size_t count, const ms_interest *interest) {
    ms_log_batch batch = {0};
    batch.first_id = first;
    batch.rows = (uint32_t)count;
    if (interest->labels) {
        cross_labels(&batch, rows, count);
    }
    if (interest->timestamps) {
        int64_t *timestamps = ms_scratch(count * sizeof *timestamps);
        for (size_t row = 0; row < count; row++) {
            timestamps[row] = rows[row].timestamp;
        }
        batch.timestamps = timestamps;
        batch.timestamp_count = count;
    }
    if (interest->lines) {
        ms_builder lines = {0};
        for (size_t row = 0; row < count; row++) {
            ms_builder_push(&lines, rows[row].line);
        }
        batch.lines = ms_builder_column(&lines);
    }
    batch.fields = columns(rows, count, false, interest->fields, interest->field_count, &batch.field_count);
    batch.metadata = columns(rows, count, true, interest->metadata, interest->metadata_count, &batch.metadata_count);
    return batch;
}

static ms_pairs set_at(ms_harness *harness, const ms_label_sets *sets, size_t set) {
    ms_pairs pairs = {NULL, 0};
    size_t start, end;
    ms_label_span(sets, set, &start, &end);
    for (size_t at = start; at < end; at++) {
        pairs = set_pair(harness, pairs, ms_column_at(&sets->names, at), ms_column_at(&sets->values, at));
    }
    return pairs;
}

static ms_pairs changed(ms_harness *harness, ms_pairs pairs, const ms_field *fields, size_t count, size_t row) {
    for (size_t at = 0; at < count; at++) {
        ms_text value = ms_field_at(&fields[at], row);
        pairs = ms_some(value) ? set_pair(harness, pairs, fields[at].name, value)
                               : remove_pair(harness, pairs, fields[at].name);
    }
    return pairs;
}

ms_row_list apply(ms_harness *harness, const given *given, const ms_log_edit *edit) {
    ms_ids origins = origins_of(given, edit);
    ms_row_list out = {ms_arena_take(&harness->memory, origins.count * sizeof *out.rows), origins.count};
    for (size_t at = 0; at < origins.count; at++) {
        ms_row row = *known_by_id(given, origins.list[at]);
        size_t stream =
            edit->streams.some ? edit->streams.list[at] : place_of(given->sets, given->set_count, &row.labels);
        if (edit->labels.some) {
            row.labels = set_at(harness, &edit->labels.sets, stream);
        } else if (edit->streams.some) {
            row.labels = given->sets[stream];
        }
        if (edit->lines.some) {
            row.line = keep_text(harness, ms_column_at(&edit->lines.column, at));
        }
        if (edit->timestamps.some) {
            row.timestamp = edit->timestamps.list[at];
        }
        row.fields = changed(harness, row.fields, edit->fields, edit->field_count, at);
        row.metadata = changed(harness, row.metadata, edit->metadata, edit->metadata_count, at);
        out.rows[at] = row;
    }
    return out;
}
