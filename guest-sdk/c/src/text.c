/* Texts, and as much of printf as messages need: there is no C library in the sandbox. */
#include <stdarg.h>

#include "contract.h"

int ms_text_compare(ms_text one, ms_text other) {
    size_t shorter = one.size < other.size ? one.size : other.size;
    int order = shorter == 0 ? 0 : memcmp(one.data, other.data, shorter);
    return order != 0 ? order : (one.size > other.size) - (one.size < other.size);
}

size_t ms_text_find(ms_text text, ms_text part) {
    if (part.size == 0) {
        return 0;
    }
    for (size_t at = 0; at + part.size <= text.size; at++) {
        const char *next = memchr(text.data + at, part.data[0], text.size - part.size + 1 - at);
        if (!next) {
            break;
        }
        at = (size_t)(next - text.data);
        if (memcmp(next, part.data, part.size) == 0) {
            return at;
        }
    }
    return SIZE_MAX;
}

static ms_text copy_into(char *data, ms_text text) {
    if (text.size > 0) {
        memcpy(data, text.data, text.size);
    }
    data[text.size] = 0;
    return ms_text_of(data, text.size);
}

ms_text ms_text_copy(ms_text text) { return copy_into(ms_must(malloc(text.size + 1)), text); }

ms_text ms_text_scratch(ms_text text) { return copy_into(ms_scratch(text.size + 1), text); }

uint64_t ms_hash(uint64_t hash, ms_text text) {
    hash ^= text.size;
    for (size_t at = 0; at < text.size; at++) {
        hash = (hash ^ (uint8_t)text.data[at]) * 0x100000001b3;
    }
    return hash * 0x9e3779b97f4a7c15;
}

static void append_whole(ms_builder *out, unsigned long long value, bool negative) {
    char digits[21];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    if (negative) {
        digits[--at] = '-';
    }
    ms_builder_append(out, ms_text_of(digits + at, sizeof digits - at));
}

static void append_signed(ms_builder *out, long long value) {
    append_whole(out, value < 0 ? 0 - (unsigned long long)value : (unsigned long long)value, value < 0);
}

ms_text ms_format_list(const char *format, va_list given) {
    ms_builder out = {0};
    va_list arguments;
    va_copy(arguments, given);
    while (*format) {
        size_t plain = strcspn(format, "%");
        ms_builder_append(&out, ms_text_of(format, plain));
        format += plain;
        if (!*format) {
            break;
        }
        if (strncmp(format, "%.*s", 4) == 0) {
            int size = va_arg(arguments, int);
            const char *data = va_arg(arguments, const char *);
            ms_builder_append(&out, ms_text_of(data, (size_t)size));
            format += 4;
        } else if (strncmp(format, "%lld", 4) == 0) {
            append_signed(&out, va_arg(arguments, long long));
            format += 4;
        } else if (strncmp(format, "%llu", 4) == 0) {
            append_whole(&out, va_arg(arguments, unsigned long long), false);
            format += 4;
        } else if (strncmp(format, "%zu", 3) == 0) {
            append_whole(&out, va_arg(arguments, size_t), false);
            format += 3;
        } else {
            char letter;
            switch (format[1]) {
            case 's':
                ms_builder_append(&out, ms_str(va_arg(arguments, const char *)));
                break;
            case 'd':
                append_signed(&out, va_arg(arguments, int));
                break;
            case 'u':
                append_whole(&out, va_arg(arguments, unsigned), false);
                break;
            case 'c':
                letter = (char)va_arg(arguments, int);
                ms_builder_append(&out, ms_text_of(&letter, 1));
                break;
            default:
                ms_builder_append(&out, ms_text_of(format + (format[1] == '%'), 1));
            }
            format += format[1] ? 2 : 1;
        }
    }
    va_end(arguments);
    return ms_text_of(out.bytes ? out.bytes : "", out.size);
}

ms_text ms_format(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    ms_text text = ms_format_list(format, arguments);
    va_end(arguments);
    return text;
}
