//! Which error of the library ends with which exit code: one line an error type, here and nowhere else.

use std::io;

use sqlmig::check::CheckError;
use sqlmig::db::embedded::EmbeddedError;
use sqlmig::db::ledger::{FenceError, KnownError};
use sqlmig::db::lock::LockError;
use sqlmig::db::migrate::MigrateError;
use sqlmig::db::pooler::PoolerError;
use sqlmig::db::scratch::ScratchError;
use sqlmig::db::server_info::ServerError;
use sqlmig::db::staging::StagingError;
use sqlmig::db::{ConnInfoError, DbError};
use sqlmig::embed::EmbedError;
use sqlmig::index::IndexError;
use sqlmig::metrics::MetricsError;
use sqlmig::pipeline::PipelineError;
use sqlmig::plan::PlanError;
use sqlmig::project::ProjectError;
use sqlmig::promote::PromoteError;
use sqlmig::provider::EndpointError;
use sqlmig::relations::RelationsError;
use sqlmig::rollback::RollbackError;
use sqlmig::search::SearchError;
use sqlmig::source::SourceError;
use sqlmig::source::remote::RemoteError;
use sqlmig::stage::StageError;
use sqlmig::template::TemplateError;
use sqlmig::tokens::UnknownTokenizer;
use sqlmig::validate::ValidateError;

use super::failure::{ExitCode, Failure};

impl From<super::settings::SettingsError> for Failure {
    fn from(error: super::settings::SettingsError) -> Self {
        Self::from_error(ExitCode::Usage, &error).with_hint(error.hint())
    }
}

/// The code of a database error: the server is away, the settings or the project's SQL are wrong, or it refused the
/// data.
fn database(error: &DbError) -> ExitCode {
    // Without room or memory it is as good as away: the same command goes on once there is some.
    if error.is_unavailable() || error.is_retryable() || error.is_canceled() || error.is_exhausted() {
        ExitCode::Database
    } else if error.is_configuration() || error.is_statement() {
        ExitCode::Usage
    } else if error.is_data() {
        ExitCode::Data
    } else {
        ExitCode::Unexpected
    }
}

/// The code of a source on the network that can't be read: it is away for now, or it will not do.
fn remote_code(error: &RemoteError) -> ExitCode {
    if error.is_transient() { ExitCode::SourceAway } else { ExitCode::Source }
}

/// Says how an error is told: its code, and its own hint.
macro_rules! told {
    ($error:ty, $code:expr) => {
        impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                // However deep it is: what is wrong with a source on the network was found wherever it was being read.
                if let Some(remote) = RemoteError::among(&error) {
                    return Self::from_error(remote_code(remote), &error).with_hint(remote.hint());
                }
                let code: fn(&$error) -> ExitCode = $code;
                Self::from_error(code(&error), &error).with_hint(error.hint())
            }
        }
    };
}

told!(MetricsError, |_| ExitCode::Usage);
told!(DbError, database);
told!(ConnInfoError, |_| ExitCode::Usage);
told!(EmbeddedError, |error| match error {
    EmbeddedError::Db(error) => database(error),
    EmbeddedError::NoAnswer { .. } | EmbeddedError::DiskFull(_) | EmbeddedError::Fetch(_) => ExitCode::Database,
    _ => ExitCode::Usage,
});
told!(ProjectError, |_| ExitCode::Usage);
told!(TemplateError, |_| ExitCode::Usage);
told!(EndpointError, |_| ExitCode::Usage);
told!(UnknownTokenizer, |_| ExitCode::Usage);
told!(SourceError, |error| match error {
    SourceError::Remote(error) => remote_code(error),
    SourceError::Location(_) => ExitCode::Usage,
    _ => ExitCode::Source,
});
told!(PoolerError, |error| match error {
    PoolerError::Db(error) => database(error),
    PoolerError::TransactionMode { .. } => ExitCode::Usage,
});
told!(LockError, lock);
told!(ServerError, server);
told!(StagingError, staging);
told!(ScratchError, |error| match error {
    ScratchError::Template(_) => ExitCode::Unexpected,
    ScratchError::Db(error) if error.is_unavailable() => ExitCode::Database,
    ScratchError::Db(_) => ExitCode::Usage,
});
told!(StageError, stage);
told!(PlanError, |error| match error {
    PlanError::Thread(_) => ExitCode::Unexpected,
    PlanError::Template(_) => ExitCode::Usage,
    PlanError::Migrate(error) => migrate(error),
    PlanError::Known(error) => known(error),
    PlanError::Stage(error) => stage(error),
    PlanError::Relations(error) => relations(error),
    PlanError::Check(error) => check(error),
    PlanError::Embed(error) => embed(error),
    PlanError::Promote(error) => promote(error),
    PlanError::Db(error) => database(error),
});
told!(PipelineError, |error| match error {
    PipelineError::NoRun(_)
    | PipelineError::TooEarly { .. }
    | PipelineError::Ended { .. }
    | PipelineError::Superseded { .. }
    | PipelineError::Differs { .. }
    | PipelineError::NothingToJoin(_)
    | PipelineError::Unused(_)
    | PipelineError::NoService
    | PipelineError::Retry(_)
    | PipelineError::Why(_) => ExitCode::Usage,
    PipelineError::Incomplete(_) | PipelineError::Unreadable { .. } => ExitCode::Source,
    // To be tried again: the same command stages again.
    PipelineError::StagingLost { .. } => ExitCode::Database,
    PipelineError::Interrupted => ExitCode::Interrupted,
    PipelineError::Fence(error) => fence(error),
    PipelineError::Lock(error) => lock(error),
    PipelineError::Migrate(error) => migrate(error),
    PipelineError::Stage(error) => stage(error),
    PipelineError::Relations(error) => relations(error),
    PipelineError::Known(error) => known(error),
    PipelineError::Check(error) => check(error),
    PipelineError::Embed(error) => embed(error),
    PipelineError::Promote(error) => promote(error),
    PipelineError::Index(error) => index(error),
    PipelineError::Search(error) => search(error),
    PipelineError::Validate(error) => match error {
        ValidateError::Books(_) | ValidateError::Proofs(_) => ExitCode::Data,
        ValidateError::Template(_) | ValidateError::Writes(_) => ExitCode::Usage,
        ValidateError::Fence(error) => fence(error),
        ValidateError::Db(error) => database(error),
    },
    PipelineError::Server(error) => server(error),
    PipelineError::Staging(error) => staging(error),
    PipelineError::Db(error) => database(error),
});

told!(SearchError, search);
told!(RollbackError, |error| match error {
    RollbackError::Batch { error, .. } | RollbackError::Db(error) => database(error),
    RollbackError::Interrupted => ExitCode::Interrupted,
    RollbackError::Fence(error) => fence(error),
    RollbackError::Staging(error) => staging(error),
    RollbackError::Template(_) => ExitCode::Unexpected,
    _ => ExitCode::Usage,
});

fn check(error: &CheckError) -> ExitCode {
    match error {
        CheckError::Blocked(_) | CheckError::TooManyRejects { .. } => ExitCode::Data,
        CheckError::Dedup { .. } | CheckError::Template(_) | CheckError::Writes(_) => ExitCode::Usage,
        CheckError::Staging(error) => staging(error),
        CheckError::Relations(error) => relations(error),
        CheckError::Fence(error) => fence(error),
        CheckError::Db(error) => database(error),
    }
}

fn promote(error: &PromoteError) -> ExitCode {
    match error {
        PromoteError::SameKey { .. }
        | PromoteError::Counts { .. }
        | PromoteError::TooManyRefused { .. }
        | PromoteError::GivenUp { .. } => ExitCode::Data,
        PromoteError::Batch { error, .. } | PromoteError::Db(error) => database(error),
        PromoteError::Sql(_, error) => select(error),
        PromoteError::Relations(error) => relations(error),
        PromoteError::Fence(error) => fence(error),
        PromoteError::Interrupted => ExitCode::Interrupted,
        PromoteError::Unfinished(_) => ExitCode::Unexpected,
        _ => ExitCode::Usage,
    }
}

fn index(error: &IndexError) -> ExitCode {
    match error {
        IndexError::Sql(_, error) | IndexError::Db(error) => database(error),
        IndexError::Interrupted => ExitCode::Interrupted,
        IndexError::Taken { .. } | IndexError::None(_) | IndexError::Template(_) => ExitCode::Usage,
    }
}

fn search(error: &SearchError) -> ExitCode {
    match error {
        SearchError::Service(error) if error.is_transient() => ExitCode::Embeddings,
        SearchError::Sql(_, error) | SearchError::Db(error) => database(error),
        _ => ExitCode::Usage,
    }
}

fn embed(error: &EmbedError) -> ExitCode {
    match error {
        EmbedError::Unavailable { .. } => ExitCode::Embeddings,
        EmbedError::Unusable { .. } | EmbedError::Template(_) => ExitCode::Usage,
        EmbedError::Budget { .. } | EmbedError::Blocked(_) => ExitCode::Data,
        // To be tried again.
        EmbedError::Changed { .. } => ExitCode::Database,
        EmbedError::Interrupted => ExitCode::Interrupted,
        EmbedError::Sql(_, error) => select(error),
        EmbedError::Relations(error) => relations(error),
        EmbedError::Fence(error) => fence(error),
        EmbedError::Db(error) => database(error),
    }
}

fn lock(error: &LockError) -> ExitCode {
    match error {
        LockError::Db(error) => database(error),
        LockError::Held(_) | LockError::Lost => ExitCode::Locked,
    }
}

fn fence(error: &FenceError) -> ExitCode {
    match error {
        FenceError::TakenOver(_) => ExitCode::Locked,
        // To be tried again: the same command stages again.
        FenceError::StagingLost(_) => ExitCode::Database,
        FenceError::Db(error) => database(error),
    }
}

fn server(error: &ServerError) -> ExitCode {
    if let ServerError::Db(error) = error { database(error) } else { ExitCode::Usage }
}

fn migrate(error: &MigrateError) -> ExitCode {
    match error {
        MigrateError::Db(error) => database(error),
        MigrateError::Lost { .. } => ExitCode::Database,
        MigrateError::Busy(error) => lock(error),
        _ => ExitCode::Usage,
    }
}

fn relations(error: &RelationsError) -> ExitCode {
    match error {
        RelationsError::Db(error) => database(error),
        RelationsError::Sql(_, error) => select(error),
        _ => ExitCode::Usage,
    }
}

/// Of a SELECT of the project's: it is wrong, unless nobody was there to say so.
fn select(error: &DbError) -> ExitCode {
    if database(error) == ExitCode::Database { ExitCode::Database } else { ExitCode::Usage }
}

fn stage(error: &StageError) -> ExitCode {
    match error {
        StageError::Decode(_) | StageError::Shape { .. } | StageError::SameName { .. } => ExitCode::Source,
        StageError::Interrupted => ExitCode::Interrupted,
        StageError::Fence(error) => fence(error),
        StageError::NoVector(error) => server(error),
        StageError::OtherSource { .. } | StageError::Foreign { .. } | StageError::NoTables { .. } => ExitCode::Usage,
        StageError::TooManyRejects { .. }
        | StageError::Copied { .. }
        | StageError::Count { .. }
        | StageError::Digest { .. } => ExitCode::Data,
        StageError::Staging(error) => staging(error),
        StageError::Db(error) => database(error),
        StageError::Stopped | StageError::Lane(_) | StageError::Template(_) => ExitCode::Unexpected,
    }
}

fn known(error: &KnownError) -> ExitCode {
    if let KnownError::Db(error) = error { database(error) } else { ExitCode::Unexpected }
}

fn staging(error: &StagingError) -> ExitCode {
    if let StagingError::Db(error) = error { database(error) } else { ExitCode::Unexpected }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::from_error(ExitCode::Unexpected, &error)
    }
}

impl From<sqlmig::telemetry::log::LogError> for Failure {
    fn from(error: sqlmig::telemetry::log::LogError) -> Self {
        Self::from_error(ExitCode::Usage, &error).with_hint(error.hint())
    }
}
