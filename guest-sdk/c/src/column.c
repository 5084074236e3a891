/* Columns under construction, and new versions of columns that differ in some rows. */
#include "contract.h"

static size_t room_for(size_t room, size_t wanted) {
    size_t more = room < 16 ? 16 : room * 2;
    return more < wanted ? wanted : more;
}

ms_builder ms_builder_new(size_t rows, size_t bytes) {
    ms_builder builder = {0};
    builder.row_room = rows;
    builder.ends = ms_scratch(rows * sizeof *builder.ends);
    builder.byte_room = bytes;
    builder.bytes = ms_scratch(bytes);
    return builder;
}

static char *more_bytes(ms_builder *builder, size_t size) {
    if (builder->byte_room - builder->size < size) {
        size_t room = room_for(builder->byte_room, builder->size + size);
        builder->bytes = ms_arena_grow(&ms_call_arena, builder->bytes, builder->byte_room, room);
        builder->byte_room = room;
    }
    char *at = builder->bytes + builder->size;
    builder->size += size;
    return at;
}

static uint32_t *more_ends(ms_builder *builder, size_t count) {
    if (builder->row_room - builder->rows < count) {
        size_t room = room_for(builder->row_room, builder->rows + count);
        builder->ends = ms_arena_grow(&ms_call_arena, builder->ends, builder->row_room * sizeof *builder->ends,
                                      room * sizeof *builder->ends);
        builder->row_room = room;
    }
    uint32_t *at = builder->ends + builder->rows;
    builder->rows += count;
    return at;
}

void ms_builder_append(ms_builder *builder, ms_text part) {
    if (part.size > 0) {
        memcpy(more_bytes(builder, part.size), part.data, part.size);
    }
}

void ms_builder_end(ms_builder *builder) { *more_ends(builder, 1) = (uint32_t)builder->size; }

void ms_builder_push(ms_builder *builder, ms_text text) {
    ms_builder_append(builder, text);
    ms_builder_end(builder);
}

void ms_builder_push_rows(ms_builder *builder, const ms_column *other, size_t from, size_t to) {
    if (from >= to) {
        return;
    }
    uint32_t first = from == 0 ? 0 : other->ends[from - 1];
    uint32_t base = (uint32_t)builder->size - first;
    ms_builder_append(builder, ms_text_of(other->bytes + first, other->ends[to - 1] - first));
    uint32_t *ends = more_ends(builder, to - from);
    for (size_t row = from; row < to; row++) {
        *ends++ = other->ends[row] + base;
    }
}

ms_column ms_builder_column(const ms_builder *builder) {
    ms_column column = {builder->bytes ? builder->bytes : "", builder->size, builder->ends, builder->rows};
    return column;
}

ms_text_edit ms_text_edit_new(const ms_column *original, size_t rows) {
    static const ms_column none;
    ms_text_edit edit = {0};
    edit.original = original ? original : &none;
    edit.rows = rows;
    edit.edited = ms_builder_new(rows, edit.original->size + edit.original->size / 8);
    return edit;
}

/* Takes the rows up to `row` from the original; rows it does not have are empty. */
static void fill(ms_text_edit *edit, size_t row) {
    size_t there = row < edit->original->rows ? row : edit->original->rows;
    ms_builder_push_rows(&edit->edited, edit->original, edit->edited.rows, there);
    while (edit->edited.rows < row) {
        ms_builder_end(&edit->edited);
    }
}

void ms_text_edit_set(ms_text_edit *edit, size_t row, ms_text value) {
    if (row >= edit->edited.rows) {
        fill(edit, row);
        ms_builder_push(&edit->edited, value);
        return;
    }
    if (!edit->late) {
        edit->late = ms_scratch_zero(edit->rows, sizeof *edit->late);
    }
    edit->late[row] = ms_text_scratch(value);
}

ms_column ms_text_edit_finish(ms_text_edit *edit) {
    fill(edit, edit->rows);
    ms_column edited = ms_builder_column(&edit->edited);
    if (!edit->late) {
        return edited;
    }
    ms_builder again = ms_builder_new(edit->rows, edited.size);
    for (size_t row = 0; row < edit->rows; row++) {
        ms_builder_push(&again, ms_some(edit->late[row]) ? edit->late[row] : ms_column_at(&edited, row));
    }
    return ms_builder_column(&again);
}
