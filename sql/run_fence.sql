-- $1 run id. Locks the run's row against a new conductor, and says which epoch it is in.
select epoch
from sqlmig.run
where id = $1
for share
