/* The stage, for its test. */
#ifndef STAGE_H
#define STAGE_H

#include "millstream.h"

extern const ms_stage {{name}};

#endif
