;; Drops empty lines and counts them: a stage without any SDK. guest-sdk/wit/README.md explains every number.
(module
  (memory (export "memory") 1)

  ;; 16: texts. 64: the answer, 160 bytes. From 1024: what a call allocates, let go by cabi_post_*.
  (data (i32.const 16) "empty")
  (data (i32.const 32) "it has no settings")
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

  ;; func(settings: string) -> result<interest, string>
  (func (export "configure") (param $settings i32) (param $size i32) (result i32)
    (call $clear)
    (if (i32.gt_u (local.get $size) (i32.const 2)) ;; more than {}
      (then
        (i32.store8 (i32.const 64) (i32.const 1))                ;; err
        (i32.store (i32.const 68) (i32.const 32))                ;; its text
        (i32.store (i32.const 72) (i32.const 18)))
      (else
        (i32.store8 (i32.const 69) (i32.const 1))))              ;; ok: interest.lines
    (i32.const 64))

  ;; func(batch: log-batch, now: s64) -> result<log-edit, failure>, the arguments in memory
  (func (export "process") (param $in i32) (result i32)
    (local $rows i32) (local $ends i32) (local $row i32) (local $start i32) (local $end i32)
    (local $origins i32) (local $kept i32) (local $drop i32)
    (local.set $rows (i32.load offset=8 (local.get $in)))
    (local.set $ends (i32.load offset=28 (local.get $in)))
    (local.set $origins
      (call $allocate (i32.const 0) (i32.const 0) (i32.const 8) (i32.mul (local.get $rows) (i32.const 8))))
    (block $done
      (loop $next_row
        (br_if $done (i32.eq (local.get $row) (local.get $rows)))
        (local.set $end (i32.load (i32.add (local.get $ends) (i32.mul (local.get $row) (i32.const 4)))))
        (if (i32.ne (local.get $end) (local.get $start))
          (then
            (i64.store                                           ;; first-id + row
              (i32.add (local.get $origins) (i32.mul (local.get $kept) (i32.const 8)))
              (i64.add (i64.load (local.get $in)) (i64.extend_i32_u (local.get $row))))
            (local.set $kept (i32.add (local.get $kept) (i32.const 1)))))
        (local.set $start (local.get $end))
        (local.set $row (i32.add (local.get $row) (i32.const 1)))
        (br $next_row)))
    (call $clear)
    (if (i32.ne (local.get $kept) (local.get $rows))
      (then
        (local.set $drop (call $allocate (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 12)))
        (i32.store (local.get $drop) (i32.const 16))             ;; "empty"
        (i32.store offset=4 (local.get $drop) (i32.const 5))
        (i32.store offset=8 (local.get $drop) (i32.sub (local.get $rows) (local.get $kept)))
        (i32.store8 (i32.const 72) (i32.const 1))                ;; 64 + 8: origins, some
        (i32.store (i32.const 76) (local.get $origins))
        (i32.store (i32.const 80) (local.get $kept))
        (i32.store (i32.const 188) (local.get $drop))            ;; 64 + 8 + 116: drops
        (i32.store (i32.const 192) (i32.const 1))))
    (i32.const 64))

  ;; Holds nothing, so both change nothing.
  (func $nothing (param $now i64) (result i32)
    (call $clear)
    (i32.const 64))
  (export "tick" (func $nothing))
  (export "flush" (func $nothing)))
