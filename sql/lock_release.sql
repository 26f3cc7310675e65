-- Gives a session advisory lock back. $1: class, $2: kind of lock.
select pg_catalog.pg_advisory_unlock($1::int, $2::int);
