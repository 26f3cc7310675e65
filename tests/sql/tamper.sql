-- Makes the server change what is staged into staging.documents, in the way that the setting test.tamper names.
create function public.tamper() returns trigger
language plpgsql as $$
begin
    if new._row <> 2 then
        return new;
    end if;
    case current_setting('test.tamper')
        when 'drop' then return null;
        when 'digest' then new._digest := new._digest + 1;
        when 'empty' then new.content := null;
        when 'change' then new.content := new.content || ' ';
    end case;
    return new;
end
$$;

create function public.arm() returns event_trigger
language plpgsql as $$
begin
    if exists (select from pg_event_trigger_ddl_commands() where object_identity = 'staging.documents') then
        create trigger tamper before insert on staging.documents for each row execute function public.tamper();
    end if;
end
$$;

create event trigger arm on ddl_command_end when tag in ('CREATE TABLE') execute function public.arm();
