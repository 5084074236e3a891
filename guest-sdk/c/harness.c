/* The whole harness as one file to compile, natively and beside millstream.c. */
#include "harness/check.c"
#include "harness/cross.c"
#include "harness/host.c"
#include "harness/row.c"
#include "harness/run.c"
#include "harness/cases.c"
