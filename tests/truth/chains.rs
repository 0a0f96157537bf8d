// SPDX-License-Identifier: GPL-2.0-or-later
// Rust's frames: closures, traits, panics that are caught while values are dropped.
use std::panic::{catch_unwind, panic_any};

extern "C-unwind" {
    fn truth_next(depth: i32);
    fn truth_note(block: *mut u8, extra: u32, exact: usize);
    fn draw(below: u32) -> u32;
}

fn go(depth: i32) {
    unsafe { truth_next(depth) }
}

struct Guard(i32);

impl Drop for Guard {
    #[inline(never)]
    fn drop(&mut self) {
        go(self.0)
    }
}

#[inline(never)]
fn panics(levels: i32) {
    let _guard = Guard(levels & 1);
    if levels > 0 {
        panics(levels - 1);
    } else {
        panic_any(levels);
    }
}

#[inline(never)]
fn apply(f: &dyn Fn(i32), depth: i32) -> usize {
    let words = [depth as usize; 50];
    f(depth);
    std::hint::black_box(words).len()
}

#[no_mangle]
pub extern "C" fn shape_rust(depth: i32) {
    let some = vec![1usize, 2, 3];
    let n = apply(&|d| { go(d); std::hint::black_box(&some); }, depth);
    std::hint::black_box(n);
}

#[no_mangle]
pub extern "C" fn shape_panic(depth: i32) {
    std::panic::set_hook(Box::new(|_| {}));
    let _ = std::hint::black_box(catch_unwind(|| panics(unsafe { draw(4) } as i32)));
    go(depth);
    std::hint::black_box(depth);
}

#[no_mangle]
pub extern "C" fn take_rust(depth: i32) {
    let mut v: Vec<u8> = Vec::with_capacity(24);
    let p = v.as_mut_ptr();
    std::mem::forget(v);
    unsafe { truth_note(p, 6, 0) }
    std::hint::black_box(depth);
}
