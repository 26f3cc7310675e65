//! From settings to what the phases take.

use std::path::Path;

use sqlmig::decode::ScanOptions;
use sqlmig::project::Project;
use sqlmig::promote::PromoteOptions;
use sqlmig::source::SourceSpec;
use sqlmig::stage::StageOptions;

use super::settings::Settings;

/// PostgreSQL holds no field of 1 GiB or more (`MaxAllocSize`), so a longer row could not be sent whatever the setting.
const LONGEST_ROW_BYTES: usize = (1 << 30) - 1;

/// Where a source is: a file, or stdin for `-`.
pub fn spec(path: &Path) -> SourceSpec {
    if path == Path::new("-") { SourceSpec::Stdin } else { SourceSpec::File(path.to_owned()) }
}

/// How to scan a source.
pub fn scan_options(settings: &Settings) -> ScanOptions {
    ScanOptions {
        row_limit_bytes: usize::try_from(settings.row_limit.0).unwrap_or(usize::MAX).min(LONGEST_ROW_BYTES),
        database: settings.database.clone(),
        ..ScanOptions::default()
    }
}

/// How to stage it.
pub fn stage_options(settings: &Settings, project: &Project) -> StageOptions {
    StageOptions {
        only: settings.tables.clone(),
        scan: scan_options(settings),
        digested: project.settings.digest.clone(),
        max_rejects: settings.max_rejects,
        lanes: lanes(),
        timeouts: settings.timeouts,
    }
}

/// Lanes of staging: more than two gain nothing, since one thread scans for all of them.
pub fn lanes() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| cores.get().min(2))
}

/// Connections that a run needs besides those of its workers: the lock, the conductor's own, a check's results.
pub const OTHER_CONNECTIONS: usize = 4;

/// Workers that there are connections for.
pub fn most_workers(settings: &Settings) -> usize {
    usize::try_from(settings.max_connections).unwrap_or(usize::MAX).saturating_sub(OTHER_CONNECTIONS).max(1)
}

/// How to promote.
pub fn promote_options(settings: &Settings) -> PromoteOptions {
    PromoteOptions {
        batch_size: settings.batch_size,
        parallel: settings.parallel,
        most_workers: most_workers(settings),
        timeouts: settings.timeouts,
        max_refused: settings.max_rejects,
    }
}
