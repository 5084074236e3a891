/* Drops access-log entries of one path and labels the others by the class of their status. */
#include "stage.h"

#include <stdlib.h>

/* Classes 1xx to 9xx. */
#define CLASSES 9

typedef struct state {
    ms_text drop_path;
    ms_metric statuses;
} state;

/* Checks the settings and declares what the stage reads or changes: nothing else crosses into the sandbox. A setting that
 * is not asked for here is refused by name. */
static bool configure(ms_setup *setup, void **made) {
    static const char *const labels[] = {"class"};
    state *self = calloc(1, sizeof *self);
    *made = self;
    self->drop_path = ms_setting_text(setup, "drop_path", ms_str("/health"));
    if (self->drop_path.size == 0 || self->drop_path.data[0] != '/') {
        return ms_refuse(setup, "drop_path", "must begin with a slash, not be `%s`", self->drop_path.data);
    }
    ms_reads_lines(setup);
    ms_reads_labels(setup);
    return ms_counter(setup, &self->statuses, "statuses_total", "Entries by the class of their status.", labels, 1);
}

/* Takes the next word off a line. */
static ms_text word(ms_text *line) {
    size_t end = ms_text_find(*line, ms_str(" "));
    ms_text taken = ms_text_of(line->data, end == SIZE_MAX ? line->size : end);
    size_t gone = end == SIZE_MAX ? line->size : end + 1;
    *line = ms_text_of(line->data + gone, line->size - gone);
    return taken;
}

/* Handles lines like `GET /orders 200`. A line that looks otherwise passes unchanged. */
static bool process(void *made, ms_batch *batch, int64_t now) {
    const state *self = made;
    size_t counts[CLASSES + 1] = {0};
    (void)now;
    for (size_t row = 0; row < ms_rows(batch); row++) {
        ms_text rest = ms_line(batch, row);
        word(&rest);
        ms_text path = word(&rest), status = word(&rest);
        if (status.size != 3 || rest.size != 0 || status.data[0] < '1' || status.data[0] > '9') {
            continue;
        }
        if (status.data[0] == '2' && ms_text_equal(path, self->drop_path)) {
            ms_drop(batch, row, ms_str("uninteresting"));
            continue;
        }
        ms_set_label(batch, row, ms_str("status"), ms_format("%cxx", status.data[0]));
        counts[status.data[0] - '0']++;
    }
    for (int class = 1; class <= CLASSES; class++) {
        if (counts[class] > 0) {
            ms_text name = ms_format("%dxx", class);
            ms_add(self->statuses, (double)counts[class], &name, 1);
        }
    }
    return true;
}

const ms_stage {{name}} = {.configure = configure, .process = process, .destroy = free};

MS_EXPORT({{name}});
