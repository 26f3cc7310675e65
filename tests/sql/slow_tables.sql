-- Every batch takes long enough for other processes to have theirs.
create function public.slow() returns trigger language plpgsql as $$
begin
    perform pg_sleep(0.3);
    return null;
end;
$$;

create trigger slow after insert on public.documents for each statement execute function public.slow();
create trigger slow after insert on public.document_sources for each statement execute function public.slow();
