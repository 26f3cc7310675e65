--! summary: A maker has a country
--! on: makers
--! severity: reject
select
    _row,
    'country is missing' as reason
from {{ rows }} as makers
where country is null
