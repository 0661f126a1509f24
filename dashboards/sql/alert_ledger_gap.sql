-- Measurements that an edge gave out, that are not here, and that it does not keep.
select d.edge as name, greatest(0, sum(d.missing - coalesce(d.pending, 0)))::float8 as value
from edge_delivery d
where d.epoch is not null
group by d.edge
order by d.edge
