/* The stage, for its test. */
#ifndef REDACT_H
#define REDACT_H

#include "millstream.h"

extern const ms_stage redact;

#endif
