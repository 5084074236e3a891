/* Settings, with refusals that name the setting. */
#include <stdarg.h>

#include "contract.h"

bool ms_settings_used(ms_setup *setup);

bool ms_refuse(ms_setup *setup, const char *path, const char *format, ...) {
    if (ms_some(setup->refusal)) {
        return false;
    }
    va_list arguments;
    va_start(arguments, format);
    ms_text why = ms_format_list(format, arguments);
    va_end(arguments);
    setup->refusal = path ? ms_format("setting `%s`: %.*s", path, (int)why.size, why.data) : why;
    return false;
}

static const char *kind_name(ms_json_kind kind) {
    static const char *const names[] = {"null", "true or false", "a number", "a text", "a list", "an object"};
    return names[kind];
}

ms_json *ms_json_member(ms_json *object, const char *name) {
    for (ms_json *member = object->kind == MS_OBJECT ? object->first : NULL; member; member = member->next) {
        if (ms_text_equal(member->name, ms_str(name))) {
            member->asked = true;
            return member;
        }
    }
    /* Remembered, so that the refusal of an unknown setting can name those there are. */
    if (object->kind == MS_OBJECT) {
        ms_builder names = {0};
        ms_builder_append(&names, object->text);
        ms_builder_append(&names, ms_format("%s`%s`", object->text.size ? ", " : "", name));
        object->text = ms_text_of(names.bytes, names.size);
    }
    return NULL;
}

ms_json *ms_json_each(ms_json *within, ms_json *before) {
    ms_json *next = before ? before->next : within->first;
    if (next) {
        next->asked = true;
    }
    return next;
}

ms_json *ms_setting(ms_setup *setup, const char *name) { return ms_json_member(setup->settings, name); }

/* The setting of that kind; NULL where it is not given, or is of another kind, which refuses it. */
static ms_json *of_kind(ms_setup *setup, const char *name, ms_json_kind kind) {
    ms_json *value = ms_setting(setup, name);
    if (value && value->kind != kind) {
        ms_refuse(setup, name, "got %s, needs %s", kind_name(value->kind), kind_name(kind));
        return NULL;
    }
    return value;
}

bool ms_setting_bool(ms_setup *setup, const char *name, bool otherwise) {
    ms_json *value = of_kind(setup, name, MS_BOOL);
    return value ? value->truth : otherwise;
}

double ms_setting_number(ms_setup *setup, const char *name, double otherwise) {
    ms_json *value = of_kind(setup, name, MS_NUMBER);
    return value ? value->number : otherwise;
}

int64_t ms_setting_whole(ms_setup *setup, const char *name, int64_t otherwise, int64_t least, int64_t most) {
    ms_json *value = of_kind(setup, name, MS_NUMBER);
    if (!value) {
        return otherwise;
    }
    if (!value->truth || value->whole < least || value->whole > most) {
        ms_refuse(setup, name, "must be a whole number from %lld to %lld", (long long)least, (long long)most);
        return otherwise;
    }
    return value->whole;
}

ms_text ms_setting_text(ms_setup *setup, const char *name, ms_text otherwise) {
    ms_json *value = of_kind(setup, name, MS_STRING);
    return value ? value->text : otherwise;
}

/* Refuses the first member of an object, at any depth, that the stage never asked for. */
static bool all_used(ms_setup *setup, const ms_json *value, const char *path) {
    for (const ms_json *member = value->first; member; member = member->next) {
        bool named = value->kind == MS_OBJECT;
        ms_text inner = !named     ? ms_str(path)
                        : *path    ? ms_format("%s.%.*s%c", path, (int)member->name.size, member->name.data, 0)
                                   : ms_format("%.*s%c", (int)member->name.size, member->name.data, 0);
        if (named && !member->asked) {
            ms_builder known = {0};
            for (const ms_json *other = value->first; other; other = other->next) {
                if (other->asked) {
                    ms_builder_append(&known, ms_format("%s`%.*s`", known.size ? ", " : "", (int)other->name.size,
                                                        other->name.data));
                }
            }
            if (value->text.size) {
                ms_builder_append(&known, ms_str(known.size ? ", " : ""));
                ms_builder_append(&known, value->text);
            }
            return known.size ? ms_refuse(setup, NULL, "unknown setting `%s`: expected one of %.*s", inner.data,
                                          (int)known.size, known.bytes)
                              : ms_refuse(setup, NULL, "unknown setting `%s`: there are no settings", inner.data);
        }
        if (!all_used(setup, member, inner.data)) {
            return false;
        }
    }
    return true;
}

bool ms_settings_used(ms_setup *setup) { return all_used(setup, setup->settings, ""); }
