--! summary: Things
--! from: things
--! target: public.things
--! key: id
select
    id,
    maker,
    label,
    amount,
    note
from {{ rows }} as things
