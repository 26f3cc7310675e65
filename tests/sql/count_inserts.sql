-- Counts the rows of public.documents that are tried to be inserted, those too whose transaction is rolled back: a sequence does
-- not go back with it.
create sequence public.inserts;
-- Whoever inserts counts.
grant usage on sequence public.inserts to public;

create function public.count_insert() returns trigger language plpgsql as $$
begin
    perform nextval('public.inserts');
    return new;
end
$$;

create trigger count_inserts before insert on public.documents for each row execute function public.count_insert();
