-- Settings that keep data safe
select
    pg_catalog.current_setting('fsync')::boolean as fsync,
    pg_catalog.current_setting('full_page_writes')::boolean as full_page_writes,
    pg_catalog.current_setting('autovacuum')::boolean as autovacuum,
    pg_catalog.current_setting('wal_level') as wal_level,
    pg_catalog.current_setting('wal_compression') as wal_compression
