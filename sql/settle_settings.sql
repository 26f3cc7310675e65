-- For the statistics of a staging table, which is read as a whole and in ranges of rows: a sample of 3,000 rows tells the
-- planner enough, and takes half the time of the usual 30,000. Ends with the transaction.
set local default_statistics_target = 10;
