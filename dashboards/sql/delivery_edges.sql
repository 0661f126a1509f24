-- Every life of every edge's outbox; the present one first.
select
    d.edge, d.online, d.reported_at, d.issued, d.committed, d.completeness, d.missing, d.dropped,
    d.rejected, d.duplicates, d.pending, d.lag_s, d.buffer_hours_left, d.clock_offset_ms,
    array_to_string(d.unreachable, '; ') as unreachable, d.epoch
from edge_delivery d
order by d.edge, d.present desc, d.epoch
