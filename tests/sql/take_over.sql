-- Another conductor takes the run on while its first batch of documents is written.
create function public.take_over() returns trigger
language plpgsql as $$
begin
    update sqlmig.run set epoch = epoch + 1;
    return null;
end
$$;

create trigger take_over after insert on public.documents for each statement execute function public.take_over();
