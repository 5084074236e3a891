;; Finds the level and puts an X in its place, both by kernels: guest-sdk/wit/README.md has the imports and every offset.
(module
  (import "millstream:stage/kernels@1.0.0" "pattern" (func $pattern (param i32 i32 i32)))
  (import "millstream:stage/kernels@1.0.0" "extract" (func $extract (param i32 i32 i32 i32 i32) (result i32)))
  (import "millstream:stage/kernels@1.0.0" "find" (func $find (param i32 i32 i32 i32 i32)))
  (import "millstream:stage/kernels@1.0.0" "splice" (func $splice (param i32 i32 i32 i32 i32)))
  (memory (export "memory") 1)

  ;; 16 and 48: texts. 64: the answer, 160 bytes. 240: the answers of kernels. From 1024: what a call allocates.
  (data (i32.const 16) "(?P<level>INFO|WARN)")
  (data (i32.const 48) "X")
  (global $next (mut i32) (i32.const 1024))

  (func $allocate (export "cabi_realloc")
    (param $old i32) (param $old_size i32) (param $align i32) (param $size i32) (result i32)
    (local $at i32) (local $missing i32)
    (local.set $at
      (i32.and
        (i32.add (global.get $next) (i32.sub (local.get $align) (i32.const 1)))
        (i32.sub (i32.const 0) (local.get $align))))
    (global.set $next (i32.add (local.get $at) (local.get $size)))
    (local.set $missing
      (i32.sub
        (i32.shr_u (i32.add (global.get $next) (i32.const 65535)) (i32.const 16))
        (memory.size)))
    (if (i32.gt_s (local.get $missing) (i32.const 0))
      (then
        (if (i32.eq (memory.grow (local.get $missing)) (i32.const -1))
          (then unreachable))))
    (memory.copy (local.get $at) (local.get $old) (local.get $old_size))
    (local.get $at))

  (func $release (param $answer i32)
    (global.set $next (i32.const 1024)))
  (export "cabi_post_configure" (func $release))
  (export "cabi_post_process" (func $release))
  (export "cabi_post_tick" (func $release))
  (export "cabi_post_flush" (func $release))

  (func $clear
    (memory.fill (i32.const 64) (i32.const 0) (i32.const 160)))

  ;; func(settings: string) -> result<interest, string>: nothing crosses
  (func (export "configure") (param $settings i32) (param $size i32) (result i32)
    (call $clear)
    (call $pattern (i32.const 16) (i32.const 20) (i32.const 240))
    (if (i32.load8_u (i32.const 240))                            ;; err: the same answer, an address and a size
      (then
        (i32.store8 (i32.const 64) (i32.const 1))
        (i64.store (i32.const 68) (i64.load (i32.const 244)))))
    (if (i32.load (i32.const 244))                               ;; the first handle is 0
      (then unreachable))
    (i32.const 64))

  ;; func(batch: log-batch, now: s64) -> result<log-edit, failure>: what kernels set is all
  (func (export "process") (param $in i32) (result i32)
    (local $found i32) (local $count i32) (local $left i32)
    (drop (call $extract (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)))
    (call $find (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 240))
    (local.set $found (i32.load (i32.const 240)))
    (local.set $count (i32.load (i32.const 244)))
    (local.set $left (local.get $count))
    (block $done
      (loop $next_match
        (br_if $done (i32.eqz (local.get $left)))
        (local.set $left (i32.sub (local.get $left) (i32.const 1)))
        (i32.store offset=12                                     ;; its text is X now; a match is laid out as a patch
          (i32.add (local.get $found) (i32.mul (local.get $left) (i32.const 20))) (i32.const 48))
        (i32.store offset=16
          (i32.add (local.get $found) (i32.mul (local.get $left) (i32.const 20))) (i32.const 1))
        (br $next_match)))
    (call $splice (i32.const 0) (i32.const 0) (i32.const 0) (local.get $found) (local.get $count))
    (call $clear)
    (i32.const 64))

  ;; Holds nothing, so both change nothing.
  (func $nothing (param $now i64) (result i32)
    (call $clear)
    (i32.const 64))
  (export "tick" (func $nothing))
  (export "flush" (func $nothing)))
