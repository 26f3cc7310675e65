//! `pg_dump`'s custom format, made plain by `pg_restore -f -`: it writes SQL and connects to nothing.

use std::io::{self, Read};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread::JoinHandle;

use super::stored::Stored;

/// How much of what `pg_restore` says on stderr is kept.
const STDERR_BYTES: u64 = 16 << 10;

/// Why it can't be used; `None` if it can.
pub(super) fn unusable() -> Option<String> {
    match Command::new("pg_restore").arg("--version").stdin(Stdio::null()).output() {
        Ok(output) if output.status.success() => None,
        Ok(output) => Some(format!("and pg_restore --version failed ({})", output.status)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Some("and pg_restore is not installed".to_owned()),
        Err(error) => Some(format!("and pg_restore can't be started: {error}")),
    }
}

/// The text that a running `pg_restore` writes.
pub(super) struct PgRestore {
    child: Child,
    text: ChildStdout,
    said: Option<JoinHandle<String>>,
    hashed: Option<JoinHandle<io::Result<u64>>>,
}

impl PgRestore {
    /// Starts it on a file. The same file is read beside it for its digest: `pg_restore` must be able to seek.
    pub(super) fn start(path: &Path, mut stored: Stored) -> io::Result<Self> {
        let mut child = Command::new("pg_restore")
            .args(["-f", "-", "--"])
            .arg(path)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let (Some(text), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
            return Err(io::Error::other("pg_restore has no output"));
        };
        let said = std::thread::spawn(move || {
            let mut said = Vec::new();
            let mut stderr = stderr;
            // What it says beyond that is read all the same, or it would wait for ever.
            let _ = stderr.by_ref().take(STDERR_BYTES).read_to_end(&mut said);
            let _ = io::copy(&mut stderr, &mut io::sink());
            String::from_utf8_lossy(&said).trim().to_owned()
        });
        let hashed = std::thread::spawn(move || {
            let mut buffer = vec![0; 256 << 10];
            let mut bytes = 0;
            loop {
                match stored.read(&mut buffer)? {
                    0 => return Ok(bytes),
                    length => bytes += length as u64,
                }
            }
        });
        Ok(Self { child, text, said: Some(said), hashed: Some(hashed) })
    }

    fn end(&mut self) -> io::Result<()> {
        let status = self.child.wait()?;
        let said = self.said.take().and_then(|said| said.join().ok()).unwrap_or_default();
        if !status.success() {
            let text = format!("pg_restore failed ({status}): {said}");
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        match self.hashed.take().map(JoinHandle::join) {
            Some(Ok(result)) => result.map(|_| ()),
            Some(Err(_)) => Err(io::Error::other("the thread that hashes the source came to an end")),
            None => Ok(()),
        }
    }
}

impl Read for PgRestore {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let length = self.text.read(out)?;
        if length == 0 && !out.is_empty() && self.said.is_some() {
            self.end()?;
        }
        Ok(length)
    }
}

impl Drop for PgRestore {
    fn drop(&mut self) {
        // Where it was left in the middle; one that has ended is not there to be killed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
