//! What is done to sqlmig and its server.

/// A kind of fault: a column of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    Kill,
    Term,
    TermTwice,
    BackendKill,
    BackendEnd,
    OtherKill,
    Immediate,
    Restart,
    Reset,
    BlackHole,
    DiskFull,
    StatementTimeout,
    LockTimeout,
    Second,
    TakeOver,
    OtherSource,
    OtherWriter,
}

impl Kind {
    pub const ALL: [Self; 17] = [
        Self::Kill,
        Self::Term,
        Self::TermTwice,
        Self::BackendKill,
        Self::BackendEnd,
        Self::OtherKill,
        Self::Immediate,
        Self::Restart,
        Self::Reset,
        Self::BlackHole,
        Self::DiskFull,
        Self::StatementTimeout,
        Self::LockTimeout,
        Self::Second,
        Self::TakeOver,
        Self::OtherSource,
        Self::OtherWriter,
    ];

    /// Its name, in arguments and as a column's head.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::Term => "term",
            Self::TermTwice => "term-twice",
            Self::BackendKill => "backend-kill",
            Self::BackendEnd => "backend-end",
            Self::OtherKill => "other-kill",
            Self::Immediate => "immediate",
            Self::Restart => "restart",
            Self::Reset => "reset",
            Self::BlackHole => "black-hole",
            Self::DiskFull => "disk-full",
            Self::StatementTimeout => "statement-timeout",
            Self::LockTimeout => "lock-timeout",
            Self::Second => "second",
            Self::TakeOver => "take-over",
            Self::OtherSource => "other-source",
            Self::OtherWriter => "other-writer",
        }
    }

    /// What is done, as the page says it.
    pub fn what(self) -> &'static str {
        match self {
            Self::Kill => "SIGKILL of sqlmig",
            Self::Term => "SIGTERM of sqlmig, which must end within 10 seconds",
            Self::TermTwice => "SIGTERM twice: the second must stop it at once, even where it waits",
            Self::BackendKill => "SIGKILL of all its server processes: the server crashes and empties UNLOGGED tables",
            Self::BackendEnd => "`pg_terminate_backend` of all its server processes",
            Self::OtherKill => "SIGKILL of a server process of somebody else in another database: the same crash",
            Self::Immediate => "immediate stop of the server, and start: the same as a crash",
            Self::Restart => "fast stop of the server, and start: staging is kept",
            Self::Reset => "every connection is reset (TCP RST) on the way",
            Self::BlackHole => {
                "for 12 s every packet is swallowed on the way and none answered; then the network is as before"
            }
            Self::DiskFull => "the file system of all its tables is filled up, and emptied when it has ended",
            Self::StatementTimeout => {
                "the table it needs next is locked for longer than `statement_timeout`, then let go"
            }
            Self::LockTimeout => "the table it needs next is locked for longer than `lock_timeout`, then let go",
            Self::Second => {
                "a second conductor is started: it must exit 6 and name host, process and time of the first"
            }
            Self::TakeOver => {
                "SIGSTOP; the server ends the lock's connection; a second conductor runs to the end; SIGCONT: the first \
                 must stop and have written nothing more"
            }
            Self::OtherSource => {
                "SIGKILL of sqlmig; the same command with a source of the same size in which letters differ: it \
                 must be refused by name, and change nothing; then the right source again"
            }
            Self::OtherWriter => {
                "somebody else inserts a row that the load is about to insert, and commits when sqlmig waits for him: the row \
                 must be updated then, and not be taken for inserted"
            }
        }
    }

    /// Whether sqlmig talks to the server through the proxy.
    pub fn is_on_the_wire(self) -> bool {
        matches!(self, Self::Reset | Self::BlackHole)
    }

    /// Settings that make sqlmig wait for less than a locked table takes.
    pub fn variables(self) -> Vec<(&'static str, &'static str)> {
        match self {
            Self::LockTimeout => vec![("SQLMIG_LOCK_TIMEOUT", "300ms"), ("SQLMIG_STATEMENT_TIMEOUT", "5min")],
            Self::StatementTimeout => vec![("SQLMIG_LOCK_TIMEOUT", "30s"), ("SQLMIG_STATEMENT_TIMEOUT", "400ms")],
            _ => Vec::new(),
        }
    }
}
