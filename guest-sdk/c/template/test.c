/* The stage, driven natively by the host's rules. */
#include "millstream_harness.h"
#include "stage.h"

static void drops_only_success(void) {
    ms_harness *harness = ms_harness_new(&{{name}}, "{\"drop_path\": \"/ready\"}");
    ms_row rows[] = {ms_row_new(harness, "GET /ready 200"), ms_row_new(harness, "GET /ready 503")};
    ms_row_list out = ms_harness_push(harness, rows, 2);
    MS_EXPECT(out.count == 1 && ms_text_equal(ms_pairs_get(&out.rows[0].labels, "status"), ms_str("5xx")));
    MS_EXPECT(ms_harness_dropped(harness, "uninteresting") == 1);
    ms_harness_free(harness);
}

static void refuses_a_path_without_slash(void) {
    MS_EXPECT(strstr(ms_harness_refusal(&{{name}}, "{\"drop_path\": \"ready\"}"), "`drop_path`"));
}

int main(void) {
    drops_only_success();
    refuses_a_path_without_slash();
    MS_EXPECT(ms_harness_cases(&{{name}}, "cases"));
    return ms_expectations();
}
