--! summary: Measurements
--! from: measurements
--! target: public.measurements
--! key: id
select id, station, kind, value, taken_at, note from {{ rows }} as measurements
