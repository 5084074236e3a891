// A stage in C++: the header is usable from it, and a plugin needs nothing of its library.
#include "millstream.h"

namespace {

class Shout {
  public:
    constexpr Shout() = default;
    constexpr explicit Shout(ms_text suffix) : suffix_(suffix) {}

    void process(ms_batch *batch) const {
        for (size_t row = 0; row < ms_rows(batch); ++row) {
            const ms_text line = ms_line(batch, row);
            ms_set_line(batch, row,
                        ms_format("%.*s%.*s", static_cast<int>(line.size), line.data, static_cast<int>(suffix_.size),
                                  suffix_.data));
        }
    }

  private:
    ms_text suffix_{};
};

Shout instance;

bool configure(ms_setup *setup, void **state) {
    const ms_text suffix = ms_setting_text(setup, "suffix", ms_str("!"));
    if (suffix.size == 0) {
        return ms_refuse(setup, "suffix", "must not be empty");
    }
    ms_reads_lines(setup);
    instance = Shout(suffix);
    *state = &instance;
    return true;
}

bool process(void *state, ms_batch *batch, int64_t) {
    static_cast<const Shout *>(state)->process(batch);
    return true;
}

}  // namespace

extern const ms_stage shout;
const ms_stage shout = {configure, process, nullptr, nullptr, nullptr};
MS_EXPORT(shout);
