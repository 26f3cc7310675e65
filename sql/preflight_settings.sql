-- Settings as numbers, in bytes or milliseconds, and where each was set. $1 names
select
    setting.name,
    setting.setting::bigint * case setting.unit
        when 'kB' then 1024
        when '8kB' then 8192
        when 'MB' then 1048576
        when 's' then 1000
        when 'min' then 60000
        else 1
    end as value,
    setting.source
from pg_catalog.pg_settings as setting
where setting.name = any ($1::text[]) and setting.vartype = 'integer'
