--! summary: A file that was decoded says something
--! on: files
--! severity: warn
-- Source without doc comments, settings, an empty page: there is nothing to make a document of, and the file is known.
select _row, format('%s: nothing to read in this %s file', path, format) as reason
from {{ rows }} as files
where error is null and state = 'read' and parts = 0 and format not in ('image', 'archive', 'binary', 'other')
