// SPDX-License-Identifier: BSD-2-Clause
//! A safe face for btfpack/loader.h: which BTF does this machine need?

use std::ffi::{c_char, c_int, c_void, CStr, CString, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr::{null, null_mut};

#[repr(C)]
struct RawLoader {
    _opaque: [u8; 0],
}

#[repr(C)]
struct RawError {
    code: c_int,
    message: [c_char; 512],
}

#[repr(C)]
struct RawOpts {
    size: usize,
    flags: u32,
    root: *const c_char,
    btf_file: *const c_char,
    host: *const c_void,
    name: *const c_char,
    explain: *mut c_char,
    explain_size: usize,
}

extern "C" {
    fn btfpack_loader_open_mem(
        bundle: *const c_void,
        size: usize,
        opts: *const RawOpts,
        ret: *mut *mut RawLoader,
        err: *mut RawError,
    ) -> c_int;
    fn btfpack_loader_close(loader: *mut RawLoader);
    fn btfpack_loader_btf_path(loader: *const RawLoader) -> *const c_char;
    fn btfpack_loader_btf_data(loader: *const RawLoader, size: *mut usize) -> *const c_void;
    fn btfpack_loader_verdict(loader: *const RawLoader) -> *const c_char;
    fn btfpack_loader_reason(loader: *const RawLoader) -> *const c_char;
}

/// What went wrong, in a sentence; `code` is a negative errno value.
#[derive(Debug)]
pub struct Error {
    pub code: i32,
    pub message: String,
}

/// The BTF that was chosen. Keep it until the BPF object is loaded.
pub struct Loader(*mut RawLoader);

impl Loader {
    /// Choose from the bundle, for the host whose file system begins at `root`.
    pub fn open(bundle: &[u8], root: Option<&Path>) -> Result<Loader, Error> {
        let root = root.map(|r| CString::new(r.as_os_str().as_bytes()).expect("no NUL in a path"));
        let opts = RawOpts {
            size: std::mem::size_of::<RawOpts>(),
            flags: 0,
            root: root.as_ref().map_or(null(), |r| r.as_ptr()),
            btf_file: null(),
            host: null(),
            name: null(),
            explain: null_mut(),
            explain_size: 0,
        };
        let mut err = RawError { code: 0, message: [0; 512] };
        let mut loader = null_mut();
        // SAFETY: all pointers live until the call returns; it keeps none of them.
        let code = unsafe {
            btfpack_loader_open_mem(bundle.as_ptr().cast(), bundle.len(), &opts, &mut loader, &mut err)
        };
        if code == 0 {
            return Ok(Loader(loader));
        }
        // SAFETY: a failed call leaves a NUL-terminated sentence.
        let message = unsafe { CStr::from_ptr(err.message.as_ptr()) };
        Err(Error { code, message: message.to_string_lossy().into_owned() })
    }

    /// For btf_custom_path; None when the kernel has its own BTF.
    pub fn btf_path(&self) -> Option<&Path> {
        // SAFETY: lent by the loader until it is closed, which drop does.
        let path = unsafe { btfpack_loader_btf_path(self.0) };
        if path.is_null() {
            return None;
        }
        let bytes = unsafe { CStr::from_ptr(path) }.to_bytes();
        Some(Path::new(OsStr::from_bytes(bytes)))
    }

    /// The BTF's bytes; empty for the kernel's own.
    pub fn btf(&self) -> &[u8] {
        let mut size = 0;
        // SAFETY: as above.
        unsafe {
            let data = btfpack_loader_btf_data(self.0, &mut size);
            if data.is_null() { &[] } else { std::slice::from_raw_parts(data.cast(), size) }
        }
    }

    /// Which programs cannot load there, a line each, and why; `None`: nothing is known of any.
    pub fn verdict(&self) -> Option<String> {
        // SAFETY: as above; NULL or a string that lives as long as the loader.
        let text = unsafe { btfpack_loader_verdict(self.0) };
        (!text.is_null())
            .then(|| unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned())
    }

    /// What was tried, and why it won or lost.
    pub fn reason(&self) -> String {
        // SAFETY: as above.
        unsafe { CStr::from_ptr(btfpack_loader_reason(self.0)) }.to_string_lossy().into_owned()
    }
}

impl Drop for Loader {
    fn drop(&mut self) {
        // SAFETY: opened by open(), closed once.
        unsafe { btfpack_loader_close(self.0) }
    }
}
