-- Two tables and a foreign key: the least in which an order of promotion and of rollback can be wrong.
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
    note text
);
