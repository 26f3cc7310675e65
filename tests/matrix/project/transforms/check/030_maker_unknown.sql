--! summary: A thing has a maker that is promoted with it
--! on: things
--! severity: reject
select
    _row,
    'no maker ' || coalesce(maker, '(none)') as reason
from {{ rows }} as things
where not exists (select from {{ accepted('makers') }} as makers where makers.name = things.maker)
