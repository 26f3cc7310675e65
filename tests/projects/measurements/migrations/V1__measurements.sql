create table public.measurements (
    id bigint primary key,
    station text not null,
    kind text not null,
    value numeric,
    taken_at timestamptz,
    note text
);
