//! Named points at which a test holds sqlmig still, to do something to it or to its server there.
//!
//! Compiled in by the feature `fault-points`, which only the fault tests build with; otherwise a point is nothing. With
//! it, `SQLMIG_FAULT_DIR` names a folder: the point that the file `at` there names (`promote.claimed`, or
//! `promote.claimed#3` for the third time that it is passed) writes the file `reached` and waits for the file `go`; every point
//! passed is a line of the file `passed`.

#[cfg(feature = "fault-points")]
use std::{
    collections::HashMap,
    fs,
    io::Write,
    path::{Path, PathBuf},
    sync::{LazyLock, Mutex, PoisonError},
    time::Duration,
};

/// Holds an asynchronous task still here, if a test asks for it.
#[cfg_attr(not(feature = "fault-points"), expect(clippy::unused_async, reason = "a point is nothing in this build"))]
pub async fn point(name: &str) {
    #[cfg(feature = "fault-points")]
    if let Some(folder) = is_asked_for(name) {
        while !folder.join("go").exists() {
            tokio::time::sleep(PAUSE).await;
        }
    }
    #[cfg(not(feature = "fault-points"))]
    let _ = name;
}

/// Holds a thread still here, if a test asks for it.
pub fn point_blocking(name: &str) {
    #[cfg(feature = "fault-points")]
    if let Some(folder) = is_asked_for(name) {
        while !folder.join("go").exists() {
            std::thread::sleep(PAUSE);
        }
    }
    #[cfg(not(feature = "fault-points"))]
    let _ = name;
}

#[cfg(feature = "fault-points")]
const PAUSE: Duration = Duration::from_millis(5);

#[cfg(feature = "fault-points")]
static FOLDER: LazyLock<Option<PathBuf>> = LazyLock::new(|| std::env::var_os("SQLMIG_FAULT_DIR").map(PathBuf::from));

#[cfg(feature = "fault-points")]
static PASSED: LazyLock<Mutex<HashMap<String, u32>>> = LazyLock::new(Mutex::default);

/// Counts the passage; the folder to wait in, if this is the one.
#[cfg(feature = "fault-points")]
fn is_asked_for(name: &str) -> Option<&'static Path> {
    let folder = FOLDER.as_deref()?;
    let mut passed = PASSED.lock().unwrap_or_else(PoisonError::into_inner);
    let count = passed.entry(name.to_owned()).or_default();
    *count += 1;
    // A test that cannot read what happened fails by itself.
    if let Ok(mut log) = fs::OpenOptions::new().append(true).create(true).open(folder.join("passed")) {
        drop(writeln!(log, "{name}"));
    }
    let at = fs::read_to_string(folder.join("at")).unwrap_or_default();
    let (wanted, nth) = at.trim().split_once('#').unwrap_or((at.trim(), "1"));
    if wanted != name || nth.parse() != Ok(*count) {
        return None;
    }
    drop(fs::write(folder.join("reached"), name));
    Some(folder)
}
