/* The host of the harness under way: it keeps what a stage logs and counts. */
#include "harness.h"

static ms_harness *current;

ms_harness *swap_host(ms_harness *harness);

ms_harness *swap_host(ms_harness *harness) {
    ms_harness *before = current;
    current = harness;
    return before;
}

void ms_host_log(ms_level level, ms_text message) {
    (void)level;
    if (current) {
        current->messages = grown(current, current->messages, current->message_count, sizeof *current->messages);
        current->messages[current->message_count++] = keep_text(current, message).data;
    }
}

static bool same_labels(const metric *known, const ms_text *labels, size_t count) {
    if (known->label_count != count) {
        return false;
    }
    for (size_t at = 0; at < count; at++) {
        if (!ms_text_equal(known->labels[at], labels[at])) {
            return false;
        }
    }
    return true;
}

static ms_text *keep_texts_of(const ms_text *texts, size_t count) {
    ms_text *kept = ms_arena_take(&current->memory, count * sizeof *kept);
    for (size_t at = 0; at < count; at++) {
        kept[at] = keep_text(current, texts[at]);
    }
    return kept;
}

/* Answers the same handle for the same metric, because a stage that replay makes anew goes on counting. */
bool ms_host_register(ms_metric_kind kind, ms_text name, ms_text help, const ms_text *labels, size_t label_count,
                      const double *buckets, size_t bucket_count, uint32_t *handle, ms_text *problem) {
    (void)help, (void)buckets, (void)bucket_count;
    if (!current->configuring) {
        fail_test("the metric `%.*s` is registered outside configure", (int)name.size, name.data);
    }
    for (size_t at = 0; at < current->metric_count; at++) {
        if (ms_text_equal(ms_str(current->metrics[at].name), name)) {
            *handle = (uint32_t)at;
            *problem = ms_str("it is registered twice, and differently");
            return current->metrics[at].kind == kind && same_labels(&current->metrics[at], labels, label_count);
        }
    }
    current->metrics = grown(current, current->metrics, current->metric_count, sizeof *current->metrics);
    metric added = {kind, keep_text(current, name).data, keep_texts_of(labels, label_count), label_count};
    current->metrics[current->metric_count] = added;
    *handle = (uint32_t)current->metric_count++;
    return true;
}

static double *series_of(uint32_t handle, const ms_text *values, size_t count) {
    if (handle >= current->metric_count) {
        fail_test("no metric has the handle %u", handle);
    }
    const metric *of = &current->metrics[handle];
    if (of->label_count != count) {
        fail_test("the metric `%s` has %zu labels, and is given %zu", of->name, of->label_count, count);
    }
    for (size_t at = 0; at < current->series_count; at++) {
        series *known = &current->series[at];
        bool same = known->metric == handle;
        for (size_t value = 0; same && value < count; value++) {
            same = ms_text_equal(known->values[value], values[value]);
        }
        if (same) {
            return &known->value;
        }
    }
    current->series = grown(current, current->series, current->series_count, sizeof *current->series);
    series added = {handle, keep_texts_of(values, count), 0};
    current->series[current->series_count] = added;
    return &current->series[current->series_count++].value;
}

void ms_host_add(uint32_t handle, const ms_text *values, size_t count, double value) {
    double *sum = series_of(handle, values, count);
    if (current->metrics[handle].kind == MS_COUNTER && value < 0) {
        fail_test("the counter `%s` is told to add less than 0", current->metrics[handle].name);
    }
    *sum += value;
}

void ms_host_set(uint32_t handle, const ms_text *values, size_t count, double value) {
    *series_of(handle, values, count) = value;
}

double ms_harness_metric(const ms_harness *harness, const char *name, const char *const *label_values, size_t count) {
    bool known = false;
    for (size_t at = 0; at < harness->metric_count; at++) {
        known = known || strcmp(harness->metrics[at].name, name) == 0;
    }
    if (!known) {
        fail_test("no metric `%s` was registered", name);
    }
    for (size_t at = 0; at < harness->series_count; at++) {
        const series *one = &harness->series[at];
        const metric *of = &harness->metrics[one->metric];
        bool same = strcmp(of->name, name) == 0 && of->label_count == count;
        for (size_t value = 0; same && value < count; value++) {
            same = ms_text_equal(one->values[value], ms_str(label_values[value]));
        }
        if (same) {
            return one->value;
        }
    }
    return 0;
}

const char *ms_harness_message(const ms_harness *harness, size_t index) {
    return index < harness->message_count ? harness->messages[index] : NULL;
}
