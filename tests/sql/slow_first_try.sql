-- The first time that rows are written takes a second, and then fails in a way that is tried again.
create sequence public.tries;
-- Whoever inserts counts its tries.
grant usage on sequence public.tries to public;

create function public.slow_first_try() returns trigger language plpgsql as $$
begin
    if nextval('public.tries') = 1 then
        perform pg_sleep(1);
        raise 'the first try fails' using errcode = 'serialization_failure';
    end if;
    return new;
end
$$;

create trigger slow_first_try before insert on public.things
for each row execute function public.slow_first_try();
