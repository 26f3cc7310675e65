--! summary: Things as they are
--! from: public.things
--! into: things
select
    _row,
    {{ cast('id', 'integer') }} as id,
    maker,
    label,
    {{ cast('amount', 'numeric') }} as amount,
    note,
    {{ cast('part_of', 'integer') }} as part_of
from {{ rows }} as staged
