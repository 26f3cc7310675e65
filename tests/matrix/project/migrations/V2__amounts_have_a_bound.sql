-- What the target refuses and no check foresees: a batch with such a row is halved, down to the row.
alter table public.things
add constraint things_amount_bound check (amount < 10000);
