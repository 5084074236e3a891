/* What a call gives back: whole columns, and what single entries were told, made columns of. */
#include <stdarg.h>

#include "contract.h"

void ms_out_origins(ms_output *out, const uint64_t *origins, size_t count) {
    out->edit.origins = (ms_ids){true, origins, count};
}

void ms_out_lines(ms_output *out, ms_column lines) {
    out->edit.lines.some = true;
    out->edit.lines.column = lines;
}

void ms_out_timestamps(ms_output *out, const int64_t *timestamps, size_t count) {
    out->edit.timestamps = (ms_times){true, timestamps, count};
}

void ms_out_streams(ms_output *out, const uint32_t *streams, size_t count) {
    out->edit.streams = (ms_indices){true, streams, count};
}

void ms_out_labels(ms_output *out, ms_label_sets sets) {
    out->edit.labels.some = true;
    out->edit.labels.sets = sets;
}

static void put_field(ms_field **fields, size_t *count, ms_field field) {
    for (size_t at = 0; at < *count; at++) {
        if (ms_text_equal((*fields)[at].name, field.name)) {
            (*fields)[at] = field;
            return;
        }
    }
    size_t size = *count * sizeof field;
    *fields = ms_arena_grow(&ms_call_arena, *fields, size, size + sizeof field);
    (*fields)[(*count)++] = field;
}

void ms_out_field(ms_output *out, ms_field field) { put_field(&out->edit.fields, &out->edit.field_count, field); }

void ms_out_metadata(ms_output *out, ms_field field) {
    put_field(&out->edit.metadata, &out->edit.metadata_count, field);
}

void ms_count_drops(ms_drop_count **drops, size_t *drop_count, ms_text reason, uint32_t count) {
    for (size_t at = 0; at < *drop_count; at++) {
        if (ms_text_equal((*drops)[at].reason, reason)) {
            (*drops)[at].count += count;
            return;
        }
    }
    ms_drop_count drop = {ms_text_scratch(reason), count};
    size_t size = *drop_count * sizeof drop;
    *drops = ms_arena_grow(&ms_call_arena, *drops, size, size + sizeof drop);
    (*drops)[(*drop_count)++] = drop;
}

void ms_out_drops(ms_output *out, ms_text reason, uint32_t count) {
    ms_count_drops(&out->edit.drops, &out->edit.drop_count, reason, count);
}

void ms_out_held(ms_output *out, const uint64_t *ids, size_t count) {
    out->edit.held = ids;
    out->edit.held_count = count;
}

void ms_out_wake_at(ms_output *out, int64_t time) {
    out->edit.wake_at.some = true;
    out->edit.wake_at.time = time;
}

bool ms_fail(ms_output *out, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    if (!ms_some(out->failure)) {
        out->failure = ms_format_list(format, arguments);
    }
    va_end(arguments);
    return false;
}

static bool twice(ms_output *out, ms_text column) {
    return ms_fail(out, "the stage sets %.*s both as a whole column and on single entries", (int)column.size,
                   column.data);
}

static bool finish_fields(ms_batch *batch, ms_field_edit *edits, ms_field **fields, size_t *count) {
    size_t rows = batch->in->rows;
    for (ms_field_edit *edit = edits; edit; edit = edit->next) {
        for (size_t at = 0; at < *count; at++) {
            if (ms_text_equal((*fields)[at].name, edit->name)) {
                return twice(&batch->out, edit->name);
            }
        }
        ms_field field = {edit->name, ms_text_edit_finish(&edit->texts), edit->present, 0};
        for (size_t row = 0; row < rows; row++) {
            if (!(edit->present[row / 8] >> (row % 8) & 1)) {
                field.present_size = (rows + 7) / 8;
                break;
            }
        }
        put_field(fields, count, field);
    }
    return true;
}

static ms_column keep_texts(const ms_batch *batch, const ms_column *column) {
    size_t rows = batch->in->rows;
    ms_builder kept = ms_builder_new(rows, column->size);
    for (size_t row = 0; row < rows && row < column->rows;) {
        size_t from = row;
        while (row < rows && row < column->rows && !batch->dropped[row]) {
            row++;
        }
        ms_builder_push_rows(&kept, column, from, row);
        row++;
    }
    return ms_builder_column(&kept);
}

static void keep_fields(const ms_batch *batch, ms_field *fields, size_t count) {
    for (size_t at = 0; at < count; at++) {
        ms_field *field = &fields[at];
        field->values = keep_texts(batch, &field->values);
        if (field->present_size == 0) {
            continue;
        }
        uint8_t *present = ms_scratch_zero((field->values.rows + 7) / 8, 1);
        size_t to = 0;
        for (size_t row = 0; row < batch->in->rows; row++) {
            if (!batch->dropped[row]) {
                present[to / 8] |= (uint8_t)((field->present[row / 8] >> (row % 8) & 1) << (to % 8));
                to++;
            }
        }
        field->present = present;
        field->present_size = (to + 7) / 8;
    }
}

/* Reduces every set column to the rows that were not dropped, and names them as origins. */
static bool take_out(ms_batch *batch) {
    size_t rows = batch->in->rows, kept = 0;
    ms_log_edit *edit = &batch->out.edit;
    if ((edit->timestamps.some && edit->timestamps.count != rows) || (edit->streams.some && edit->streams.count != rows)) {
        return ms_fail(&batch->out, "the stage drops entries and sets a column that has not one value per entry");
    }
    uint64_t *origins = ms_scratch(rows * sizeof *origins);
    int64_t *timestamps = edit->timestamps.some ? ms_scratch(rows * sizeof *timestamps) : NULL;
    uint32_t *streams = edit->streams.some ? ms_scratch(rows * sizeof *streams) : NULL;
    for (size_t row = 0; row < rows; row++) {
        if (batch->dropped[row]) {
            continue;
        }
        origins[kept] = ms_id(batch, row);
        if (timestamps) {
            timestamps[kept] = edit->timestamps.list[row];
        }
        if (streams) {
            streams[kept] = edit->streams.list[row];
        }
        kept++;
    }
    ms_out_origins(&batch->out, origins, kept);
    if (timestamps) {
        ms_out_timestamps(&batch->out, timestamps, kept);
    }
    if (streams) {
        ms_out_streams(&batch->out, streams, kept);
    }
    if (edit->lines.some) {
        edit->lines.column = keep_texts(batch, &edit->lines.column);
    }
    keep_fields(batch, edit->fields, edit->field_count);
    keep_fields(batch, edit->metadata, edit->metadata_count);
    return true;
}

bool ms_draft_finish(ms_batch *batch) {
    ms_output *out = &batch->out;
    ms_log_edit *edit = &out->edit;
    bool touched = batch->lines || batch->timestamps || batch->labels || batch->fields || batch->metadata || batch->dropped;
    if (touched && edit->origins.some) {
        return ms_fail(out, "the stage changes single entries and sets origins in one call");
    }
    if (batch->lines) {
        if (edit->lines.some) {
            return twice(out, ms_str("lines"));
        }
        ms_out_lines(out, ms_text_edit_finish(batch->lines));
    }
    if (batch->timestamps) {
        if (edit->timestamps.some) {
            return twice(out, ms_str("timestamps"));
        }
        ms_out_timestamps(out, batch->timestamps, batch->in->rows);
    }
    if (!finish_fields(batch, batch->fields, &edit->fields, &edit->field_count) ||
        !finish_fields(batch, batch->metadata, &edit->metadata, &edit->metadata_count)) {
        return false;
    }
    if (batch->labels) {
        if (edit->labels.some || edit->streams.some) {
            return twice(out, ms_str("labels"));
        }
        ms_out_labels(out, ms_label_edit_finish(batch->labels, batch->dropped));
        ms_out_streams(out, batch->labels->streams, batch->in->rows);
    }
    if (batch->dropped && !take_out(batch)) {
        return false;
    }
    for (size_t at = 0; at < batch->drop_count; at++) {
        ms_out_drops(out, batch->drops[at].reason, batch->drops[at].count);
    }
    return true;
}
