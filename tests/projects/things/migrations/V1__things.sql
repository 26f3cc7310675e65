create table public.things (
    id integer primary key,
    name text not null,
    amount numeric,
    extra json,
    tags text[],
    note text,
    doubled integer generated always as (id * 2) stored
);
