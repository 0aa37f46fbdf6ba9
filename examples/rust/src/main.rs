// SPDX-License-Identifier: BSD-2-Clause
//! A tool that carries its BTF along: the bundle is a part of the program, the
//! loader chooses from it. Prints what it chose, for this host or the one below
//! the directory that is its argument.

mod loader;

use std::path::Path;

static BUNDLE: &[u8] = include_bytes!(env!("BTFPACK_BUNDLE"));

fn main() {
    let root = std::env::args().nth(1);
    let chosen = match loader::Loader::open(BUNDLE, root.as_deref().map(Path::new)) {
        Ok(chosen) => chosen,
        Err(err) => {
            eprintln!("{} ({})", err.message, err.code);
            std::process::exit(1);
        }
    };
    println!("{}", chosen.reason());
    println!("{} bytes at {:?}", chosen.btf().len(), chosen.btf_path());
    if let Some(verdict) = chosen.verdict() {
        println!("cannot load there: {verdict}");
    }
    // With libbpf-rs, from here on:
    //
    //     let mut builder = ObjectBuilder::default();
    //     if let Some(path) = chosen.btf_path() {
    //         builder.btf_custom_path(path)?;
    //     }
    //     let object = builder.open_file("execcount.bpf.o")?.load()?;
    //
    // and `chosen` may go when load() has returned.
}
