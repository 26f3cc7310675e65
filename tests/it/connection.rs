//! Connection strings, passwords, TLS and poolers against real servers.
