-- Staging holds nothing of any run.
delete from sqlmig.canary
