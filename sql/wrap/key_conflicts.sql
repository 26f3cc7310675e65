-- Keys that more than one row of the run would be written to: one would overwrite the other.
select pg_catalog.concat_ws('/', {{ key | idents('incoming') }}) as key,
    pg_catalog.count(*) as rows
from (
{{ select }}) as incoming
group by {{ key | idents('incoming') }}
having pg_catalog.count(*) > 1
order by 1
limit 5
