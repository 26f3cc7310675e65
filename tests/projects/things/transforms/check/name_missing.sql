--! summary: A thing has a name
--! on: things
--! severity: reject
select _row, 'name is missing' as reason from {{ rows }} as things where name is null
