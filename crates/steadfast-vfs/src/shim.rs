//! The VFS itself: it opens logs with frames held back, and everything else as the one behind it does.
//!
//! Nothing here panics: a panic in a function that SQLite calls ends the process.

use std::collections::BTreeMap;
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::ptr;
use std::sync::{Mutex, PoisonError};

use rusqlite::ffi;

use crate::frames::{Frames, Todo};
use crate::running;

/// The VFS that stand in front of others, by the name of the one behind; none is the default.
static REGISTERED: Mutex<BTreeMap<Option<String>, Option<&'static CStr>>> =
    Mutex::new(BTreeMap::new());

/// Returns the name of a VFS in front of `behind`, or of the default one; none when SQLite has no such.
///
/// It is registered at the first call, for as long as the process lives.
pub fn over(behind: Option<&str>) -> Option<&'static CStr> {
    let mut registered = REGISTERED.lock().unwrap_or_else(PoisonError::into_inner);
    let name = registered
        .entry(behind.map(str::to_owned))
        .or_insert_with(|| register(behind));
    *name
}

fn register(behind: Option<&str>) -> Option<&'static CStr> {
    let name = behind.map(CString::new).transpose().ok()?;
    let asked = name.as_ref().map_or(ptr::null(), |name| name.as_ptr());
    // SAFETY: null, or a string; a registered VFS lives as long as the process, as nobody here takes one back.
    let behind = unsafe { ffi::sqlite3_vfs_find(asked) };
    if behind.is_null() {
        return None;
    }
    let name = format!(
        "steadfast-log-{}",
        name.map_or_else(String::new, |name| name.to_string_lossy().into_owned())
    );
    let name: &'static CStr = Box::leak(CString::new(name).ok()?.into_boxed_c_str());
    // SAFETY: SQLite never changes a registered VFS but for its link to the next one, and a
    // copy of the struct is what its documentation proposes for one VFS in front of another.
    let mut ours = unsafe { ptr::read(behind) };
    ours.zName = name.as_ptr();
    ours.pNext = ptr::null_mut();
    ours.pAppData = behind.cast();
    ours.szOsFile = ours
        .szOsFile
        .checked_add(c_int::try_from(size_of::<Handle>()).ok()?)?;
    ours.xOpen = Some(open);
    ours.xDelete = Some(delete);
    ours.xAccess = Some(access);
    ours.xFullPathname = Some(full_path_name);
    // SAFETY: the VFS is leaked, so it lives as long as the process.
    let code = unsafe { ffi::sqlite3_vfs_register(Box::into_raw(Box::new(ours)), 0) };
    (code == ffi::SQLITE_OK).then_some(name)
}

/// The longest write that is passed on. The VFS of SQLite for Unix takes 17 bits of a length: what is longer is written
/// in part, and told as a full disk.
const WRITE_BYTES_MAX: usize = 1 << 16;

/// What SQLite holds of an open log; the handle of the VFS behind lies right after it.
#[repr(C)]
struct Handle {
    base: ffi::sqlite3_file,
    /// From [`Box::into_raw`], given back by [`close`].
    frames: *mut Frames,
}

/// Returns the VFS behind ours.
///
/// # Safety
/// `vfs` is one that [`register`] made.
unsafe fn behind(vfs: *mut ffi::sqlite3_vfs) -> *mut ffi::sqlite3_vfs {
    // SAFETY: `register` has put it there.
    unsafe { (*vfs).pAppData.cast() }
}

/// Returns the handle of the log in the VFS behind ours.
///
/// # Safety
/// `file` is a log that was given to [`open`], so there is room for both.
unsafe fn file_behind(file: *mut ffi::sqlite3_file) -> *mut ffi::sqlite3_file {
    // SAFETY: SQLite gives `szOsFile` bytes, which `register` has set to the sum of both.
    unsafe { file.byte_add(size_of::<Handle>()) }
}

/// Returns what is held of a log.
///
/// # Safety
/// `file` is a log that [`open`] has opened; SQLite calls for one file from one thread at a time.
unsafe fn frames<'f>(file: *mut ffi::sqlite3_file) -> Option<&'f mut Frames> {
    // SAFETY: `open` has set the field, and nobody else has a reference to it.
    unsafe { (*file.cast::<Handle>()).frames.as_mut() }
}

/// Calls a method of the file behind.
macro_rules! call_behind {
    ($file:expr, $method:ident $(, $argument:expr)*) => {{
        // SAFETY: SQLite calls our methods only of logs that `open` has opened, so the handle
        // behind is open too; the arguments are passed on as they came.
        unsafe {
            let file = file_behind($file);
            match (*file).pMethods.as_ref().and_then(|methods| methods.$method) {
                Some(method) => method(file $(, $argument)*),
                None => ffi::SQLITE_IOERR,
            }
        }
    }};
}

/// Lets out what is held, and returns with the code when that fails.
macro_rules! let_out {
    ($file:expr) => {{
        // SAFETY: SQLite calls our methods only of logs that `open` has opened.
        let code = unsafe { let_out($file) };
        if code != ffi::SQLITE_OK {
            return code;
        }
    }};
}

static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    // SQLite asks a log for neither shared memory nor mappings.
    iVersion: 1,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(device_characteristics),
    xShmMap: None,
    xShmLock: None,
    xShmBarrier: None,
    xShmUnmap: None,
    xFetch: None,
    xUnfetch: None,
};

unsafe extern "C" fn open(
    vfs: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    let is_log = flags & ffi::SQLITE_OPEN_WAL != 0;
    // SAFETY: the VFS behind gets what SQLite gave us, and room for a handle of its own.
    let (code, opened) = unsafe {
        let behind = behind(vfs);
        let inner = if is_log { file_behind(file) } else { file };
        let code = match (*behind).xOpen {
            Some(open) => open(behind, name, inner, flags, out_flags),
            None => ffi::SQLITE_CANTOPEN,
        };
        // A handle that needs closing has methods, also when opening it failed.
        (code, !(*inner).pMethods.is_null())
    };
    if is_log {
        let handle = file.cast::<Handle>();
        // SAFETY: SQLite gives room for a handle; without methods it is never closed.
        unsafe {
            (*handle).base.pMethods = if opened {
                &raw const METHODS
            } else {
                ptr::null()
            };
            (*handle).frames = if opened {
                Box::into_raw(Box::default())
            } else {
                ptr::null_mut()
            };
        }
    }
    code
}

unsafe extern "C" fn delete(
    vfs: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    sync_folder: c_int,
) -> c_int {
    // SAFETY: the VFS behind gets what SQLite gave us.
    unsafe {
        let behind = behind(vfs);
        match (*behind).xDelete {
            Some(delete) => delete(behind, name, sync_folder),
            None => ffi::SQLITE_IOERR_DELETE,
        }
    }
}

unsafe extern "C" fn access(
    vfs: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    // SAFETY: the VFS behind gets what SQLite gave us.
    unsafe {
        let behind = behind(vfs);
        match (*behind).xAccess {
            Some(access) => access(behind, name, flags, out),
            None => ffi::SQLITE_IOERR_ACCESS,
        }
    }
}

unsafe extern "C" fn full_path_name(
    vfs: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    length: c_int,
    out: *mut c_char,
) -> c_int {
    // SAFETY: the VFS behind gets what SQLite gave us.
    unsafe {
        let behind = behind(vfs);
        match (*behind).xFullPathname {
            Some(full) => full(behind, name, length, out),
            None => ffi::SQLITE_CANTOPEN,
        }
    }
}

/// Writes what is held.
///
/// # Safety
/// `file` is a log that [`open`] has opened.
unsafe fn let_out(file: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: the caller says so.
    let Some(frames) = (unsafe { frames(file) }) else {
        return ffi::SQLITE_OK;
    };
    let Some((held, at)) = frames.held(running()) else {
        return ffi::SQLITE_OK;
    };
    let mut code = ffi::SQLITE_OK;
    let mut at = at;
    for part in held.chunks(WRITE_BYTES_MAX) {
        let Ok(length) = c_int::try_from(part.len()) else {
            return ffi::SQLITE_IOERR_WRITE;
        };
        code = call_behind!(file, xWrite, part.as_ptr().cast(), length, at);
        if code != ffi::SQLITE_OK {
            break;
        }
        at = at.saturating_add(i64::from(length));
    }
    frames.let_go();
    code
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    let code = call_behind!(file, xClose);
    let handle = file.cast::<Handle>();
    // SAFETY: SQLite closes a file once; what `open` made goes back to where it came from.
    unsafe {
        if !(*handle).frames.is_null() {
            drop(Box::from_raw((*handle).frames));
            (*handle).frames = ptr::null_mut();
        }
    }
    code
}

unsafe extern "C" fn read(
    file: *mut ffi::sqlite3_file,
    out: *mut c_void,
    length: c_int,
    offset: ffi::sqlite3_int64,
) -> c_int {
    let_out!(file);
    call_behind!(file, xRead, out, length, offset)
}

unsafe extern "C" fn write(
    file: *mut ffi::sqlite3_file,
    bytes: *const c_void,
    length: c_int,
    offset: ffi::sqlite3_int64,
) -> c_int {
    // SAFETY: SQLite gives `length` bytes, which nobody changes meanwhile, and calls only of logs that `open` has opened.
    let (taken, frames) = unsafe {
        let bytes =
            std::slice::from_raw_parts(bytes.cast::<u8>(), usize::try_from(length).unwrap_or(0));
        (bytes, frames(file))
    };
    match frames.map_or(Todo::HeldThenThis, |frames| {
        frames.take(running(), taken, offset)
    }) {
        Todo::Nothing => ffi::SQLITE_OK,
        // SAFETY: as above.
        Todo::Held => unsafe { let_out(file) },
        Todo::HeldThenThis => {
            let_out!(file);
            call_behind!(file, xWrite, bytes, length, offset)
        }
    }
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, length: ffi::sqlite3_int64) -> c_int {
    let_out!(file);
    call_behind!(file, xTruncate, length)
}

unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, flags: c_int) -> c_int {
    let_out!(file);
    call_behind!(file, xSync, flags)
}

unsafe extern "C" fn file_size(
    file: *mut ffi::sqlite3_file,
    out: *mut ffi::sqlite3_int64,
) -> c_int {
    let_out!(file);
    call_behind!(file, xFileSize, out)
}

unsafe extern "C" fn lock(file: *mut ffi::sqlite3_file, level: c_int) -> c_int {
    call_behind!(file, xLock, level)
}

unsafe extern "C" fn unlock(file: *mut ffi::sqlite3_file, level: c_int) -> c_int {
    call_behind!(file, xUnlock, level)
}

unsafe extern "C" fn check_reserved_lock(file: *mut ffi::sqlite3_file, out: *mut c_int) -> c_int {
    call_behind!(file, xCheckReservedLock, out)
}

unsafe extern "C" fn file_control(
    file: *mut ffi::sqlite3_file,
    operation: c_int,
    argument: *mut c_void,
) -> c_int {
    call_behind!(file, xFileControl, operation, argument)
}

unsafe extern "C" fn sector_size(file: *mut ffi::sqlite3_file) -> c_int {
    call_behind!(file, xSectorSize)
}

unsafe extern "C" fn device_characteristics(file: *mut ffi::sqlite3_file) -> c_int {
    call_behind!(file, xDeviceCharacteristics)
}

#[cfg(test)]
mod tests {
    use rusqlite::{Connection, OpenFlags};

    use super::over;

    #[test]
    fn a_commit_of_any_size_goes_into_the_log() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let flags = OpenFlags::default();
        let ours = Connection::open_with_flags_and_vfs(&path, flags, over(None).unwrap()).unwrap();
        ours.execute_batch("PRAGMA journal_mode=WAL; CREATE TABLE t (x BLOB);")
            .unwrap();
        let sizes = [
            1,
            60_000,
            127_000,
            131_072,
            140_000,
            262_144,
            1 << 20,
            5 << 20,
        ];
        for (number, size) in sizes.into_iter().enumerate() {
            let running = crate::transaction();
            ours.execute_batch("BEGIN IMMEDIATE").unwrap();
            let value = vec![u8::try_from(number + 1).unwrap(); size];
            ours.execute("INSERT INTO t VALUES (?1)", [value]).unwrap();
            ours.execute_batch("COMMIT").unwrap();
            drop(running);
        }
        let other = Connection::open(&path).unwrap();
        for (row, size) in (1..).zip(sizes) {
            let sql = "SELECT x FROM t WHERE rowid = ?1";
            let value: Vec<u8> = other.query_row(sql, [row], |found| found.get(0)).unwrap();
            let is_whole = value.iter().all(|byte| i64::from(*byte) == row);
            assert!(is_whole && value.len() == size, "{size}");
        }
    }
}
