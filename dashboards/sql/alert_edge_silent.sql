-- Seconds since each enrolled edge that ever spoke was heard.
select d.edge as name, extract(epoch from now() - d.reported_at)::float8 as value
from edge_delivery d
where d.present and d.reported_at is not null
order by d.edge
