-- $1 and $2 key
select pg_catalog.pg_advisory_unlock($1, $2)
