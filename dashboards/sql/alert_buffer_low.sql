-- Hours until the buffer of an edge is full, where the edge says so and something waits in it.
select d.edge as name, d.buffer_hours_left::float8 as value
from edge_delivery d
where d.present and d.buffer_hours_left is not null and d.pending > 0
order by d.edge
