-- Whether the connection that carries the lock answers.
select true as alive;
