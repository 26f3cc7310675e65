-- Notes every version of a row of public.things that an update replaced, and who did it.
create table public.audit (xid xid8, id integer, name text, amount numeric, note text);
create function public.note_old() returns trigger language plpgsql as $$
begin
    insert into public.audit values (pg_current_xact_id(), old.id, old.name, old.amount, old.note);
    return null;
end;
$$;
create trigger note_old after update on public.things for each row execute function public.note_old();
