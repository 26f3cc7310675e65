--! summary: A measurement is of a station
--! on: measurements
--! severity: reject
select _row, 'station is missing' as reason from {{ rows }} as measurements where station is null
