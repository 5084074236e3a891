/* The whole SDK as one file to compile, for the sandbox and natively:
 *
 *     zig cc -target wasm32-freestanding -O2 -nostdlib -isystem sdk/freestanding -Isdk/include -Wl,--no-entry … stage.c sdk/millstream.c
 */
#include "src/arena.c"
#include "src/batch.c"
#include "src/column.c"
#include "src/hold.c"
#include "src/instance.c"
#include "src/json.c"
#include "src/labels.c"
#include "src/output.c"
#include "src/settings.c"
#include "src/text.c"

#if defined(__wasm__)
#include "src/wasm.c"
#if !defined(__wasi__)
#include "src/libc.c"
#endif
#endif
