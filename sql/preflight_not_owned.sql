-- Tables that pending migrations may alter and that this role does not own: of the ledger, and, where the project has some ($3),
-- the final tables. $1 schemas, $2 names
select pg_catalog.format('%I.%I', namespace.nspname, class.relname) as name, owner.rolname::text as owner
from pg_catalog.pg_class as class
join pg_catalog.pg_namespace as namespace on namespace.oid = class.relnamespace
join pg_catalog.pg_roles as owner on owner.oid = class.relowner
where (
        (namespace.nspname = 'sqlmig' and class.relname = 'run')
        or (
            $3::boolean
            and exists (
                select
                from unnest($1::text[], $2::text[]) as target (schema, name)
                where target.schema = namespace.nspname and target.name = class.relname
            )
        )
    )
    and class.relkind in ('r', 'p')
    and not pg_catalog.pg_has_role(class.relowner, 'usage')
order by 1
