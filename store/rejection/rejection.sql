-- What could not be accepted, kept.

-- name: copy_rejections
-- Rejections that cannot repeat.
copy rejection (
    received_time, topic, edge_id, epoch, row_id, tag_name, reason, detail, raw
) from stdin

-- name: insert_rejection_once
-- What is sent again and again until a person mends the cause is one row, not thousands.
insert into rejection (
    received_time, topic, edge_id, epoch, row_id, tag_name, reason, detail, raw
)
select
    %(received_time)s, %(topic)s, %(edge_id)s, %(epoch)s, %(row_id)s, %(tag_name)s, %(reason)s,
    %(detail)s, %(raw)s
where not exists (
    select from rejection
    where hashtextextended(topic, 0) = hashtextextended(%(topic)s, 0) and row_id is not null
        and topic = %(topic)s and reason = %(reason)s and epoch = %(epoch)s
        and row_id = %(row_id)s and replayed_at is null
)
