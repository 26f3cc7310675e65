-- Triggers of the final tables that fire on insert, update or delete, and whether they know of sqlmig.loading.
-- $1 schemas, $2 names. tgtype: 4 insert, 8 delete, 16 update
select
    pg_catalog.quote_ident(trigger.tgname) as name,
    pg_catalog.format('%I.%I', namespace.nspname, class.relname) as table,
    pg_catalog.pg_get_triggerdef(trigger.oid) like '%sqlmig.loading%' as aware
from unnest($1::text[], $2::text[]) as target (schema, name)
join pg_catalog.pg_namespace as namespace on namespace.nspname = target.schema
join pg_catalog.pg_class as class on class.relnamespace = namespace.oid and class.relname = target.name
join pg_catalog.pg_trigger as trigger on trigger.tgrelid = class.oid
where not trigger.tgisinternal and trigger.tgenabled in ('O', 'A') and trigger.tgtype & 28 <> 0
order by 2, 1
