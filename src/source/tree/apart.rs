//! PDFs are read by a process of their own, which has an end to its memory, its time and its stack.
//!
//! What interprets a page is made to draw, not to be fed hostile files: a stream may unpack to gigabytes, forms may draw one
//! another for hours, and neither an allocation that fails nor a full stack can be caught as a panic can. A process that
//! the kernel ends is one file in quarantine. docs/adr/0041.

use std::io::{self, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::Signal;

use crate::formats::{Decoded, Format, FormatError, Pdf, read_pdf};

/// The command of this program that [`serve`] is behind.
pub(super) const COMMAND: &str = "read-pdf";

/// What the process may map. A manual of 3,000 pages takes 60 MiB; the rest is for allocators that reserve more than they use.
const MEMORY_BYTES: u64 = 1 << 30;

/// How long it may compute. A page takes about a millisecond.
const CPU_SECONDS: u64 = 60;

/// Its stack, as large as that of the other parsers.
const STACK_BYTES: usize = super::STACK_BYTES;

/// The process: reads a PDF from `input`, writes what it says to `out`.
///
/// # Errors
/// The limits cannot be set, or input or output fail.
pub fn serve(mut input: impl Read, mut out: impl Write) -> io::Result<()> {
    for (resource, most) in
        [(Resource::RLIMIT_AS, MEMORY_BYTES), (Resource::RLIMIT_CPU, CPU_SECONDS), (Resource::RLIMIT_CORE, 0)]
    {
        let (_, hard) = getrlimit(resource)?;
        setrlimit(resource, most.min(hard), hard)?;
    }
    let mut bytes = Vec::new();
    input.read_to_end(&mut bytes)?;
    let reading = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(move || read_pdf(&bytes))?;
    let read = reading.join().map_err(|_| io::Error::other("the reader panicked"))?;
    serde_json::to_writer(&mut out, &read)?;
    out.flush()
}

/// Reads a PDF by `program`, which is this one; text of more than `limit` bytes is refused.
///
/// # Errors
/// The process could not be begun, or somebody ended it: nothing that the file is to blame for.
pub(super) fn read(program: &Path, bytes: &[u8], limit: u64) -> io::Result<Result<Decoded, FormatError>> {
    let mut child = Command::new(program)
        .arg(COMMAND)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        // Ctrl-C is for us: a reader that it ended would look like a file that can't be read.
        .process_group(0)
        .spawn()
        .map_err(|error| io::Error::new(error.kind(), format!("{} can't be begun: {error}", program.display())))?;
    let (input, output) = (child.stdin.take(), child.stdout.take());
    // It writes only when it has read all, so neither waits for the other. One that ended early is judged by how.
    if let Some(mut input) = input {
        drop(input.write_all(bytes));
    }
    let mut answer = Vec::new();
    if let Some(output) = output {
        output.take(limit.saturating_add(1)).read_to_end(&mut answer)?;
    }
    if answer.len() as u64 > limit {
        child.kill()?;
        child.wait()?;
        return Ok(Err(broken(super::archive::over(limit))));
    }
    let status = child.wait()?;
    if !status.success() {
        return ended(status).map(|reason| Err(broken(reason)));
    }
    let read: Result<Pdf, String> = serde_json::from_slice(&answer)?;
    Ok(read.map(Decoded::from).map_err(broken))
}

fn broken(reason: String) -> FormatError {
    FormatError::Broken { format: Format::Pdf, reason }
}

/// Why the process ended, where that is the file's doing.
fn ended(status: ExitStatus) -> io::Result<String> {
    let signal = status.signal().and_then(|signal| Signal::try_from(signal).ok());
    match signal {
        Some(Signal::SIGXCPU) => Ok(format!("reading it takes more than {CPU_SECONDS} seconds")),
        // What an allocation that fails, a full stack or a bug ends with.
        Some(Signal::SIGABRT | Signal::SIGSEGV | Signal::SIGBUS | Signal::SIGILL) | None => {
            Ok(format!("reading it takes more than {} MiB, or its reader failed", MEMORY_BYTES >> 20))
        }
        Some(signal) => Err(io::Error::other(format!("the process that read a PDF was ended by {signal}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_to_blame_for_its_own_ends_only() {
        let by = |signal: Signal| ended(ExitStatus::from_raw(signal as i32));
        assert_eq!(by(Signal::SIGXCPU).unwrap(), "reading it takes more than 60 seconds");
        for signal in [Signal::SIGABRT, Signal::SIGSEGV] {
            assert!(by(signal).unwrap().contains("more than 1024 MiB"), "{signal}");
        }
        let exit_code_1 = ExitStatus::from_raw(1 << 8);
        assert!(ended(exit_code_1).unwrap().contains("its reader failed"));
        // The kernel short of memory, or a person: another try may read the file.
        for signal in [Signal::SIGKILL, Signal::SIGTERM, Signal::SIGHUP] {
            assert!(by(signal).unwrap_err().to_string().contains(signal.as_str()), "{signal}");
        }
    }

    #[test]
    fn a_program_that_is_not_there_is_no_fault_of_the_file() {
        let error = read(Path::new("/nonexistent/sqlmig"), b"%PDF-", 1).unwrap_err();
        assert!(error.to_string().contains("/nonexistent/sqlmig can't be begun"), "{error}");
    }
}
