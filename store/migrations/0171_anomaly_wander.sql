-- What a model knew when a person approved it, to be compared with what it has become, and gone back
-- to. Of models that were approved before this, what they know when the service sees them first.

alter table anomaly_state
    drop constraint anomaly_state_kind_check,
    -- anchor: as learned; approved: as a person approved it, at the moment of that; checkpoint: on
    -- the way.
    add constraint anomaly_state_kind_check check (kind in ('anchor', 'approved', 'checkpoint'));

-- A model that has wandered is gone back to or approved as it is; it is not asked for anew.
alter table anomaly_model
    drop constraint anomaly_model_reason_check,
    add constraint anomaly_model_reason_check
    check (reason in ('commissioning', 'maintenance', 'product', 'feedback'));
