--! summary: An amount is not negative
--! on: things
--! severity: warn
select
    _row,
    'amount is ' || amount as reason
from {{ rows }} as things
where amount < 0
