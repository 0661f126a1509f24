-- name: revoke_writes
-- Whatever was granted before, by an older schema or by a default.
revoke insert, update, delete, truncate, references, trigger
on all tables in schema public
from nhipmay_analytics

-- name: grant_reads
-- Figures come from measurements and master data.
grant select on all tables in schema public to nhipmay_analytics

-- name: grant_figures
-- Computed again whenever what they come from changes.
grant insert, update, delete
on base_sum, counter_judgement, failure, minute_sum, oee_result, state_interval, stop
to nhipmay_analytics

-- name: grant_dirty_hours
-- Hours that wait for it; it alone takes them away.
grant insert, update, delete on dirty_window to nhipmay_analytics

-- name: grant_rollups
-- Summed up again whenever rows come.
grant insert, update, delete on measurement_rollup, rollup_mark to nhipmay_analytics

-- name: grant_restatements
-- That a published figure has changed is added, never taken back.
grant insert on oee_restatement, oee_result_past to nhipmay_analytics

-- name: grant_anomalies
-- What models know and find; people propose and approve them, and say what an event was.
grant insert, update, delete on anomaly_event, anomaly_message, anomaly_state to nhipmay_analytics

-- name: grant_anomaly_progress
-- How far models and limits have come, and what was learned of remarks.
grant update on anomaly_model, anomaly_limit to nhipmay_analytics

-- name: grant_anomaly_proposals
-- After maintenance, and when a product is new.
grant insert on anomaly_model to nhipmay_analytics

-- name: grant_anomaly_lessons
grant update (learned_from) on anomaly_remark to nhipmay_analytics
