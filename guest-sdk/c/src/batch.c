/* A batch as a stage sees it: declared columns to read, and what is done to single rows. */
#include "contract.h"

size_t ms_rows(const ms_batch *batch) { return batch->in->rows; }

uint64_t ms_id(const ms_batch *batch, size_t row) { return batch->in->first_id + row; }

ms_output *ms_out(ms_batch *batch) { return &batch->out; }

/* Keeps the first misuse; the call fails with it. Answers false. */
static bool undeclared(ms_batch *batch, const char *column, const char *call) {
    if (!ms_some(batch->out.failure)) {
        batch->out.failure = ms_format(
            "the stage uses %s without declaring it: its configure must call %s(setup)", column, call);
    }
    return false;
}

static bool declares(const ms_text *names, size_t count, ms_text name) {
    for (size_t at = 0; at < count; at++) {
        if (ms_text_equal(names[at], name) || ms_text_equal(names[at], ms_str("*"))) {
            return true;
        }
    }
    return false;
}

static bool undeclared_name(ms_batch *batch, const char *what, ms_text name) {
    if (!ms_some(batch->out.failure)) {
        batch->out.failure = ms_format("the stage uses the %s `%.*s` without declaring it: its configure must call "
                                       "ms_reads_%s(setup, ms_str(\"%.*s\"))",
                                       what, (int)name.size, name.data, what, (int)name.size, name.data);
    }
    return false;
}

static bool may_lines(ms_batch *batch) {
    return batch->interest->lines || undeclared(batch, "lines", "ms_reads_lines");
}

static bool may_timestamps(ms_batch *batch) {
    return batch->interest->timestamps || undeclared(batch, "timestamps", "ms_reads_timestamps");
}

static bool may_labels(ms_batch *batch) {
    return batch->interest->labels || undeclared(batch, "labels", "ms_reads_labels");
}

static bool may_field(ms_batch *batch, ms_text name) {
    const ms_interest *interest = batch->interest;
    return declares(interest->fields, interest->field_count, name) || undeclared_name(batch, "field", name);
}

static bool may_metadata(ms_batch *batch, ms_text name) {
    const ms_interest *interest = batch->interest;
    return declares(interest->metadata, interest->metadata_count, name) || undeclared_name(batch, "metadata", name);
}

static const ms_field *find_field(const ms_field *fields, size_t count, ms_text name) {
    for (size_t at = 0; at < count; at++) {
        if (ms_text_equal(fields[at].name, name)) {
            return &fields[at];
        }
    }
    return NULL;
}

const ms_column *ms_lines(ms_batch *batch) { return may_lines(batch) ? &batch->in->lines : NULL; }

const int64_t *ms_timestamps(ms_batch *batch) { return may_timestamps(batch) ? batch->in->timestamps : NULL; }

const uint32_t *ms_streams(ms_batch *batch) { return may_labels(batch) ? batch->in->streams : NULL; }

const ms_label_sets *ms_labels(ms_batch *batch) { return may_labels(batch) ? &batch->in->labels : NULL; }

const ms_field *ms_field_column(ms_batch *batch, ms_text name) {
    return may_field(batch, name) ? find_field(batch->in->fields, batch->in->field_count, name) : NULL;
}

const ms_field *ms_metadata_column(ms_batch *batch, ms_text name) {
    return may_metadata(batch, name) ? find_field(batch->in->metadata, batch->in->metadata_count, name) : NULL;
}

const ms_field *ms_all_fields(const ms_batch *batch, size_t *count) {
    *count = batch->in->field_count;
    return batch->in->fields;
}

const ms_field *ms_all_metadata(const ms_batch *batch, size_t *count) {
    *count = batch->in->metadata_count;
    return batch->in->metadata;
}

ms_text ms_line(ms_batch *batch, size_t row) {
    return may_lines(batch) ? ms_column_at(&batch->in->lines, row) : ms_str("");
}

int64_t ms_timestamp(ms_batch *batch, size_t row) { return may_timestamps(batch) ? batch->in->timestamps[row] : 0; }

ms_text ms_label(ms_batch *batch, size_t row, ms_text name) {
    return may_labels(batch) ? ms_labels_get(&batch->in->labels, batch->in->streams[row], name) : ms_text_of(NULL, 0);
}

ms_text ms_field_value(ms_batch *batch, size_t row, ms_text name) {
    return ms_field_at(ms_field_column(batch, name), row);
}

ms_text ms_metadata_value(ms_batch *batch, size_t row, ms_text name) {
    return ms_field_at(ms_metadata_column(batch, name), row);
}

void ms_set_line(ms_batch *batch, size_t row, ms_text line) {
    if (!may_lines(batch)) {
        return;
    }
    if (!batch->lines) {
        batch->lines = ms_scratch(sizeof *batch->lines);
        *batch->lines = ms_text_edit_new(&batch->in->lines, batch->in->rows);
    }
    ms_text_edit_set(batch->lines, row, line);
}

void ms_set_timestamp(ms_batch *batch, size_t row, int64_t timestamp) {
    if (!may_timestamps(batch)) {
        return;
    }
    if (!batch->timestamps) {
        size_t size = batch->in->rows * sizeof *batch->timestamps;
        batch->timestamps = ms_scratch(size);
        memcpy(batch->timestamps, batch->in->timestamps, size);
    }
    batch->timestamps[row] = timestamp;
}

static void change_label(ms_batch *batch, size_t row, ms_text name, ms_text value) {
    if (!may_labels(batch)) {
        return;
    }
    if (!batch->labels) {
        batch->labels = ms_label_edit_new(batch->in->streams, batch->in->rows, &batch->in->labels);
    }
    ms_label_edit_set(batch->labels, row, name, value);
}

void ms_set_label(ms_batch *batch, size_t row, ms_text name, ms_text value) {
    change_label(batch, row, name, ms_some(value) ? value : ms_str(""));
}

void ms_remove_label(ms_batch *batch, size_t row, ms_text name) { change_label(batch, row, name, ms_text_of(NULL, 0)); }

static void set_bit(uint8_t *bits, size_t row, bool to) {
    uint8_t bit = (uint8_t)(1u << (row % 8));
    bits[row / 8] = to ? bits[row / 8] | bit : bits[row / 8] & (uint8_t)~bit;
}

static ms_field_edit *new_field_edit(ms_text name, const ms_field *original, size_t rows) {
    ms_field_edit *edit = ms_scratch_zero(1, sizeof *edit);
    edit->name = ms_text_scratch(name);
    edit->texts = ms_text_edit_new(original ? &original->values : NULL, rows);
    edit->present = ms_scratch_zero((rows + 7) / 8, 1);
    for (size_t row = 0; original && row < rows; row++) {
        set_bit(edit->present, row, original->present_size == 0 || original->present[row / 8] >> (row % 8) & 1);
    }
    return edit;
}

static void change_field(ms_field_edit **edits, const ms_field *original, size_t rows, size_t row, ms_text name,
                         ms_text value) {
    while (*edits && !ms_text_equal((*edits)->name, name)) {
        edits = &(*edits)->next;
    }
    if (!*edits) {
        *edits = new_field_edit(name, original, rows);
    }
    ms_text_edit_set(&(*edits)->texts, row, value);
    set_bit((*edits)->present, row, ms_some(value));
}

static void change_own_field(ms_batch *batch, size_t row, ms_text name, ms_text value) {
    if (may_field(batch, name)) {
        const ms_field *original = ms_field_column(batch, name);
        change_field(&batch->fields, original, batch->in->rows, row, name, value);
    }
}

static void change_metadata(ms_batch *batch, size_t row, ms_text name, ms_text value) {
    if (may_metadata(batch, name)) {
        const ms_field *original = ms_metadata_column(batch, name);
        change_field(&batch->metadata, original, batch->in->rows, row, name, value);
    }
}

void ms_set_field(ms_batch *batch, size_t row, ms_text name, ms_text value) {
    change_own_field(batch, row, name, ms_some(value) ? value : ms_str(""));
}

void ms_unset_field(ms_batch *batch, size_t row, ms_text name) {
    change_own_field(batch, row, name, ms_text_of(NULL, 0));
}

void ms_set_metadata(ms_batch *batch, size_t row, ms_text name, ms_text value) {
    change_metadata(batch, row, name, ms_some(value) ? value : ms_str(""));
}

void ms_unset_metadata(ms_batch *batch, size_t row, ms_text name) {
    change_metadata(batch, row, name, ms_text_of(NULL, 0));
}

void ms_drop(ms_batch *batch, size_t row, ms_text reason) {
    if (!batch->dropped) {
        batch->dropped = ms_scratch_zero(batch->in->rows, sizeof *batch->dropped);
    }
    if (!batch->dropped[row]) {
        batch->dropped[row] = true;
        ms_count_drops(&batch->drops, &batch->drop_count, reason, 1);
    }
}
