//! `tracker-clickhouse LIBRARY ARGUMENTS…`: ClickHouse from its shared library, run as its command line would.
//!
//! A process of its own, because the library takes over signals, threads and exit.

use libloading::{Library, Symbol};
use std::{
    ffi::{CString, OsString, c_char, c_int},
    io::Write,
    os::unix::ffi::OsStringExt,
    process::ExitCode,
};

/// `int chdb_query_cmdline(int argc, char ** argv)` of libchdb.
type Main = unsafe extern "C" fn(c_int, *mut *mut c_char) -> c_int;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let Some(library) = arguments.next() else {
        return failed("usage: tracker-clickhouse LIBRARY ARGUMENTS…");
    };
    let Ok(arguments) = arguments.map(|text| CString::new(text.into_vec())).collect::<Result<Vec<_>, _>>()
    else {
        return failed("an argument holds a zero byte");
    };
    match run(library, arguments) {
        Ok(code) => ExitCode::from(u8::try_from(code & 0xff).unwrap_or(1)),
        Err(error) => failed(&error.to_string()),
    }
}

#[expect(
    unsafe_code,
    reason = "a C function of a shared library is called: the embedded database has no other door"
)]
fn run(library: OsString, arguments: Vec<CString>) -> Result<c_int, libloading::Error> {
    // `into_raw`: the callee may write to its arguments, as C permits; the process ends with the call, so they stay.
    let name = CString::from(c"clickhouse-local").into_raw();
    let given = arguments.into_iter().map(CString::into_raw);
    let mut argv: Vec<*mut c_char> = std::iter::once(name).chain(given).collect();
    let argc = c_int::try_from(argv.len()).unwrap_or(c_int::MAX);
    argv.push(std::ptr::null_mut());
    // SAFETY: the library is ClickHouse's, whose initialisers need nothing but a process of their own.
    let library = unsafe { Library::new(library)? };
    // SAFETY: the symbol has this signature in chdb.h since 3.0.
    let main: Symbol<'_, Main> = unsafe { library.get(b"chdb_query_cmdline\0")? };
    // SAFETY: `argv` holds `argc` pointers to zero-ended texts and a null pointer, all alive until after the call.
    let code = unsafe { main(argc, argv.as_mut_ptr()) };
    // Its threads may still run: unloading the code under them would crash.
    std::mem::forget(library);
    Ok(code)
}

fn failed(why: &str) -> ExitCode {
    let _nowhere = writeln!(std::io::stderr().lock(), "tracker-clickhouse: {why}");
    ExitCode::from(127)
}
