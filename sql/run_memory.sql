-- $1 run id, $2 the largest resident set of the process so far, in bytes
update sqlmig.run
set peak_rss_bytes = greatest(peak_rss_bytes, $2)
where id = $1
