-- A row that is refused, but not before other workers had time for the batches that follow.
create function public.refused(id uuid) returns boolean language plpgsql as $$
begin
    if id = current_setting('test.refused')::uuid then
        perform pg_sleep(1);
        return false;
    end if;
    return true;
end;
$$;
