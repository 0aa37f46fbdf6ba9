// SPDX-License-Identifier: BSD-2-Clause
// With unit-b.c: a struct of that one's name, and a function that C could call.
#![no_std]
#[repr(C)]
pub struct config {
    pub only_in_rust: u8,
    pub number: i32,
}
#[no_mangle]
pub extern "C" fn rust_function(c: &config) -> i64 {
    c.number as i64 + c.only_in_rust as i64
}
