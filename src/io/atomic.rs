//! Writing a file so that whoever reads it sees the old contents or the new, never a part.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Writes a temporary file beside `path`, makes sure that it is on the disk, and renames it.
pub(super) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let temporary = beside(path, folder)?;
    let written = write_through(&temporary, bytes).and_then(|()| fs::rename(&temporary, path));
    if let Err(error) = written {
        // The first error says more than a failure to clean up after it would.
        let _ = fs::remove_file(&temporary);
        return Err(error);
    }
    // The rename itself is on the disk once the folder is; not every system can sync a folder.
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

fn write_through(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create_new(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// A name that no other writer uses at the same time.
fn beside(path: &Path, folder: &Path) -> io::Result<PathBuf> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let name =
        path.file_name().ok_or(io::Error::new(io::ErrorKind::InvalidInput, "not the name of a file"))?;
    let unique = format!(".{}.{}.tmp", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let mut temporary = name.to_os_string();
    temporary.push(unique);
    Ok(folder.join(temporary))
}
