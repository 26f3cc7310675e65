-- Lets ROLE load into this database, and owns nothing that was there before but sqlmig's own and the project's tables.
select pg_advisory_lock(7364);
do $do$
declare
    object record;
begin
    if to_regrole('ROLE') is null then
        -- Another database's test may do so at this moment; an advisory lock is one database's.
        begin
            create role ROLE login nosuperuser nocreatedb nocreaterole;
        exception when duplicate_object or unique_violation then
            null;
        end;
    end if;
    -- Only a superuser may, unless it is marked as trusted.
    if exists (select from pg_available_extensions where name = 'vector') then
        create extension if not exists vector;
    end if;
    execute format('grant create on database %I to ROLE', current_database());
    grant create, usage on schema public to ROLE;
    alter default privileges in schema public grant all on tables to ROLE;
    if to_regnamespace('sqlmig') is not null then
        alter schema sqlmig owner to ROLE;
        alter schema staging owner to ROLE;
    end if;
    for object in
        select 'table' as kind, class.oid::regclass::text as name
        from pg_class as class
        where class.relnamespace in (to_regnamespace('sqlmig'), to_regnamespace('staging'), 'public'::regnamespace)
            and class.relkind in ('r', 'v', 'm', 'p')
            and not exists (select from pg_depend where objid = class.oid and deptype = 'e')
        union all
        select 'type', type.oid::regtype::text
        from pg_type as type
        where type.typnamespace = 'public'::regnamespace
            and (type.typtype in ('e', 'd', 'r') or (select relkind from pg_class where oid = type.typrelid) = 'c')
            and not exists (select from pg_depend where objid = type.oid and deptype = 'e')
        union all
        select 'function', procedure.oid::regprocedure::text
        from pg_proc as procedure
        where procedure.pronamespace in (to_regnamespace('sqlmig'), 'public'::regnamespace)
            and not exists (select from pg_depend where objid = procedure.oid and deptype = 'e')
    loop
        execute format('alter %s %s owner to ROLE', object.kind, object.name);
    end loop;
end
$do$;
select pg_advisory_unlock(7364);
