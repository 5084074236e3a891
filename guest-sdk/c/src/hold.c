/* Entries kept back, one block per stream.
 *
 * Streams are known by their labels, because the indices of a batch mean nothing in the next one. ms_hold_begin resolves
 * them once per batch, so a row costs an index and never a hash. All of this outlives the call: it comes from malloc. */
#include "contract.h"

/* A stream that has a block, or had one in the batch last begun. */
typedef struct stream {
    /* Names and values with their sizes; NULL for a free place. */
    ms_text key;
    ms_block *block;
} stream;

struct ms_hold {
    stream *streams;
    size_t count, room;
    /* Open addressing over `streams`: index + 1, 0 is free. Made anew by each begin. */
    uint32_t *table;
    size_t table_room;
    /* By stream of the batch last begun, its place in `streams`. */
    uint32_t *places;
    size_t place_room;
};

ms_hold *ms_hold_new(void) { return ms_must(calloc(1, sizeof(ms_hold))); }

void ms_block_free(ms_block *block) {
    if (block) {
        free(block->ids);
        free(block);
    }
}

void ms_hold_free(ms_hold *hold, void (*free_value)(void *value)) {
    if (!hold) {
        return;
    }
    for (size_t at = 0; at < hold->count; at++) {
        if (hold->streams[at].block && free_value) {
            free_value(hold->streams[at].block->value);
        }
        ms_block_free(hold->streams[at].block);
        free((char *)hold->streams[at].key.data);
    }
    free(hold->streams);
    free(hold->table);
    free(hold->places);
    free(hold);
}

static void append_sized(ms_builder *key, ms_text text) {
    uint64_t size = text.size;
    ms_builder_append(key, ms_text_of((const char *)&size, sizeof size));
    ms_builder_append(key, text);
}

static ms_text key_of(const ms_label_sets *sets, size_t set) {
    ms_builder key = {0};
    size_t start, end;
    ms_label_span(sets, set, &start, &end);
    for (size_t pair = start; pair < end; pair++) {
        append_sized(&key, ms_column_at(&sets->names, pair));
        append_sized(&key, ms_column_at(&sets->values, pair));
    }
    return ms_text_of(key.bytes ? key.bytes : "", key.size);
}

/* Where a key is in the table, or would be. */
static uint32_t *find_stream(const ms_hold *hold, ms_text key) {
    for (size_t at = (size_t)(ms_hash(0, key) >> 32);; at++) {
        uint32_t *slot = &hold->table[at & (hold->table_room - 1)];
        if (*slot == 0 || ms_text_equal(hold->streams[*slot - 1].key, key)) {
            return slot;
        }
    }
}

/* Forgets streams without a block, and makes a table with room for `more`. */
static void renew(ms_hold *hold, size_t more) {
    size_t kept = 0;
    for (size_t at = 0; at < hold->count; at++) {
        if (hold->streams[at].block) {
            hold->streams[kept++] = hold->streams[at];
        } else {
            free((char *)hold->streams[at].key.data);
        }
    }
    hold->count = kept;
    if (hold->room < kept + more) {
        hold->room = (kept + more) * 2;
        hold->streams = ms_must(realloc(hold->streams, hold->room * sizeof *hold->streams));
    }
    size_t room = 16;
    while (room < (kept + more) * 2) {
        room *= 2;
    }
    if (room > hold->table_room) {
        hold->table = ms_must(realloc(hold->table, room * sizeof *hold->table));
        hold->table_room = room;
    }
    memset(hold->table, 0, hold->table_room * sizeof *hold->table);
    for (size_t at = 0; at < kept; at++) {
        *find_stream(hold, hold->streams[at].key) = (uint32_t)at + 1;
    }
}

bool ms_hold_begin(ms_hold *hold, ms_batch *batch) {
    const ms_label_sets *sets = ms_labels(batch);
    if (!sets) {
        return false;
    }
    renew(hold, sets->count);
    if (hold->place_room < sets->count) {
        hold->place_room = sets->count;
        hold->places = ms_must(realloc(hold->places, sets->count * sizeof *hold->places));
    }
    for (size_t set = 0; set < sets->count; set++) {
        ms_text key = key_of(sets, set);
        uint32_t *slot = find_stream(hold, key);
        if (*slot == 0) {
            stream new_stream = {ms_text_copy(key), NULL};
            hold->streams[hold->count] = new_stream;
            *slot = (uint32_t)++hold->count;
        }
        hold->places[set] = *slot - 1;
    }
    return true;
}

ms_block *ms_hold_get(ms_hold *hold, uint32_t at) { return hold->streams[hold->places[at]].block; }

ms_block *ms_hold_put(ms_hold *hold, uint32_t at, int64_t deadline, void *value) {
    ms_block *block = ms_must(calloc(1, sizeof *block));
    block->deadline = deadline;
    block->value = value;
    hold->streams[hold->places[at]].block = block;
    return block;
}

ms_block *ms_hold_take(ms_hold *hold, uint32_t at) {
    ms_block *block = ms_hold_get(hold, at);
    hold->streams[hold->places[at]].block = NULL;
    return block;
}

void ms_block_add(ms_block *block, uint64_t id) {
    if (block->count == block->room) {
        block->room = block->room ? block->room * 2 : 4;
        block->ids = ms_must(realloc(block->ids, block->room * sizeof *block->ids));
    }
    block->ids[block->count++] = id;
}

static int by_first_id(const void *one, const void *other) {
    const ms_block *const *first = one, *const *second = other;
    uint64_t a = (*first)->count ? (*first)->ids[0] : 0, b = (*second)->count ? (*second)->ids[0] : 0;
    return (a > b) - (a < b);
}

static int by_id(const void *one, const void *other) {
    const uint64_t *a = one, *b = other;
    return (*a > *b) - (*a < *b);
}

static ms_block **take_blocks(ms_hold *hold, bool all, int64_t now, size_t *count) {
    ms_block **taken = ms_scratch(hold->count * sizeof *taken);
    *count = 0;
    for (size_t at = 0; at < hold->count; at++) {
        ms_block *block = hold->streams[at].block;
        if (block && (all || block->deadline <= now)) {
            taken[(*count)++] = block;
            hold->streams[at].block = NULL;
        }
    }
    qsort(taken, *count, sizeof *taken, by_first_id);
    return taken;
}

ms_block **ms_hold_take_due(ms_hold *hold, int64_t now, size_t *count) { return take_blocks(hold, false, now, count); }

ms_block **ms_hold_take_all(ms_hold *hold, size_t *count) { return take_blocks(hold, true, 0, count); }

void ms_hold_report(const ms_hold *hold, ms_output *out) {
    size_t count = 0, at_id = 0;
    int64_t due = MS_NEVER;
    for (size_t at = 0; at < hold->count; at++) {
        const ms_block *block = hold->streams[at].block;
        count += block ? block->count : 0;
        due = block && block->deadline < due ? block->deadline : due;
    }
    uint64_t *ids = ms_scratch(count * sizeof *ids);
    for (size_t at = 0; at < hold->count; at++) {
        const ms_block *block = hold->streams[at].block;
        if (block && block->count) {
            memcpy(ids + at_id, block->ids, block->count * sizeof *ids);
            at_id += block->count;
        }
    }
    qsort(ids, count, sizeof *ids, by_id);
    ms_out_held(out, ids, count);
    if (due != MS_NEVER) {
        ms_out_wake_at(out, due);
    }
}
