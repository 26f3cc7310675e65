//! Work that is done again where the database says that this may help.

use std::fmt::Display;
use std::time::Duration;

/// Times that work is tried.
const ATTEMPTS: u32 = 5;
/// Pause before the second try; it doubles with each.
const PAUSE: Duration = Duration::from_millis(100);

/// Does work, a few times with growing pauses where it fails for a reason that passes; `tell` is told of each failure that another
/// try follows.
///
/// # Errors
/// The last failure, or the first that no other try would mend.
pub async fn attempts<T, E: Display>(
    is_retryable: impl Fn(&E) -> bool,
    tell: impl Fn(String),
    work: impl AsyncFn() -> Result<T, E>,
) -> Result<T, E> {
    let mut attempt = 1;
    loop {
        match work().await {
            Err(error) if attempt < ATTEMPTS && is_retryable(&error) => {
                tell(format!("{error}; trying again ({attempt} of {ATTEMPTS})"));
                tokio::time::sleep(PAUSE * 2_u32.pow(attempt - 1)).await;
                attempt += 1;
            }
            done => return done,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test]
    async fn what_passes_is_tried_again_and_nothing_else() {
        for (passes_after, is_retryable, expected) in
            [(0, true, (Ok(0), 0)), (4, true, (Ok(4), 4)), (5, true, (Err("try 4"), 4)), (1, false, (Err("try 0"), 0))]
        {
            let (begun, told) = (Cell::new(0), Cell::new(0));
            let work = async || {
                let number = begun.replace(begun.get() + 1);
                if number < passes_after { Err(format!("try {number}")) } else { Ok(number) }
            };
            let done = attempts(|_| is_retryable, |_| told.set(told.get() + 1), work).await;
            assert_eq!((done.as_ref().map(|number| *number).map_err(String::as_str), told.get()), expected);
        }
    }
}
