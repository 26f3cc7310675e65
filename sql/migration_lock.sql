-- Taken while migrations run: refinery takes no lock of its own. $1 and $2 key
select pg_catalog.pg_advisory_lock($1, $2)
