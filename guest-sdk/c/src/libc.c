/* What the SDK and most stages need of a C library, for wasm32 without one (freestanding).
 *
 * malloc keeps a list of free blocks per size class, four classes to each doubling, and never gives memory back: the
 * memory of an instance is the sum of what each class once needed, so it stops growing when the stage does. Blocks are
 * not joined, because that would cost a search, and because a stage asks for few sizes. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if !defined(__wasm_bulk_memory__)
#error "compile with -mbulk-memory: without it memcpy would call itself"
#endif

#define PAGE ((size_t)65536)
#define BEFORE_BLOCK ((size_t)16)
#define SMALLEST ((size_t)32)
#define CLASSES 112

/* Before each block: its class; while it is free, the next one. */
typedef struct header {
    uint32_t class;
    struct header *next;
} header;

static header *free_blocks[CLASSES];
static uintptr_t fresh, fresh_end;

void abort(void) { __builtin_trap(); }

/* The smallest class whose blocks have `size` bytes; sizes are 4, 5, 6 and 7 quarters of a power of two. */
static uint32_t class_of(size_t size, size_t *class_size) {
    if (size <= SMALLEST) {
        *class_size = SMALLEST;
        return 0;
    }
    unsigned power = 31u - (unsigned)__builtin_clz((uint32_t)(size - 1));
    size_t quarter = (size_t)1 << (power - 2);
    size_t quarters = (size - ((size_t)1 << power) + quarter - 1) / quarter;
    *class_size = ((size_t)1 << power) + quarters * quarter;
    return (power - 5) * 4 + (uint32_t)quarters;
}

static void *take_fresh(size_t size) {
    if (fresh_end - fresh < size) {
        size_t pages = (size + PAGE - 1) / PAGE;
        size_t at = __builtin_wasm_memory_grow(0, pages);
        if (at == SIZE_MAX) {
            return NULL;
        }
        if (at * PAGE != fresh_end) {
            fresh = at * PAGE;
        }
        fresh_end = (at + pages) * PAGE;
    }
    void *block = (void *)fresh;
    fresh += size;
    return block;
}

void *malloc(size_t size) {
    size_t class_size;
    if (size > (size_t)1 << 30) {
        return NULL;
    }
    uint32_t class = class_of(size + BEFORE_BLOCK, &class_size);
    header *block = free_blocks[class];
    if (block) {
        free_blocks[class] = block->next;
    } else {
        block = take_fresh((class_size + 15) / 16 * 16);
        if (!block) {
            return NULL;
        }
    }
    block->class = class;
    return (char *)block + BEFORE_BLOCK;
}

void free(void *given) {
    if (given) {
        header *block = (header *)((char *)given - BEFORE_BLOCK);
        block->next = free_blocks[block->class];
        free_blocks[block->class] = block;
    }
}

void *calloc(size_t count, size_t size) {
    if (size != 0 && count > SIZE_MAX / size) {
        return NULL;
    }
    void *block = malloc(count * size);
    return block ? memset(block, 0, count * size) : NULL;
}

static size_t size_of(const void *given) {
    uint32_t class = ((const header *)((const char *)given - BEFORE_BLOCK))->class;
    size_t power = (size_t)1 << (class / 4 + 5);
    return power + class % 4 * (power / 4) - BEFORE_BLOCK;
}

void *realloc(void *given, size_t size) {
    if (given && size <= size_of(given)) {
        return given;
    }
    void *block = malloc(size);
    if (block && given) {
        memcpy(block, given, size_of(given));
        free(given);
    }
    return block;
}

/* Shell sort: no memory, no recursion, fast enough for lists that are nearly in order. */
void qsort(void *list, size_t count, size_t size, int (*compare)(const void *one, const void *other)) {
    char *at = list;
    for (size_t gap = count / 2; gap > 0; gap = gap == 2 ? 1 : gap * 5 / 11) {
        for (size_t next = gap; next < count; next++) {
            for (size_t low = next; low >= gap && compare(at + (low - gap) * size, at + low * size) > 0; low -= gap) {
                for (size_t byte = 0; byte < size; byte++) {
                    char swapped = at[low * size + byte];
                    at[low * size + byte] = at[(low - gap) * size + byte];
                    at[(low - gap) * size + byte] = swapped;
                }
            }
        }
    }
}

/* The compiler makes these memory.copy and memory.fill, one instruction each. */
void *memcpy(void *restrict to, const void *restrict from, size_t size) { return __builtin_memcpy(to, from, size); }

void *memmove(void *to, const void *from, size_t size) { return __builtin_memmove(to, from, size); }

void *memset(void *to, int byte, size_t size) { return __builtin_memset(to, byte, size); }

int memcmp(const void *one, const void *other, size_t size) {
    const uint8_t *a = one, *b = other;
    for (size_t at = 0; at < size; at++) {
        if (a[at] != b[at]) {
            return a[at] < b[at] ? -1 : 1;
        }
    }
    return 0;
}

void *memchr(const void *in, int byte, size_t size) {
    const uint8_t *at = in, *end = at + size;
    uint64_t pattern = (uint8_t)byte * UINT64_C(0x0101010101010101);
    for (; end - at >= 8; at += 8) {
        uint64_t word;
        __builtin_memcpy(&word, at, sizeof word);
        word ^= pattern;
        if ((word - UINT64_C(0x0101010101010101)) & ~word & UINT64_C(0x8080808080808080)) {
            break;
        }
    }
    for (; at < end; at++) {
        if (*at == (uint8_t)byte) {
            return (void *)at;
        }
    }
    return NULL;
}

/* The attribute keeps the compiler from making this loop a call of itself. */
__attribute__((no_builtin)) size_t strlen(const char *string) {
    size_t size = 0;
    while (string[size]) {
        size++;
    }
    return size;
}

int strcmp(const char *one, const char *other) { return strncmp(one, other, SIZE_MAX); }

int strncmp(const char *one, const char *other, size_t size) {
    for (size_t at = 0; at < size; at++) {
        if (one[at] != other[at] || !one[at]) {
            return (int)(uint8_t)one[at] - (int)(uint8_t)other[at];
        }
    }
    return 0;
}

char *strchr(const char *string, int letter) {
    for (;; string++) {
        if (*string == (char)letter) {
            return (char *)string;
        }
        if (!*string) {
            return NULL;
        }
    }
}

size_t strcspn(const char *string, const char *any) {
    size_t size = 0;
    while (string[size] && !strchr(any, string[size])) {
        size++;
    }
    return size;
}
