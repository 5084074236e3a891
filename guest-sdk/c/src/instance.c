/* A configured stage behind the contract's types: what the sandbox exports and what the harness drives. Both run this
 * code and no other. */
#include <stdarg.h>

#include "contract.h"

void ms_reads_lines(ms_setup *setup) { setup->interest.lines = true; }

void ms_reads_timestamps(ms_setup *setup) { setup->interest.timestamps = true; }

void ms_reads_labels(ms_setup *setup) { setup->interest.labels = true; }

void ms_holds(ms_setup *setup) { setup->interest.holds = true; }

static void add_name(ms_text **names, size_t *count, ms_text name) {
    for (size_t at = 0; at < *count; at++) {
        if (ms_text_equal((*names)[at], name)) {
            return;
        }
    }
    size_t size = *count * sizeof name;
    *names = ms_arena_grow(&ms_call_arena, *names, size, size + sizeof name);
    (*names)[(*count)++] = ms_text_scratch(name);
}

void ms_reads_field(ms_setup *setup, ms_text name) { add_name(&setup->interest.fields, &setup->interest.field_count, name); }

void ms_reads_metadata(ms_setup *setup, ms_text name) {
    add_name(&setup->interest.metadata, &setup->interest.metadata_count, name);
}

void ms_reads_every_field(ms_setup *setup) { ms_reads_field(setup, ms_str("*")); }

void ms_reads_every_metadata(ms_setup *setup) { ms_reads_metadata(setup, ms_str("*")); }

static bool register_metric(ms_setup *setup, ms_metric *metric, ms_metric_kind kind, const char *name, const char *help,
                            const char *const *labels, size_t label_count, const double *buckets, size_t bucket_count) {
    ms_text *names = ms_scratch(label_count * sizeof *names);
    for (size_t at = 0; at < label_count; at++) {
        names[at] = ms_str(labels[at]);
    }
    ms_text problem = {NULL, 0};
    if (ms_host_register(kind, ms_str(name), ms_str(help), names, label_count, buckets, bucket_count, &metric->handle,
                         &problem)) {
        return true;
    }
    return ms_refuse(setup, NULL, "register the metric `%s`: %.*s", name, (int)problem.size, problem.data);
}

bool ms_counter(ms_setup *setup, ms_metric *metric, const char *name, const char *help, const char *const *labels,
                size_t label_count) {
    return register_metric(setup, metric, MS_COUNTER, name, help, labels, label_count, NULL, 0);
}

bool ms_gauge(ms_setup *setup, ms_metric *metric, const char *name, const char *help, const char *const *labels,
              size_t label_count) {
    return register_metric(setup, metric, MS_GAUGE, name, help, labels, label_count, NULL, 0);
}

bool ms_histogram(ms_setup *setup, ms_metric *metric, const char *name, const char *help, const char *const *labels,
                  size_t label_count, const double *buckets, size_t bucket_count) {
    return register_metric(setup, metric, MS_HISTOGRAM, name, help, labels, label_count, buckets, bucket_count);
}

void ms_add(ms_metric metric, double value, const ms_text *label_values, size_t label_count) {
    ms_host_add(metric.handle, label_values, label_count, value);
}

void ms_set(ms_metric metric, double value, const ms_text *label_values, size_t label_count) {
    ms_host_set(metric.handle, label_values, label_count, value);
}

void ms_log(ms_level level, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    ms_host_log(level, ms_format_list(format, arguments));
    va_end(arguments);
}

bool ms_settings_used(ms_setup *setup);

bool ms_instance_configure(ms_instance *instance, const ms_stage *stage, ms_text settings, ms_text *refusal) {
    ms_setup setup = {0};
    ms_text problem = {NULL, 0};
    while (settings.size > 0 && strchr(" \t\r\n", settings.data[0])) {
        settings = ms_text_of(settings.data + 1, settings.size - 1);
    }
    if (settings.size == 0 || ms_text_equal(settings, ms_str("null"))) {
        settings = ms_str("{}");
    }
    instance->stage = stage;
    instance->state = NULL;
    setup.settings = ms_json_parse(settings, &problem);
    if (!setup.settings) {
        ms_refuse(&setup, NULL, "the settings are no JSON: %.*s", (int)problem.size, problem.data);
    } else if (setup.settings->kind != MS_OBJECT) {
        ms_refuse(&setup, NULL, "the settings are no object");
    } else if (stage->configure(&setup, &instance->state)) {
        if (!ms_some(setup.refusal) && ms_settings_used(&setup)) {
            instance->interest = setup.interest;
            return true;
        }
    } else {
        ms_refuse(&setup, NULL, "the stage refuses its settings without saying why");
    }
    ms_instance_destroy(instance);
    *refusal = setup.refusal;
    return false;
}

static bool failed(ms_output *out) {
    return ms_fail(out, "the stage failed without saying why: it answered false without ms_fail");
}

bool ms_instance_process(ms_instance *instance, const ms_log_batch *batch, int64_t now, ms_output *out) {
    ms_batch seen = {0};
    seen.interest = &instance->interest;
    seen.in = batch;
    bool done = instance->stage->process(instance->state, &seen, now) || failed(&seen.out);
    done = done && !ms_some(seen.out.failure) && ms_draft_finish(&seen);
    *out = seen.out;
    return done;
}

static bool call(bool (*function)(void *, ms_output *, int64_t), void *state, ms_output *out, int64_t now) {
    memset(out, 0, sizeof *out);
    return !function || ((function(state, out, now) || failed(out)) && !ms_some(out->failure));
}

bool ms_instance_tick(ms_instance *instance, int64_t now, ms_output *out) {
    return call(instance->stage->tick, instance->state, out, now);
}

bool ms_instance_flush(ms_instance *instance, int64_t now, ms_output *out) {
    return call(instance->stage->flush, instance->state, out, now);
}

void ms_instance_destroy(ms_instance *instance) {
    if (instance->stage->destroy && instance->state) {
        instance->stage->destroy(instance->state);
    }
    instance->state = NULL;
}
