//! What finds out that the other side of a connection is gone.

use std::time::Duration;

use super::{ConnInfoError, parse_value};

/// What finds out that the other side is gone.
#[derive(Debug, Clone)]
pub(in crate::db) struct TcpSettings {
    pub(in crate::db) keepalives: bool,
    pub(in crate::db) idle: Duration,
    pub(in crate::db) interval: Duration,
    pub(in crate::db) count: u32,
    pub(in crate::db) user_timeout: Option<Duration>,
}

impl Default for TcpSettings {
    /// A dead peer is noticed after a minute: 30 s of silence, then three questions 10 s apart.
    fn default() -> Self {
        Self {
            keepalives: true,
            idle: Duration::from_secs(30),
            interval: Duration::from_secs(10),
            count: 3,
            user_timeout: None,
        }
    }
}

impl TcpSettings {
    pub(super) fn read(take: &mut impl FnMut(&str) -> Option<String>) -> Result<Self, ConnInfoError> {
        let mut number = |key: &'static str| take(key).map(|value| parse_value::<u32>(key, &value)).transpose();
        // 0 is libpq's word for the system's default, for which sqlmig has its own.
        let mut tcp = Self { keepalives: number("keepalives")? != Some(0), ..Self::default() };
        let seconds =
            |value: Option<u32>| value.filter(|value| *value > 0).map(|value| Duration::from_secs(value.into()));
        tcp.idle = seconds(number("keepalives_idle")?).unwrap_or(tcp.idle);
        tcp.interval = seconds(number("keepalives_interval")?).unwrap_or(tcp.interval);
        tcp.count = number("keepalives_count")?.filter(|count| *count > 0).unwrap_or(tcp.count);
        let milliseconds = number("tcp_user_timeout")?.filter(|value| *value > 0);
        tcp.user_timeout = milliseconds.map(|value| Duration::from_millis(value.into()));
        Ok(tcp)
    }
}
