--! summary: A thing has a label
--! on: things
--! severity: reject
select
    _row,
    'label is missing' as reason
from {{ rows }} as things
where label is null
