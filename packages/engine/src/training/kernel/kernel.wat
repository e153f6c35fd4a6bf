;; The part of a training step outside the network, over float32 arrays in one memory. Lengths count in floats. Each
;; array starts at a multiple of 16 bytes and has a multiple of 4 floats. Each function matches its TypeScript
;; counterpart in plain-kernel.ts, with the same order of roundings. `npm run kernel --workspace @blip-ts/engine`
;; compiles this file to generated/kernel-bytes.ts; the build does so first.
(module
  (memory (import "training" "memory") 1)

  ;; AdamW (torch.optim.AdamW, the single-tensor loop): p, m and v are changed, g is read. $scale multiplies the
  ;; gradient, $mix1 is 1 - beta1, $mix2 is 1 - beta2, $root is sqrt(1 - beta2^step), $size is lr / (1 - beta1^step),
  ;; $keep is 1 - lr * decay.
  (func (export "adamw")
    (param $p i32) (param $g i32) (param $m i32) (param $v i32) (param $n i32)
    (param $scale f32) (param $mix1 f32) (param $beta2 f32) (param $mix2 f32)
    (param $root f32) (param $eps f32) (param $size f32) (param $keep f32)
    (local $o i32) (local $end i32) (local $G v128) (local $M v128) (local $V v128)
    (local $Scale v128) (local $Mix1 v128) (local $Beta2 v128) (local $Mix2 v128)
    (local $Root v128) (local $Eps v128) (local $Size v128) (local $Keep v128)
    (local.set $Scale (f32x4.splat (local.get $scale)))
    (local.set $Mix1 (f32x4.splat (local.get $mix1)))
    (local.set $Beta2 (f32x4.splat (local.get $beta2)))
    (local.set $Mix2 (f32x4.splat (local.get $mix2)))
    (local.set $Root (f32x4.splat (local.get $root)))
    (local.set $Eps (f32x4.splat (local.get $eps)))
    (local.set $Size (f32x4.splat (local.get $size)))
    (local.set $Keep (f32x4.splat (local.get $keep)))
    (local.set $end (i32.shl (local.get $n) (i32.const 2)))
    (loop $next
      (local.set $G (f32x4.mul (local.get $Scale) (v128.load (i32.add (local.get $g) (local.get $o)))))
      ;; m + mix1 * (g - m)
      (local.set $M (v128.load (i32.add (local.get $m) (local.get $o))))
      (local.set $M (f32x4.add (local.get $M)
        (f32x4.mul (local.get $Mix1) (f32x4.sub (local.get $G) (local.get $M)))))
      (v128.store (i32.add (local.get $m) (local.get $o)) (local.get $M))
      ;; beta2 * v + mix2 * g * g
      (local.set $V (f32x4.add
        (f32x4.mul (local.get $Beta2) (v128.load (i32.add (local.get $v) (local.get $o))))
        (f32x4.mul (f32x4.mul (local.get $Mix2) (local.get $G)) (local.get $G))))
      (v128.store (i32.add (local.get $v) (local.get $o)) (local.get $V))
      ;; keep * p - size * m / (sqrt(v) / root + eps)
      (v128.store (i32.add (local.get $p) (local.get $o))
        (f32x4.sub
          (f32x4.mul (local.get $Keep) (v128.load (i32.add (local.get $p) (local.get $o))))
          (f32x4.div (f32x4.mul (local.get $Size) (local.get $M))
            (f32x4.add (f32x4.div (f32x4.sqrt (local.get $V)) (local.get $Root)) (local.get $Eps)))))
      (local.set $o (i32.add (local.get $o) (i32.const 16)))
      (br_if $next (i32.lt_u (local.get $o) (local.get $end)))))

  ;; The sum of squares in double precision: four sums, one per vector lane, added at the end.
  (func (export "squares") (param $a i32) (param $n i32) (result f64)
    (local $o i32) (local $end i32) (local $x v128) (local $low v128) (local $high v128) (local $d v128)
    (local.set $end (i32.shl (local.get $n) (i32.const 2)))
    (loop $next
      (local.set $x (v128.load (i32.add (local.get $a) (local.get $o))))
      (local.set $d (f64x2.promote_low_f32x4 (local.get $x)))
      (local.set $low (f64x2.add (local.get $low) (f64x2.mul (local.get $d) (local.get $d))))
      (local.set $d (f64x2.promote_low_f32x4
        (i8x16.shuffle 8 9 10 11 12 13 14 15 0 1 2 3 4 5 6 7 (local.get $x) (local.get $x))))
      (local.set $high (f64x2.add (local.get $high) (f64x2.mul (local.get $d) (local.get $d))))
      (local.set $o (i32.add (local.get $o) (i32.const 16)))
      (br_if $next (i32.lt_u (local.get $o) (local.get $end))))
    (local.set $low (f64x2.add (local.get $low) (local.get $high)))
    (f64.add (f64x2.extract_lane 0 (local.get $low)) (f64x2.extract_lane 1 (local.get $low))))

  ;; a = keep * a + share * b: accumulated gradients (keep 1) and moving averages (share 1 - keep).
  (func (export "blend") (param $a i32) (param $b i32) (param $n i32) (param $keep f32) (param $share f32)
    (local $o i32) (local $end i32) (local $Keep v128) (local $Share v128)
    (local.set $Keep (f32x4.splat (local.get $keep)))
    (local.set $Share (f32x4.splat (local.get $share)))
    (local.set $end (i32.shl (local.get $n) (i32.const 2)))
    (loop $next
      (v128.store (i32.add (local.get $a) (local.get $o))
        (f32x4.add
          (f32x4.mul (local.get $Keep) (v128.load (i32.add (local.get $a) (local.get $o))))
          (f32x4.mul (local.get $Share) (v128.load (i32.add (local.get $b) (local.get $o))))))
      (local.set $o (i32.add (local.get $o) (i32.const 16)))
      (br_if $next (i32.lt_u (local.get $o) (local.get $end)))))

  ;; a = share * b
  (func (export "scaled") (param $a i32) (param $b i32) (param $n i32) (param $share f32)
    (local $o i32) (local $end i32) (local $Share v128)
    (local.set $Share (f32x4.splat (local.get $share)))
    (local.set $end (i32.shl (local.get $n) (i32.const 2)))
    (loop $next
      (v128.store (i32.add (local.get $a) (local.get $o))
        (f32x4.mul (local.get $Share) (v128.load (i32.add (local.get $b) (local.get $o)))))
      (local.set $o (i32.add (local.get $o) (i32.const 16)))
      (br_if $next (i32.lt_u (local.get $o) (local.get $end))))))
