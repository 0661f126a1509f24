-- What could not be accepted, kept.

-- name: copy_rejections
-- Rejections that cannot repeat.
copy rejection (
    received_time, topic, edge_id, epoch, row_id, tag_name, reason, detail, raw
) from stdin

-- name: insert_rejections_once
-- What is sent again and again until a person mends the cause is one row, not thousands. All in one
-- statement, which is planned anew each time: a plan made for a small table would read a large one
-- once per row.
insert into rejection (
    received_time, topic, edge_id, epoch, row_id, tag_name, reason, detail, raw
)
select
    received_time, topic, edge_id, epoch, row_id, tag_name, reason, detail, raw
from (
    select distinct on (topic, reason, epoch, row_id) *
    from unnest(
        %(received_time)s::timestamptz[], %(topic)s::text[], %(edge_id)s::integer[],
        %(epoch)s::text[], %(row_id)s::bigint[], %(tag_name)s::text[], %(reason)s::text[],
        %(detail)s::text[], %(raw)s::bytea[]
    ) with ordinality as new (
        received_time, topic, edge_id, epoch, row_id, tag_name, reason, detail, raw, number
    )
    order by topic, reason, epoch, row_id, number
) as new
where not exists (
    select from rejection
    where hashtextextended(rejection.topic, 0) = hashtextextended(new.topic, 0)
        and rejection.row_id is not null and rejection.topic = new.topic
        and rejection.reason = new.reason and rejection.epoch = new.epoch
        and rejection.row_id = new.row_id and rejection.replayed_at is null
)
order by number
