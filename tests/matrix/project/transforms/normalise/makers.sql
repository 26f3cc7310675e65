--! summary: Makers as they are
--! from: public.makers
--! into: makers
select
    _row,
    name,
    country
from {{ rows }} as staged
