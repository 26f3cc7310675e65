--! summary: Measurements as they are
--! from: public.measurements
--! into: measurements
select
    _row,
    {{ cast('id', 'bigint') }} as id,
    station,
    kind,
    {{ cast('value', 'numeric') }} as value,
    {{ cast('taken_at', 'timestamptz') }} as taken_at,
    note
from {{ rows }} as staged
