//! Opens what a dump comes in: a file or stdin, plain, gzip, zstd, xz or pg_dump's custom format.
