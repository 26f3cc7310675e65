//! Progress display and logs, read from the event stream.
