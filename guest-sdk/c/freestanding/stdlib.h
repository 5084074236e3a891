/* The part of <stdlib.h> that a stage has without a C library; src/libc.c defines it. */
#ifndef MILLSTREAM_STDLIB_H
#define MILLSTREAM_STDLIB_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#define MS_NORETURN [[noreturn]]
#else
#define MS_NORETURN _Noreturn
#endif

void *malloc(size_t size);
void *calloc(size_t count, size_t size);
void *realloc(void *block, size_t size);
void free(void *block);
/* Traps: the host replaces the instance. */
MS_NORETURN void abort(void);
void qsort(void *list, size_t count, size_t size, int (*compare)(const void *one, const void *other));

#ifdef __cplusplus
}
#endif

#endif
