-- One row that takes long.
create function public.slow() returns trigger language plpgsql as $$
begin
    if new.id = 7 then
        perform pg_sleep(5);
    end if;
    return new;
end;
$$;

create trigger slow before insert on public.things for each row execute function public.slow();
