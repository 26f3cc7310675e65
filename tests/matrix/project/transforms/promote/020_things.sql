--! summary: Things
--! from: things
--! target: public.things
--! key: id
select
    id,
    maker,
    label,
    amount,
    note,
    part_of
from {{ rows }} as things
