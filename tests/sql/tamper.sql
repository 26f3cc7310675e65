-- Makes the server change what is staged into staging.notes: whatever the function public.tamper says, row by row.
create function public.tamper() returns trigger
language plpgsql as $$
begin
    if new._row = 2 and current_setting('test.tamper') = 'drop' then
        return null;
    elsif new._row = 2 and current_setting('test.tamper') = 'empty' then
        new.note := null;
    elsif new._row = 2 then
        new.note := new.note || ' ';
    end if;
    return new;
end
$$;

create function public.arm() returns event_trigger
language plpgsql as $$
begin
    if exists (select from pg_event_trigger_ddl_commands() where object_identity = 'staging.notes') then
        create trigger tamper before insert on staging.notes for each row execute function public.tamper();
    end if;
end
$$;

create event trigger arm on ddl_command_end when tag in ('CREATE TABLE') execute function public.arm();
