//! The disk as SQLite sees it: a VFS in front of the system's own.
//!
//! One VFS is registered for the whole process. Which disk a file is on is
//! decided by its path when it is opened; a file on none is passed through.
//! Own bindings instead of a crate: `sqlite-vfs` 0.2 has no shared memory, so
//! no WAL between connections, and `sqlite-plugin` 0.11 asks its user to write
//! the locks and the shared memory, which are here to be the system's own.
//!
//! Nothing here panics: a panic in a function that SQLite calls ends the process.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::path::Path;
use std::ptr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use rusqlite::ffi;

use crate::disk::Inner;
use crate::fault::Operation;
use crate::journal::{Event, FileNumber};

/// The name under which SQLite knows this VFS.
pub(crate) const NAME: &str = "steadfast-fault";
const NAME_C: &CStr = c"steadfast-fault";

/// The disks there are, by their roots.
static DISKS: Mutex<Vec<Weak<Inner>>> = Mutex::new(Vec::new());
static REGISTERED: OnceLock<c_int> = OnceLock::new();

/// Makes a disk known, and this VFS at the first one.
pub(crate) fn know(disk: &Arc<Inner>) {
    let code = *REGISTERED.get_or_init(register);
    assert_eq!(code, ffi::SQLITE_OK, "the VFS could not be registered");
    DISKS
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(Arc::downgrade(disk));
}

/// Forgets the disk with this root; files that are open stay on it.
pub(crate) fn forget(root: &Path) {
    DISKS
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .retain(|disk| disk.upgrade().is_some_and(|disk| disk.root != root));
}

fn disk_of(path: &Path) -> Option<Arc<Inner>> {
    let disks = DISKS.lock().unwrap_or_else(PoisonError::into_inner);
    let here = disks.iter().filter_map(Weak::upgrade);
    here.filter(|disk| path.starts_with(&disk.root))
        .max_by_key(|disk| disk.root.as_os_str().len())
}

fn register() -> c_int {
    // SAFETY: asks for the default VFS, which lives as long as the process.
    let system = unsafe { ffi::sqlite3_vfs_find(ptr::null()) };
    if system.is_null() {
        return ffi::SQLITE_ERROR;
    }
    // SAFETY: SQLite never changes a registered VFS but for its link to the next one, and a
    // copy of the struct is what its documentation proposes for one VFS in front of another.
    let mut ours = unsafe { ptr::read(system) };
    ours.zName = NAME_C.as_ptr();
    ours.pNext = ptr::null_mut();
    ours.pAppData = system.cast();
    ours.szOsFile += c_int::try_from(size_of::<Handle>()).unwrap_or(c_int::MAX / 2);
    ours.xOpen = Some(open);
    ours.xDelete = Some(delete);
    ours.xAccess = Some(access);
    ours.xFullPathname = Some(full_path_name);
    // SAFETY: the VFS is leaked, so it lives as long as the process.
    unsafe { ffi::sqlite3_vfs_register(Box::into_raw(Box::new(ours)), 0) }
}

/// What SQLite holds of an open file; the system's own handle lies right behind it.
#[repr(C)]
struct Handle {
    base: ffi::sqlite3_file,
    /// Null for a file on no disk of ours; otherwise from [`Box::into_raw`], given back by [`close`].
    tracked: *mut Tracked,
}

/// A file on a disk of ours.
struct Tracked {
    disk: Arc<Inner>,
    file: FileNumber,
    folder: String,
    /// The next flush brings the name to the medium too, as the system's VFS does for side files.
    syncs_folder: bool,
}

impl Tracked {
    fn strike(&self, operation: Operation) -> Option<c_int> {
        self.disk.strike(operation)
    }
}

/// Returns the system's VFS behind ours.
///
/// # Safety
/// `vfs` is the one that [`register`] made.
unsafe fn system_vfs(vfs: *mut ffi::sqlite3_vfs) -> *mut ffi::sqlite3_vfs {
    // SAFETY: `register` has put it there.
    unsafe { (*vfs).pAppData.cast() }
}

/// Returns the system's handle behind ours.
///
/// # Safety
/// `file` was given to [`open`], so there is room for both.
unsafe fn system_file(file: *mut ffi::sqlite3_file) -> *mut ffi::sqlite3_file {
    // SAFETY: SQLite gives `szOsFile` bytes, which `register` has set to the sum of both.
    unsafe { file.byte_add(size_of::<Handle>()) }
}

/// Returns what is known of an open file.
///
/// # Safety
/// `file` was opened by [`open`] and not yet closed; SQLite calls for one file from one thread at a time.
unsafe fn tracked<'f>(file: *mut ffi::sqlite3_file) -> Option<&'f mut Tracked> {
    // SAFETY: `open` has set the field, and nobody else has a reference to it.
    unsafe { (*file.cast::<Handle>()).tracked.as_mut() }
}

/// Calls a method of the system's file.
macro_rules! system_call {
    ($file:expr, $method:ident $(, $argument:expr)*) => {{
        // SAFETY: SQLite calls methods only of files that `open` has opened, so the system's
        // handle is open too; the arguments are passed on as they came.
        unsafe {
            let file = system_file($file);
            match (*file).pMethods.as_ref().and_then(|methods| methods.$method) {
                Some(method) => method(file $(, $argument)*),
                None => ffi::SQLITE_IOERR,
            }
        }
    }};
}

/// Returns with the code of a fault that strikes, where the file is on a disk of ours.
macro_rules! strike {
    ($file:expr, $operation:ident) => {{
        // SAFETY: SQLite calls methods only of files that `open` has opened.
        let tracked = unsafe { tracked($file) };
        if let Some(code) = tracked
            .as_ref()
            .and_then(|tracked| tracked.strike(Operation::$operation))
        {
            return code;
        }
        tracked
    }};
}

static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    // 2 has shared memory; 3 would add mapping of the database file, which the store never asks for.
    iVersion: 2,
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
    xShmMap: Some(shared_map),
    xShmLock: Some(shared_lock),
    xShmBarrier: Some(shared_barrier),
    xShmUnmap: Some(shared_unmap),
    xFetch: None,
    xUnfetch: None,
};

/// Returns a path that SQLite gives as one of ours.
///
/// # Safety
/// `name` is null or a string that ends in a zero.
unsafe fn path_of<'n>(name: *const c_char) -> Option<&'n Path> {
    if name.is_null() {
        return None;
    }
    // SAFETY: the caller says so.
    unsafe { CStr::from_ptr(name) }.to_str().ok().map(Path::new)
}

unsafe extern "C" fn open(
    vfs: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    let handle = file.cast::<Handle>();
    // SAFETY: SQLite gives room for a handle; without methods it is never closed.
    unsafe {
        (*handle).base.pMethods = ptr::null();
        (*handle).tracked = ptr::null_mut();
    }
    // SAFETY: SQLite gives null or a string.
    let path = unsafe { path_of(name) };
    let disk = path.and_then(disk_of);
    if let Some(code) = disk.as_ref().and_then(|disk| disk.strike(Operation::Open)) {
        return code;
    }
    // SAFETY: the system's VFS gets what SQLite gave us, and its own handle.
    let code = unsafe {
        let system = system_vfs(vfs);
        match (*system).xOpen {
            Some(open) => open(system, name, system_file(file), flags, out_flags),
            None => ffi::SQLITE_CANTOPEN,
        }
    };
    // SAFETY: a system's handle that needs closing has methods, also when opening it failed.
    let needs_closing = unsafe { !(*system_file(file)).pMethods.is_null() };
    if needs_closing {
        // SAFETY: as above.
        unsafe { (*handle).base.pMethods = &raw const METHODS };
    }
    if let (ffi::SQLITE_OK, Some(disk), Some(path)) = (code, disk, path)
        && let Some(name) = disk.name(path)
    {
        let side_file =
            ffi::SQLITE_OPEN_MAIN_JOURNAL | ffi::SQLITE_OPEN_SUPER_JOURNAL | ffi::SQLITE_OPEN_WAL;
        let folder = name.rsplit_once('/').map_or("", |(folder, _)| folder);
        let tracked = Tracked {
            folder: folder.to_owned(),
            file: disk.change(|journal| journal.file(&name)),
            syncs_folder: flags & ffi::SQLITE_OPEN_CREATE != 0 && flags & side_file != 0,
            disk,
        };
        // SAFETY: as above.
        unsafe { (*handle).tracked = Box::into_raw(Box::new(tracked)) };
    }
    code
}

unsafe extern "C" fn delete(
    vfs: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    sync_folder: c_int,
) -> c_int {
    // SAFETY: SQLite gives null or a string.
    let path = unsafe { path_of(name) };
    let disk = path.and_then(disk_of);
    if let Some(code) = disk
        .as_ref()
        .and_then(|disk| disk.strike(Operation::Delete))
    {
        return code;
    }
    // SAFETY: the system's VFS gets what SQLite gave us; flushing the folder is only written down.
    let code = unsafe {
        let system = system_vfs(vfs);
        let flush = if disk.is_some() { 0 } else { sync_folder };
        match (*system).xDelete {
            Some(delete) => delete(system, name, flush),
            None => ffi::SQLITE_IOERR_DELETE,
        }
    };
    if let (ffi::SQLITE_OK, Some(disk), Some(path)) = (code, disk, path)
        && let Some(name) = disk.name(path)
    {
        disk.change(|journal| {
            journal.delete(&name);
            if sync_folder != 0 {
                let folder = name.rsplit_once('/').map_or("", |(folder, _)| folder);
                journal.push(Event::SyncFolder {
                    name: folder.to_owned(),
                });
            }
        });
    }
    code
}

unsafe extern "C" fn access(
    vfs: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    // SAFETY: the system's VFS gets what SQLite gave us.
    unsafe {
        let system = system_vfs(vfs);
        match (*system).xAccess {
            Some(access) => access(system, name, flags, out),
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
    // SAFETY: the system's VFS gets what SQLite gave us.
    unsafe {
        let system = system_vfs(vfs);
        match (*system).xFullPathname {
            Some(full) => full(system, name, length, out),
            None => ffi::SQLITE_CANTOPEN,
        }
    }
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    let code = system_call!(file, xClose);
    let handle = file.cast::<Handle>();
    // SAFETY: SQLite closes a file once; what `open` made goes back to where it came from.
    unsafe {
        if !(*handle).tracked.is_null() {
            drop(Box::from_raw((*handle).tracked));
            (*handle).tracked = ptr::null_mut();
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
    // SAFETY: SQLite calls methods only of files that `open` has opened.
    let code = unsafe { tracked(file) }.and_then(|tracked| tracked.strike(Operation::Read));
    match code {
        None => system_call!(file, xRead, out, length, offset),
        // A read that comes back short has read a half; SQLite asks for zeros in the place of the rest.
        Some(ffi::SQLITE_IOERR_SHORT_READ) => {
            let half = length / 2;
            let code = system_call!(file, xRead, out, half, offset);
            if code != ffi::SQLITE_OK {
                return code;
            }
            let (half, length) = (half.unsigned_abs(), length.unsigned_abs());
            // SAFETY: SQLite gives room for `length` bytes.
            unsafe {
                out.cast::<u8>()
                    .add(half as usize)
                    .write_bytes(0, (length - half) as usize);
            }
            ffi::SQLITE_IOERR_SHORT_READ
        }
        Some(code) => code,
    }
}

unsafe extern "C" fn write(
    file: *mut ffi::sqlite3_file,
    bytes: *const c_void,
    length: c_int,
    offset: ffi::sqlite3_int64,
) -> c_int {
    // SAFETY: SQLite calls methods only of files that `open` has opened.
    let Some(tracked) = (unsafe { tracked(file) }) else {
        return system_call!(file, xWrite, bytes, length, offset);
    };
    let failed = tracked.strike(Operation::Write);
    // A write that fails has written a part of it.
    let written = if failed.is_some() { length / 2 } else { length };
    tracked.disk.change(|journal| {
        let code = system_call!(file, xWrite, bytes, written, offset);
        if code == ffi::SQLITE_OK {
            let length = usize::try_from(written).unwrap_or(0);
            // SAFETY: SQLite gives `length` bytes, and no more than that many are read.
            let bytes = unsafe { std::slice::from_raw_parts(bytes.cast::<u8>(), length) };
            journal.push(Event::Write {
                file: tracked.file,
                offset: offset.unsigned_abs(),
                bytes: bytes.into(),
            });
        }
        failed.unwrap_or(code)
    })
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, length: ffi::sqlite3_int64) -> c_int {
    let Some(tracked) = strike!(file, Truncate) else {
        return system_call!(file, xTruncate, length);
    };
    tracked.disk.change(|journal| {
        let code = system_call!(file, xTruncate, length);
        if code == ffi::SQLITE_OK {
            journal.push(Event::Truncate {
                file: tracked.file,
                length: length.unsigned_abs(),
            });
        }
        code
    })
}

unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, flags: c_int) -> c_int {
    // SAFETY: SQLite calls methods only of files that `open` has opened.
    let Some(tracked) = (unsafe { tracked(file) }) else {
        return system_call!(file, xSync, flags);
    };
    let failed = tracked.strike(Operation::Sync);
    let number = tracked.file;
    tracked.disk.change(|journal| {
        if failed.is_some() {
            journal.push(Event::SyncFailed { file: number });
            return;
        }
        journal.push(Event::Sync { file: number });
        if tracked.syncs_folder {
            journal.push(Event::SyncFolder {
                name: tracked.folder.clone(),
            });
        }
    });
    if failed.is_none() {
        tracked.syncs_folder = false;
    }
    failed.unwrap_or(ffi::SQLITE_OK)
}

unsafe extern "C" fn file_size(
    file: *mut ffi::sqlite3_file,
    out: *mut ffi::sqlite3_int64,
) -> c_int {
    strike!(file, Size);
    system_call!(file, xFileSize, out)
}

unsafe extern "C" fn lock(file: *mut ffi::sqlite3_file, level: c_int) -> c_int {
    strike!(file, Lock);
    system_call!(file, xLock, level)
}

unsafe extern "C" fn unlock(file: *mut ffi::sqlite3_file, level: c_int) -> c_int {
    system_call!(file, xUnlock, level)
}

unsafe extern "C" fn check_reserved_lock(file: *mut ffi::sqlite3_file, out: *mut c_int) -> c_int {
    system_call!(file, xCheckReservedLock, out)
}

unsafe extern "C" fn file_control(
    file: *mut ffi::sqlite3_file,
    operation: c_int,
    argument: *mut c_void,
) -> c_int {
    system_call!(file, xFileControl, operation, argument)
}

unsafe extern "C" fn sector_size(file: *mut ffi::sqlite3_file) -> c_int {
    system_call!(file, xSectorSize)
}

unsafe extern "C" fn device_characteristics(file: *mut ffi::sqlite3_file) -> c_int {
    system_call!(file, xDeviceCharacteristics)
}

unsafe extern "C" fn shared_map(
    file: *mut ffi::sqlite3_file,
    page: c_int,
    page_size: c_int,
    extend: c_int,
    out: *mut *mut c_void,
) -> c_int {
    strike!(file, SharedMap);
    system_call!(file, xShmMap, page, page_size, extend, out)
}

unsafe extern "C" fn shared_lock(
    file: *mut ffi::sqlite3_file,
    offset: c_int,
    count: c_int,
    flags: c_int,
) -> c_int {
    // A lock that cannot be let go is no fault of a disk.
    if flags & ffi::SQLITE_SHM_LOCK != 0 {
        strike!(file, SharedLock);
    }
    system_call!(file, xShmLock, offset, count, flags)
}

unsafe extern "C" fn shared_barrier(file: *mut ffi::sqlite3_file) {
    // SAFETY: SQLite calls methods only of files that `open` has opened.
    unsafe {
        let file = system_file(file);
        if let Some(barrier) = (*file).pMethods.as_ref().and_then(|all| all.xShmBarrier) {
            barrier(file);
        }
    }
}

unsafe extern "C" fn shared_unmap(file: *mut ffi::sqlite3_file, delete: c_int) -> c_int {
    system_call!(file, xShmUnmap, delete)
}
