-- How many files a run found known, null if it has not asked. $1 run id
select known_files
from sqlmig.run
where id = $1
