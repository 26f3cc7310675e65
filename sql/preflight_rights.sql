-- Whether this role has each right; null where the object does not exist. $1 kinds, $2 objects (schemas plain, tables as SQL),
-- $3 privileges
select
    case wanted.kind
        when 'database' then pg_catalog.has_database_privilege(wanted.object, wanted.privilege)
        when 'schema' then (
            select pg_catalog.has_schema_privilege(namespace.oid, wanted.privilege)
            from pg_catalog.pg_namespace as namespace
            where namespace.nspname = wanted.object
        )
        else pg_catalog.has_table_privilege(pg_catalog.to_regclass(wanted.object)::oid, wanted.privilege)
    end as held
from unnest($1::text[], $2::text[], $3::text[]) with ordinality as wanted (kind, object, privilege, place)
order by wanted.place
