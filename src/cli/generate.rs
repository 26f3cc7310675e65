//! The hidden command that writes generated dumps.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use sqlmig::generate;

use super::args::GenerateArgs;

/// Writes a generated dump, and what was planted in it.
///
/// # Errors
/// What the file or stdout says.
pub fn write_dump(args: &GenerateArgs) -> io::Result<()> {
    let options = generate::Options {
        shape: args.shape,
        documents: args.documents,
        seed: args.seed,
        dimensions: usize::try_from(args.dimensions).unwrap_or(usize::MAX),
        faults: args.faults.clone(),
        newer: args.newer,
    };
    let planted = if args.file == Path::new("-") {
        let mut out = BufWriter::new(io::stdout().lock());
        let planted = generate::write_dump(&options, &mut out)?;
        out.flush()?;
        planted
    } else {
        let file = BufWriter::new(File::create(&args.file)?);
        if args.file.extension().is_some_and(|extension| extension == "gz") {
            let mut out = GzEncoder::new(file, Compression::default());
            let planted = generate::write_dump(&options, &mut out)?;
            out.finish()?.flush()?;
            planted
        } else {
            let mut out = file;
            let planted = generate::write_dump(&options, &mut out)?;
            out.flush()?;
            planted
        }
    };
    if let Some(index) = &args.index {
        serde_json::to_writer_pretty(File::create(index)?, &planted)?;
    }
    Ok(())
}
