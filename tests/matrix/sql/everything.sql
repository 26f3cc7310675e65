-- All that a run writes to the ledger, as one number: unchanged when nobody has written. Event and phase rows of who was stopped are
-- no exception: a run that another has taken is the other's to write about.
select pg_catalog.md5(pg_catalog.concat_ws(
    '|',
    (select pg_catalog.string_agg(t::text, E'\n' order by t.id) from sqlmig.run as t),
    (select pg_catalog.string_agg(t::text, E'\n' order by t.run_id, t.ordinal) from sqlmig.event as t),
    (select pg_catalog.string_agg(t::text, E'\n' order by t.run_id, t.ordinal) from sqlmig.phase as t),
    (select pg_catalog.string_agg(t::text, E'\n' order by t.run_id, t.source) from sqlmig.source_table as t),
    (select pg_catalog.string_agg(t::text, E'\n' order by t.run_id, t.source, t.first_row) from sqlmig.chunk as t),
    (select pg_catalog.string_agg(t::text, E'\n' order by t.run_id, t.source, t.row) from sqlmig.quarantine as t),
    (select pg_catalog.string_agg(t::text, E'\n' order by t.run_id, t.number) from sqlmig.batch as t),
    (select pg_catalog.string_agg(t::text, E'\n' order by t.run_id, t.ordinal) from sqlmig.finding as t)
))
