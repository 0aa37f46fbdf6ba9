// SPDX-License-Identifier: BSD-2-Clause
// Where libbtfpack-loader.a lies (BTFPACK_LIB), and the bundle to embed
// (BTFPACK_BUNDLE, from `btfpack bundle -o`).
fn main() {
    let lib = std::env::var("BTFPACK_LIB").unwrap_or_else(|_| "/usr/local/lib".into());
    let bundle = std::env::var("BTFPACK_BUNDLE").expect("BTFPACK_BUNDLE names the bundle to embed");
    println!("cargo:rerun-if-env-changed=BTFPACK_LIB");
    println!("cargo:rerun-if-env-changed=BTFPACK_BUNDLE");
    println!("cargo:rerun-if-changed={bundle}");
    println!("cargo:rustc-env=BTFPACK_BUNDLE={bundle}");
    println!("cargo:rustc-link-search=native={lib}");
    println!("cargo:rustc-link-lib=static=btfpack-loader");
    println!("cargo:rustc-link-lib=zstd");
}
