/* The part of <string.h> that a stage has without a C library; src/libc.c defines it. */
#ifndef MILLSTREAM_STRING_H
#define MILLSTREAM_STRING_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

void *memcpy(void *to, const void *from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int byte, size_t size);
int memcmp(const void *one, const void *other, size_t size);
void *memchr(const void *in, int byte, size_t size);
size_t strlen(const char *string);
int strcmp(const char *one, const char *other);
int strncmp(const char *one, const char *other, size_t size);
char *strchr(const char *string, int letter);
size_t strcspn(const char *string, const char *any);

#ifdef __cplusplus
}
#endif

#endif
