-- Nothing that a message says may cost the others their turn.

-- A topic may be longer than an entry of an index.
drop index rejection_repeat;
create index rejection_repeat on rejection (hashtextextended(topic, 0), row_id)
where row_id is not null;

-- When another life of an outbox last brought something is asked with each message; some edges
-- have had thousands of lives.
create index delivery_ledger_recent on delivery_ledger (edge_id, last_commit_at);

-- Ids of `dropped` that have a reason of their own; the others were given up by a full outbox.
alter table delivery_ledger
-- The platform had confirmed them and lost them: a restored backup, a failover with a lost tail.
add column set_back int8multirange not null default '{}',
-- The edge's outbox was damaged on its disk.
add column damaged int8multirange not null default '{}';
