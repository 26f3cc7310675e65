-- Final tables whose row security applies to this role. $1 schemas, $2 names
select pg_catalog.format('%I.%I', namespace.nspname, class.relname) as name
from unnest($1::text[], $2::text[]) as target (schema, name)
join pg_catalog.pg_namespace as namespace on namespace.nspname = target.schema
join pg_catalog.pg_class as class on class.relnamespace = namespace.oid and class.relname = target.name
where class.relrowsecurity
    and not exists (
        select from pg_catalog.pg_roles as own where own.rolname = current_user and (own.rolsuper or own.rolbypassrls)
    )
    and (class.relforcerowsecurity or not pg_catalog.pg_has_role(class.relowner, 'usage'))
order by 1
