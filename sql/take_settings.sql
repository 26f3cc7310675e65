-- For the transaction that takes a run on: whoever has it is given a moment to end, which
-- is the same whatever the other phases may wait for a lock.
set local lock_timeout = '5s';
