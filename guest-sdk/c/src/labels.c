/* Label sets: a batch has a handful, and rows point at them. */
#include "contract.h"

/* A step taken: from a set, by changing one label, to another set. */
typedef struct ms_step {
    bool taken;
    uint32_t from, to;
    ms_text name, value;
} ms_step;

void ms_label_span(const ms_label_sets *sets, size_t set, size_t *start, size_t *end) {
    *start = set == 0 ? 0 : sets->ends[set - 1];
    *end = sets->ends[set];
}

ms_text ms_labels_get(const ms_label_sets *sets, size_t set, ms_text name) {
    size_t low, high;
    ms_label_span(sets, set, &low, &high);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = ms_text_compare(ms_column_at(&sets->names, middle), name);
        if (order == 0) {
            ms_text value = ms_column_at(&sets->values, middle);
            return value.data ? value : ms_str("");
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return ms_text_of(NULL, 0);
}

static ms_label_sets sets_of(const ms_label_edit *edit) {
    ms_label_sets sets = {edit->ends, edit->count, ms_builder_column(&edit->names), ms_builder_column(&edit->values)};
    return sets;
}

static uint32_t end_set(ms_label_edit *edit) {
    if (edit->count == edit->room) {
        size_t room = edit->room < 8 ? 8 : edit->room * 2;
        edit->ends =
            ms_arena_grow(&ms_call_arena, edit->ends, edit->room * sizeof *edit->ends, room * sizeof *edit->ends);
        edit->room = room;
    }
    edit->ends[edit->count] = (uint32_t)edit->names.rows;
    return (uint32_t)edit->count++;
}

static uint32_t push_set(ms_label_edit *edit, const ms_label_sets *sets, size_t set) {
    size_t start, end;
    ms_label_span(sets, set, &start, &end);
    ms_builder_push_rows(&edit->names, &sets->names, start, end);
    ms_builder_push_rows(&edit->values, &sets->values, start, end);
    return end_set(edit);
}

static void push_pair(ms_label_edit *edit, ms_text name, ms_text value) {
    ms_builder_push(&edit->names, name);
    ms_builder_push(&edit->values, value);
}

/* A new set: `from` with one label more, changed, or less. The columns may move while they grow, so that each pair is read
 * anew and copied before it is appended. */
static uint32_t push_changed(ms_label_edit *edit, uint32_t from, ms_text name, ms_text value) {
    size_t start, end;
    ms_label_sets before = sets_of(edit);
    ms_label_span(&before, from, &start, &end);
    bool pending = ms_some(value);
    for (size_t pair = start; pair < end; pair++) {
        ms_label_sets sets = sets_of(edit);
        ms_text old_name = ms_text_scratch(ms_column_at(&sets.names, pair));
        ms_text old_value = ms_text_scratch(ms_column_at(&sets.values, pair));
        int order = ms_text_compare(old_name, name);
        if (pending && order >= 0) {
            push_pair(edit, name, value);
            pending = false;
        }
        if (order != 0) {
            push_pair(edit, old_name, old_value);
        }
    }
    if (pending) {
        push_pair(edit, name, value);
    }
    return end_set(edit);
}

ms_label_edit *ms_label_edit_new(const uint32_t *streams, size_t rows, const ms_label_sets *sets) {
    ms_label_edit *edit = ms_scratch_zero(1, sizeof *edit);
    edit->rows = rows;
    edit->streams = ms_scratch(rows * sizeof *edit->streams);
    memcpy(edit->streams, streams, rows * sizeof *streams);
    for (size_t set = 0; set < sets->count; set++) {
        push_set(edit, sets, set);
    }
    return edit;
}

static bool same(ms_text one, ms_text other) {
    return ms_some(one) == ms_some(other) && ms_text_equal(one, other);
}

/* The place of a step in the table, taken or free. */
static ms_step *find_step(const ms_label_edit *edit, uint32_t from, ms_text name, ms_text value) {
    uint64_t hash = ms_hash(ms_hash(from + (uint64_t)ms_some(value) * 2654435761u, name), value);
    for (size_t at = (size_t)(hash >> 32);; at++) {
        ms_step *step = &edit->steps[at & (edit->step_room - 1)];
        if (!step->taken || (step->from == from && ms_text_equal(step->name, name) && same(step->value, value))) {
            return step;
        }
    }
}

static void more_steps(ms_label_edit *edit) {
    size_t old_room = edit->step_room;
    ms_step *old = edit->steps;
    edit->step_room = old_room ? old_room * 4 : 64;
    edit->steps = ms_scratch_zero(edit->step_room, sizeof *edit->steps);
    for (size_t at = 0; at < old_room; at++) {
        if (old[at].taken) {
            *find_step(edit, old[at].from, old[at].name, old[at].value) = old[at];
        }
    }
}

void ms_label_edit_set(ms_label_edit *edit, size_t row, ms_text name, ms_text value) {
    if (edit->step_count * 2 >= edit->step_room) {
        more_steps(edit);
    }
    uint32_t from = edit->streams[row];
    ms_step *step = find_step(edit, from, name, value);
    if (!step->taken) {
        ms_label_sets sets = sets_of(edit);
        step->taken = true;
        step->from = from;
        step->name = ms_text_scratch(name);
        step->value = ms_some(value) ? ms_text_scratch(value) : value;
        step->to = same(ms_labels_get(&sets, from, name), value) ? from : push_changed(edit, from, name, value);
        edit->step_count++;
    }
    edit->streams[row] = step->to;
}

ms_label_sets ms_label_edit_finish(ms_label_edit *edit, const bool *dropped) {
    ms_label_sets sets = sets_of(edit);
    uint32_t *places = ms_scratch_zero(sets.count, sizeof *places);
    ms_label_edit *used = ms_scratch_zero(1, sizeof *used);
    for (size_t row = 0; row < edit->rows; row++) {
        if (dropped && dropped[row]) {
            continue;
        }
        uint32_t *place = &places[edit->streams[row]];
        if (*place == 0) {
            *place = push_set(used, &sets, edit->streams[row]) + 1;
        }
        edit->streams[row] = *place - 1;
    }
    return sets_of(used);
}
