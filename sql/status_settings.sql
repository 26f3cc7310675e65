-- Whoever looks must not be a burden, nor wait for ever. $1 how long a statement may take
select pg_catalog.set_config('statement_timeout', $1, true)
