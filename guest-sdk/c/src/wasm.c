/* The module's exports and imports, by their names in the canonical ABI. */
#include "contract.h"

/* The records are the ABI's; guest-sdk/wit/README.md has every offset. */
_Static_assert(sizeof(ms_text) == 8 && sizeof(ms_column) == 16 && sizeof(ms_field) == 32, "texts and fields");
_Static_assert(sizeof(ms_log_batch) == 104 && offsetof(ms_log_batch, lines) == 20, "log-batch");
_Static_assert(offsetof(ms_log_batch, labels) == 44 && offsetof(ms_log_batch, metadata) == 92, "log-batch");
_Static_assert(sizeof(ms_interest) == 24 && offsetof(ms_interest, holds) == 20, "interest");
_Static_assert(sizeof(ms_drop_count) == 12, "drop-count");
_Static_assert(sizeof(ms_log_edit) == 152 && offsetof(ms_log_edit, lines) == 12, "log-edit");
_Static_assert(offsetof(ms_log_edit, labels) == 56 && offsetof(ms_log_edit, fields) == 100, "log-edit");
_Static_assert(offsetof(ms_log_edit, held) == 124 && offsetof(ms_log_edit, wake_at) == 136, "log-edit");

#define EXPORT(symbol) __attribute__((export_name(symbol)))
#define IMPORT(symbol) __attribute__((import_module("millstream:stage/host@1.0.0"), import_name(symbol)))

typedef struct ms_arguments {
    ms_log_batch batch;
    int64_t now;
} ms_arguments;

typedef struct ms_answer {
    bool failed;
    union {
        ms_log_edit edit;
        ms_text message;
    } is;
} ms_answer;

typedef struct ms_configured {
    bool refused;
    union {
        ms_interest interest;
        ms_text message;
    } is;
} ms_configured;

_Static_assert(offsetof(ms_arguments, now) == 104 && offsetof(ms_answer, is) == 8, "arguments and answers");
_Static_assert(sizeof(ms_answer) == 160 && offsetof(ms_configured, is) == 4, "arguments and answers");

extern const ms_stage *const ms_exported_stage;

IMPORT("log") void ms_import_log(uint32_t level, const char *message, size_t size);
IMPORT("register")
void ms_import_register(uint32_t kind, const char *name, size_t name_size, const char *help, size_t help_size,
                        const ms_text *labels, size_t label_count, const double *buckets, size_t bucket_count,
                        void *answer);
IMPORT("add") void ms_import_add(uint32_t metric, const ms_text *values, size_t count, double value);
IMPORT("set") void ms_import_set(uint32_t metric, const ms_text *values, size_t count, double value);

static ms_instance instance;
static bool configured;

/* What configure made stays; what a call made goes when the host has read the answer. */
static ms_arena configuration;

EXPORT("cabi_realloc") void *ms_export_realloc(void *old, size_t old_size, size_t align, size_t size) {
    if (size == 0) {
        return (void *)align;
    }
    return ms_arena_grow(&ms_call_arena, old, old_size, size);
}

EXPORT("configure") const ms_configured *ms_export_configure(const char *settings, size_t size) {
    ms_configured *answer = ms_scratch_zero(1, sizeof *answer);
    ms_text refusal = {NULL, 0};
    configured = ms_instance_configure(&instance, ms_exported_stage, ms_text_of(settings, size), &refusal);
    answer->refused = !configured;
    if (configured) {
        answer->is.interest = instance.interest;
    } else {
        answer->is.message = refusal;
    }
    return answer;
}

EXPORT("cabi_post_configure") void ms_export_post_configure(const ms_configured *answer) {
    (void)answer;
    if (configured && !configuration.chunks) {
        configuration = ms_call_arena;
        memset(&ms_call_arena, 0, sizeof ms_call_arena);
    }
    ms_arena_reset(&ms_call_arena);
}

static const ms_answer *answered(bool done, const ms_output *out) {
    ms_answer *answer = ms_scratch_zero(1, sizeof *answer);
    answer->failed = !done;
    if (done) {
        answer->is.edit = out->edit;
    } else {
        answer->is.message = out->failure;
    }
    return answer;
}

static const ms_answer *unconfigured(void) {
    ms_output out = {0};
    return answered(ms_fail(&out, "the stage was called before it was configured"), &out);
}

EXPORT("process") const ms_answer *ms_export_process(const ms_arguments *arguments) {
    if (!configured) {
        return unconfigured();
    }
    ms_output out = {0};
    return answered(ms_instance_process(&instance, &arguments->batch, arguments->now, &out), &out);
}

EXPORT("tick") const ms_answer *ms_export_tick(int64_t now) {
    if (!configured) {
        return unconfigured();
    }
    ms_output out = {0};
    return answered(ms_instance_tick(&instance, now, &out), &out);
}

EXPORT("flush") const ms_answer *ms_export_flush(int64_t now) {
    if (!configured) {
        return unconfigured();
    }
    ms_output out = {0};
    return answered(ms_instance_flush(&instance, now, &out), &out);
}

EXPORT("cabi_post_process") void ms_export_post_process(const ms_answer *answer) {
    (void)answer;
    ms_arena_reset(&ms_call_arena);
}

EXPORT("cabi_post_tick") void ms_export_post_tick(const ms_answer *answer) {
    (void)answer;
    ms_arena_reset(&ms_call_arena);
}

EXPORT("cabi_post_flush") void ms_export_post_flush(const ms_answer *answer) {
    (void)answer;
    ms_arena_reset(&ms_call_arena);
}

void ms_host_log(ms_level level, ms_text message) { ms_import_log((uint32_t)level, message.data, message.size); }

bool ms_host_register(ms_metric_kind kind, ms_text name, ms_text help, const ms_text *labels, size_t label_count,
                      const double *buckets, size_t bucket_count, uint32_t *handle, ms_text *problem) {
    struct {
        bool refused;
        union {
            uint32_t handle;
            ms_text problem;
        } is;
    } answer;
    ms_import_register((uint32_t)kind, name.data, name.size, help.data, help.size, labels, label_count, buckets,
                       bucket_count, &answer);
    if (answer.refused) {
        *problem = answer.is.problem;
    } else {
        *handle = answer.is.handle;
    }
    return !answer.refused;
}

void ms_host_add(uint32_t metric, const ms_text *values, size_t count, double value) {
    ms_import_add(metric, values, count, value);
}

void ms_host_set(uint32_t metric, const ms_text *values, size_t count, double value) {
    ms_import_set(metric, values, count, value);
}
