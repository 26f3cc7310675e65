--! summary: A file of a tree is of a kind that holds documentation
--! on: files
--! severity: reject
-- Pictures, archives in archives, programs, source in languages that are not read. Name such files in .ignore to leave
-- them out.
select _row, format('%s: no documentation is read from files of the kind %s', path, format) as reason
from {{ rows }} as files
where error is null and format in ('image', 'archive', 'binary', 'other')
