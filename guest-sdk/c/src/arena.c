/* Memory of one call. What is taken is aligned for every type of the contract. */
#include "contract.h"

/* The first chunk: the arena of a stage that sees small batches stays small. */
#define FIRST_CHUNK ((size_t)16 * 1024)
#define ALIGNMENT ((size_t)8)

typedef struct ms_chunk {
    struct ms_chunk *before;
    size_t size;
} ms_chunk;

#define CHUNK_HEADER ((sizeof(ms_chunk) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT)

ms_arena ms_call_arena;

void *ms_must(void *block) {
    if (!block) {
        abort();
    }
    return block;
}

static void add_chunk(ms_arena *arena, size_t size) {
    ms_chunk *chunk = ms_must(malloc(CHUNK_HEADER + size));
    chunk->before = arena->chunks;
    chunk->size = size;
    arena->chunks = chunk;
    arena->used = 0;
}

void *ms_arena_take(ms_arena *arena, size_t size) {
    if (size > SIZE_MAX / 4) {
        abort();
    }
    size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (!arena->chunks || arena->chunks->size - arena->used < size) {
        size_t wanted = arena->chunks ? arena->chunks->size * 2 : FIRST_CHUNK;
        add_chunk(arena, wanted < size ? size : wanted);
    }
    char *block = (char *)arena->chunks + CHUNK_HEADER + arena->used;
    arena->used += size;
    return block;
}

void *ms_arena_grow(ms_arena *arena, void *block, size_t old_size, size_t size) {
    size_t old_taken = (old_size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    size_t taken = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (block && arena->chunks && (char *)block + old_taken == (char *)arena->chunks + CHUNK_HEADER + arena->used &&
        size >= old_size && taken - old_taken <= arena->chunks->size - arena->used) {
        arena->used += taken - old_taken;
        return block;
    }
    void *grown = ms_arena_take(arena, size);
    if (old_size > 0) {
        memcpy(grown, block, old_size < size ? old_size : size);
    }
    return grown;
}

void ms_arena_reset(ms_arena *arena) {
    arena->used = 0;
    if (!arena->chunks || !arena->chunks->before) {
        return;
    }
    size_t size = ms_arena_size(arena);
    ms_arena_free(arena);
    add_chunk(arena, size);
}

void ms_arena_free(ms_arena *arena) {
    while (arena->chunks) {
        ms_chunk *before = arena->chunks->before;
        free(arena->chunks);
        arena->chunks = before;
    }
    arena->used = 0;
}

size_t ms_arena_size(const ms_arena *arena) {
    size_t size = 0;
    for (const ms_chunk *chunk = arena->chunks; chunk; chunk = chunk->before) {
        size += chunk->size;
    }
    return size;
}

void *ms_scratch(size_t size) { return ms_arena_take(&ms_call_arena, size); }

void *ms_scratch_zero(size_t count, size_t size) {
    if (size != 0 && count > SIZE_MAX / 4 / size) {
        abort();
    }
    void *block = ms_scratch(count * size);
    memset(block, 0, count * size);
    return block;
}
