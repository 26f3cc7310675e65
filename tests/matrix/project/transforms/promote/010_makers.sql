--! summary: Makers
--! from: makers
--! target: public.makers
--! key: name
select
    name,
    country
from {{ rows }} as makers
