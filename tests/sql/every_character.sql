-- A table of every character of the basic plane (and some beyond) that the encoding has, in the form in which it comes
-- back from there: several characters may go to the same bytes.
create table public.characters (code integer, alone text, between text);
create function pg_temp.through(letter text) returns text language plpgsql as $$
begin
    return convert_from(convert_to(letter, 'ENCODING'), 'ENCODING');
exception when others then
    return null;
end
$$;
insert into public.characters
select code, letter, E'\\' || letter || E'\'' || letter || E'\t' || letter || E'\n' || letter
from generate_series(1, 72000) as code
cross join lateral (
    select case when code not between 55296 and 57343 then pg_temp.through(chr(code)) end as letter
) as through
where letter is not null;
