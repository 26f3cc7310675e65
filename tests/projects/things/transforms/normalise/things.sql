--! summary: Things as they are
--! from: public.things
--! into: things
select
    _row,
    {{ cast('id', 'integer') }} as id,
    name,
    {{ cast('amount', 'numeric') }} as amount,
    {{ cast('extra', 'json') }} as extra,
    {{ cast('tags', 'text[]') }} as tags,
    note
from {{ rows }} as staged
