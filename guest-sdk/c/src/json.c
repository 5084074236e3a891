/* A reader of JSON, for settings and for the harness's cases. Strict: RFC 8259, a name once per object. */
#include "contract.h"

/* Deeper than any settings; a bound, because the reader recurses. */
#define MOST_DEPTH 64

typedef struct reader {
    const char *at, *end;
    const char *problem;
} reader;

static ms_json *read_value(reader *in, int depth);

static void *wrong(reader *in, const char *problem) {
    if (!in->problem) {
        in->problem = problem;
    }
    return NULL;
}

static void skip(reader *in) {
    while (in->at < in->end && (*in->at == ' ' || *in->at == '\t' || *in->at == '\n' || *in->at == '\r')) {
        in->at++;
    }
}

static bool take(reader *in, char letter) {
    skip(in);
    if (in->at < in->end && *in->at == letter) {
        in->at++;
        return true;
    }
    return false;
}

static bool take_word(reader *in, const char *word) {
    size_t size = strlen(word);
    if ((size_t)(in->end - in->at) >= size && memcmp(in->at, word, size) == 0) {
        in->at += size;
        return true;
    }
    return false;
}

/* Four hexadecimal digits; UINT32_MAX where there are none. */
static uint32_t read_unit(reader *in) {
    uint32_t unit = 0;
    for (int digit = 0; digit < 4; digit++) {
        char letter = in->at < in->end ? *in->at++ : 0;
        char lower = (char)(letter | 0x20);
        if (letter >= '0' && letter <= '9') {
            unit = unit * 16 + (uint32_t)(letter - '0');
        } else if (lower >= 'a' && lower <= 'f') {
            unit = unit * 16 + (uint32_t)(lower - 'a') + 10;
        } else {
            return UINT32_MAX;
        }
    }
    return unit;
}

static void append_character(ms_builder *out, uint32_t character) {
    char bytes[4];
    size_t size = character < 0x80 ? 1 : character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
    static const uint8_t first[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t at = size; at-- > 1;) {
        bytes[at] = (char)(0x80 | (character & 0x3f));
        character >>= 6;
    }
    bytes[0] = (char)(first[size] | character);
    ms_builder_append(out, ms_text_of(bytes, size));
}

static bool read_escape(reader *in, ms_builder *out) {
    char letter = in->at < in->end ? *in->at++ : 0;
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char *plain = letter ? strchr(from, letter) : NULL;
    if (plain) {
        ms_builder_append(out, ms_text_of(&to[plain - from], 1));
        return true;
    }
    uint32_t unit = letter == 'u' ? read_unit(in) : UINT32_MAX;
    if (unit >= 0xd800 && unit < 0xdc00 && take_word(in, "\\u")) {
        uint32_t low = read_unit(in);
        unit = low >= 0xdc00 && low < 0xe000 ? 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00) : UINT32_MAX;
    }
    if (unit == UINT32_MAX || (unit >= 0xd800 && unit < 0xe000)) {
        wrong(in, "a text has a bad escape");
        return false;
    }
    append_character(out, unit);
    return true;
}

/* The text behind an opening quote, with a NUL behind it for those who pass it on. */
static ms_text read_text(reader *in) {
    ms_builder out = {0};
    while (in->at < in->end && *in->at != '"') {
        const char *start = in->at;
        while (in->at < in->end && *in->at != '"' && *in->at != '\\' && (uint8_t)*in->at >= 0x20) {
            in->at++;
        }
        ms_builder_append(&out, ms_text_of(start, (size_t)(in->at - start)));
        if (in->at < in->end && *in->at == '\\') {
            in->at++;
            if (!read_escape(in, &out)) {
                break;
            }
        } else if (in->at < in->end && *in->at != '"') {
            wrong(in, "a text has a bare control character");
            break;
        }
    }
    if (in->at == in->end) {
        wrong(in, "a text does not end");
    } else {
        in->at++;
    }
    return ms_text_scratch(ms_text_of(out.bytes ? out.bytes : "", out.size));
}

static double power_of_ten(int exponent) {
    double power = 1, base = exponent < 0 ? 0.1 : 10;
    unsigned left = exponent < 0 ? 0u - (unsigned)exponent : (unsigned)exponent;
    for (; left; left >>= 1, base *= base) {
        power = left & 1 ? power * base : power;
    }
    return power;
}

/* Digits up to 10^18 are exact, beyond and with large exponents the last bits may differ from strtod's. */
static double scaled(uint64_t digits, int exponent) {
    if (exponent < 0 && exponent >= -22) {
        return (double)digits / power_of_ten(-exponent);
    }
    return (double)digits * power_of_ten(exponent > 400 ? 400 : exponent < -400 ? -400 : exponent);
}

static bool is_digit(const reader *in) { return in->at < in->end && *in->at >= '0' && *in->at <= '9'; }

static ms_json *read_number(reader *in, ms_json *value) {
    bool negative = take_word(in, "-"), whole = true;
    uint64_t digits = 0;
    int exponent = 0, given = 0;
    if (!is_digit(in) || (*in->at == '0' && in->at + 1 < in->end && in->at[1] >= '0' && in->at[1] <= '9')) {
        return wrong(in, "a number has no digits, or begins with 0");
    }
    bool fits = true;
    for (int point = 0; is_digit(in) || (!point && in->at < in->end && *in->at == '.'); in->at++) {
        if (*in->at == '.') {
            point = 1;
            whole = false;
            in->at++;
            if (!is_digit(in)) {
                return wrong(in, "a number ends with its point");
            }
        }
        if (digits < UINT64_C(1000000000000000000)) {
            digits = digits * 10 + (uint64_t)(*in->at - '0');
            exponent -= whole ? 0 : 1;
        } else {
            fits = false;
            exponent += whole ? 1 : 0;
        }
    }
    if (in->at < in->end && (*in->at == 'e' || *in->at == 'E')) {
        whole = false;
        in->at++;
        bool down = in->at < in->end && *in->at == '-';
        in->at += down || (in->at < in->end && *in->at == '+');
        if (!is_digit(in)) {
            return wrong(in, "a number ends with its exponent");
        }
        for (; is_digit(in); in->at++) {
            given = given < 10000 ? given * 10 + (*in->at - '0') : given;
        }
        exponent += down ? -given : given;
    }
    value->kind = MS_NUMBER;
    value->number = (negative ? -1 : 1) * scaled(digits, exponent);
    value->truth = whole && fits && digits <= INT64_MAX;
    value->whole = value->truth ? (negative ? -(int64_t)digits : (int64_t)digits) : 0;
    return value;
}

static bool is_given(const ms_json *object, const ms_json *member) {
    for (const ms_json *other = object->first; other; other = other->next) {
        if (ms_text_equal(other->name, member->name)) {
            return true;
        }
    }
    return false;
}

static ms_json *read_members(reader *in, ms_json *within, char end, int depth) {
    if (depth == MOST_DEPTH) {
        return wrong(in, "it is nested too deeply");
    }
    ms_json **next = &within->first;
    if (take(in, end)) {
        return within;
    }
    do {
        ms_json name = {0};
        if (within->kind == MS_OBJECT) {
            if (!take(in, '"')) {
                return wrong(in, "a name is expected");
            }
            name.name = read_text(in);
            if (!take(in, ':')) {
                return wrong(in, "a colon is expected");
            }
            if (is_given(within, &name)) {
                return wrong(in, ms_format("`%s` is given twice%c", name.name.data, 0).data);
            }
        }
        ms_json *member = read_value(in, depth + 1);
        if (!member) {
            return NULL;
        }
        member->name = name.name;
        *next = member;
        next = &member->next;
    } while (take(in, ','));
    return take(in, end) ? within : wrong(in, "a comma or the end of a list or object is expected");
}

static ms_json *read_value(reader *in, int depth) {
    ms_json *value = ms_scratch_zero(1, sizeof *value);
    skip(in);
    if (take(in, '{')) {
        value->kind = MS_OBJECT;
        return read_members(in, value, '}', depth);
    }
    if (take(in, '[')) {
        value->kind = MS_LIST;
        return read_members(in, value, ']', depth);
    }
    if (take(in, '"')) {
        value->kind = MS_STRING;
        value->text = read_text(in);
        return in->problem ? NULL : value;
    }
    if (take_word(in, "null")) {
        return value;
    }
    value->truth = take_word(in, "true");
    if (value->truth || take_word(in, "false")) {
        value->kind = MS_BOOL;
        return value;
    }
    if (is_digit(in) || (in->at < in->end && *in->at == '-')) {
        return read_number(in, value);
    }
    return wrong(in, "a value is expected");
}

ms_json *ms_json_parse(ms_text text, ms_text *problem) {
    reader in = {text.data, text.data + text.size, NULL};
    ms_json *value = read_value(&in, 0);
    skip(&in);
    if (value && in.at != in.end) {
        value = wrong(&in, "something follows the value");
    }
    if (!value || in.problem) {
        *problem = ms_str(in.problem);
        return NULL;
    }
    return value;
}
