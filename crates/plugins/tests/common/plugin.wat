;; A plugin by hand: whoever stands first gets the call that stands first. `{…}` are the places that tests fill.
;;
;; Where things stand in memory: 16.. texts, 1024.. the answer, 1200.. the description, 8192.. what the host hands in.
(module
  (memory (export "memory") {pages})
  (global $top (mut i32) (i32.const 8192))

  (func $alloc (export "cabi_realloc") (param $old i32) (param $had i32) (param $align i32) (param $size i32) (result i32)
    (local $at i32)
    (if (local.get $old) (then unreachable))
    (local.set $at (i32.and (i32.add (global.get $top) (i32.const 7)) (i32.const -8)))
    (global.set $top (i32.add (local.get $at) (local.get $size)))
    (block $fits
      (loop $grow
        (br_if $fits (i32.le_u (global.get $top) (i32.mul (memory.size) (i32.const 65536))))
        (br_if $grow (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))
        unreachable))
    (local.get $at))

  (data (i32.const 16) "first")
  (data (i32.const 32) "1.0.0")
  (data (i32.const 48) "{\22type\22:\22object\22}")
  (data (i32.const 80) "first of all")
  ;; name, version, order, parameters
  (data (i32.const 1200) "\10\00\00\00\05\00\00\00\20\00\00\00\05\00\00\00\00\00\00\00\30\00\00\00\11\00\00\00")

  (func (export "strowger:routing/strategy@1.0.0#describe") (result i32)
    {describe}
    (i32.const 1200))

  ;; The snapshot stands at `$in`: its question's tag at 152, with agent surplus the call at 160 and the list of candidates at
  ;; 288, with call surplus the agent at 160 and the list of calls at 232. The name of each is its first field.
  (func $decide (export "strowger:routing/strategy@1.0.0#decide") (param $in i32) (result i32)
    (memory.fill (i32.const 1024) (i32.const 0) (i32.const 80))
    (if (i32.eqz (i32.load8_u offset=152 (local.get $in)))
      (then
        (i64.store (i32.const 1040) (i64.load offset=160 (local.get $in)))
        (i64.store (i32.const 1048) (i64.load (i32.load offset=288 (local.get $in)))))
      (else
        (i64.store (i32.const 1040) (i64.load (i32.load offset=232 (local.get $in))))
        (i64.store (i32.const 1048) (i64.load offset=160 (local.get $in)))))
    (i32.store (i32.const 1072) (i32.const 80))
    (i32.store (i32.const 1076) (i32.const 12))
    {decide}
    (i32.const 1024))

  ;; All that was handed in is done with.
  (func (export "cabi_post_strowger:routing/strategy@1.0.0#decide") (param i32)
    {after}
    (global.set $top (i32.const 8192)))

  ;; Outcomes, state and parameters as seven numbers; gives the state.
  (func (export "strowger:routing/strategy@1.0.0#told")
    (param $outcomes i32) (param $count i32) (param $some i32) (param $state i32) (param $octets i32) (param i32 i32) (result i32)
    (i32.store (i32.const 1024) (local.get $some))
    (i32.store (i32.const 1028) (local.get $state))
    (i32.store (i32.const 1032) (local.get $octets))
    {told}
    (i32.const 1024))

  {more})
