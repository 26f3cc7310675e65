-- Two tables and two foreign keys, one of them to the same table: the least in which an order of promotion and of rollback, of
-- tables and of batches, can be wrong.
create table public.makers (
    name text primary key,
    country text not null,
    things integer not null default 0
);

create table public.things (
    id integer primary key,
    maker text not null references public.makers (name),
    label text not null,
    amount numeric,
    note text,
    part_of integer references public.things (id)
);
