/* A stage that gets every line and does nothing: the price of the crossing. */
#include "stage.h"

static bool configure(ms_setup *setup, void **made) {
    *made = NULL;
    ms_reads_lines(setup);
    return true;
}

static bool process(void *made, ms_batch *batch, int64_t now) {
    (void)made, (void)batch, (void)now;
    return true;
}

const ms_stage idle = {.configure = configure, .process = process};

MS_EXPORT(idle);
