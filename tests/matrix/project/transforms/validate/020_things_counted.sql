--! summary: A maker's count is that of its things
--! on: public.makers
--! severity: error
select
    makers.name as row,
    'counts ' || makers.things as reason
from public.makers as makers
where makers.things <> (select count(*) from public.things as things where things.maker = makers.name)
