-- Every column of every row of the final tables, in the order of their keys.
select pg_catalog.md5(
    (select coalesce(pg_catalog.string_agg(t::text, E'\n' order by t.name), '') from public.makers as t)
    || '|'
    || (select coalesce(pg_catalog.string_agg(t::text, E'\n' order by t.id), '') from public.things as t)
)
