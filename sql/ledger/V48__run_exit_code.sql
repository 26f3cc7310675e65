-- How the last process that conducted the run ended, as its exit code; null while one is at work, and of one that was killed.
alter table sqlmig.run
add column exit_code smallint;
