-- For the transaction that takes a run on: whoever has it is given a moment to end.
set local lock_timeout = '5s';
