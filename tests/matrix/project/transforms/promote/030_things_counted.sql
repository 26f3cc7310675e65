--! summary: How many things a maker has, counted again in the final table
--! target: public.makers
--! key: name
select
    makers.name,
    makers.country,
    (select count(*)::integer from public.things as things where things.maker = makers.name) as things
from public.makers as makers
