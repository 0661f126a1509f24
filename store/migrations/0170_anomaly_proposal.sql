-- Clocks that are wrong are told, and the service asks for models of its own accord.

alter table anomaly_event
    drop constraint anomaly_event_kind_check,
    add constraint anomaly_event_kind_check
    check (kind in ('model', 'wear', 'stuck', 'range', 'gap', 'clock', 'limit', 'silence', 'wander'));

alter table anomaly_model
    drop constraint anomaly_model_reason_check,
    add constraint anomaly_model_reason_check
    check (reason in ('commissioning', 'maintenance', 'product', 'feedback', 'wander')),
    -- Why the service asked for it: number of the maintenance, product; empty: a person did.
    add column because text not null default '';

-- What was refused once is not asked for again.
create unique index anomaly_model_because on anomaly_model (work_unit_id, reason, because)
where because <> '';
