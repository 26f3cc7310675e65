--! summary: Things
--! from: things
--! target: public.things
--! key: id
select id, name, amount, extra, tags, note from {{ rows }} as things
