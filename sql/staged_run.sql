-- The run that staging holds, unless a crash of the server has emptied it
select run_id
from sqlmig.canary
