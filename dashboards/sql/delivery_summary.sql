-- All edges together: what was sent, what is not here, and how long it may still wait.
select
    sum(greatest(d.committed - d.rejected, 0)) / nullif(sum(d.issued), 0)::float8 as completeness,
    sum(d.issued)::bigint as issued,
    sum(d.committed)::bigint as committed,
    sum(d.missing)::bigint as missing,
    sum(d.dropped)::bigint as dropped,
    sum(d.pending)::bigint as pending,
    max(d.lag_s) as lag_s,
    min(d.buffer_hours_left) as buffer_hours_left
from edge_delivery d
