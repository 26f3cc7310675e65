--! summary: No file of a tree was left out by .gitignore, .ignore or for a name that begins with a dot
--! on: trees
--! severity: warn
select _row, format('%s files of %s were left out: ignored, or hidden', files_left_out, source_name) as reason
from {{ rows }} as trees
where files_left_out > 0
