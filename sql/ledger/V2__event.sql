-- What an operator should know of a run and no other table says: migrations applied, warnings, transforms skipped; and who
-- did it, from where, when.
create table sqlmig.event (
    run_id uuid not null references sqlmig.run (id) on delete cascade,
    ordinal bigint generated always as identity,
    kind text not null,
    message text not null,
    at timestamptz not null default now(),
    who text not null default session_user,
    client_address text default pg_catalog.host(pg_catalog.inet_client_addr()),
    application text not null default pg_catalog.current_setting('application_name'),
    primary key (run_id, ordinal)
);

-- Every change of a run's state is an event. By a trigger, so that no statement can change a run and forget to say so, and
-- the event commits with the change.
create function sqlmig.record_run_change() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $body$
begin
    if tg_op = 'INSERT' then
        insert into sqlmig.event (run_id, kind, message)
        values (new.id, 'begun', pg_catalog.format('%s by project %s, on %s, process %s', new.source, new.project, new.host, new.pid));
        return null;
    end if;
    if new.epoch <> old.epoch then
        insert into sqlmig.event (run_id, kind, message)
        values (new.id, 'taken', pg_catalog.format('epoch %s, on %s, process %s', new.epoch, new.host, new.pid));
    end if;
    if new.state <> old.state then
        insert into sqlmig.event (run_id, kind, message)
        values (new.id, 'state', pg_catalog.format('%s to %s', old.state, new.state));
    end if;
    if new.error is not null and new.error is distinct from old.error then
        insert into sqlmig.event (run_id, kind, message)
        values (new.id, 'failed', new.error);
    end if;
    if new.accepted_at is not null and old.accepted_at is null then
        insert into sqlmig.event (run_id, kind, message)
        values (new.id, 'accepted', 'its before-images are given up');
    end if;
    return null;
end
$body$;

create trigger run_change
after insert or update on sqlmig.run
for each row execute function sqlmig.record_run_change();
