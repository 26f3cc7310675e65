--! summary: Every clean thing is in the final table
--! on: public.things
--! severity: error
select
    things.id::text as row,
    'did not arrive' as reason
from {{ clean('things') }} as things
where not exists (select from public.things as final where final.id = things.id)
