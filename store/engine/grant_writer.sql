-- name: revoke_writes
-- Whatever was granted before, by an older schema or by a default.
revoke insert, update, delete, truncate, references, trigger
on all tables in schema public
from nhipmay_writer

-- name: grant_reads
-- What is written is compared with what is there, and some views are asked.
grant select on all tables in schema public to nhipmay_writer

-- name: grant_master_data
-- Documents are inserted, corrected and withdrawn.
grant insert, update, delete
on energy_meter, holiday, import_mapping, inspection, lot, oee_target, order_run, planned_maintenance,
planned_run_time, product, production_order, quality_reason, routing_step, scrap_booking,
shift_break, shift_pattern, shift_rotation, stop_reason
to nhipmay_writer

-- name: grant_trails
-- Events and what people said of stops and counters are added, never changed.
grant insert on counter_verdict, master_data_event, stop_classification, stop_division
to nhipmay_writer

-- name: grant_dirty_hours
-- Hours that have to be computed again; only analytics takes them away.
grant insert, update on dirty_window to nhipmay_writer

-- name: grant_time_zone
-- Of a place only the zone of its calendar.
grant update (time_zone, time_zone_origin) on place to nhipmay_writer

-- name: grant_reason_of_stop
-- Of a stop only whose word holds.
grant update (classification_id, stop_reason) on stop to nhipmay_writer

-- name: grant_certificates
-- Tokens are used once, certificates given out and revoked; neither is taken away.
grant insert on enrolment_token, edge_certificate, identity_event to nhipmay_writer

-- name: grant_use_of_token
-- Of a token only that it was used.
grant update (used_at) on enrolment_token to nhipmay_writer

-- name: grant_revocation
-- Of a certificate only its end.
grant update (revoked_at, retires_at) on edge_certificate to nhipmay_writer

-- name: grant_turning_out
-- Of an edge only whether it was turned out.
grant update (revoked_at) on edge to nhipmay_writer

-- name: revoke_access
-- Whatever was granted before.
revoke all on all tables in schema access from nhipmay_writer

-- name: grant_access
-- Accounts and what they show; nobody is ever taken away.
grant usage on schema access to nhipmay_writer

-- name: grant_accounts
-- People are added and changed.
grant select, insert, update on access.organisation, access.account, access.link, access.token
to nhipmay_writer

-- name: grant_devices
-- Tablets are added, and end; none is taken away.
grant select, insert, update on access.device to nhipmay_writer

-- name: grant_outside_identities
-- Taken down once, dropped with a new link.
grant select, insert, delete on access.outside_identity to nhipmay_writer

-- name: grant_sessions
-- Sessions end, codes are used up.
grant select, insert, update, delete on access.session, access.recovery_code to nhipmay_writer

-- name: grant_request_keys
-- Names of requests are taken, answered, given back and forgotten.
grant select, insert, update, delete on access.request_key to nhipmay_writer

-- name: grant_tenants
-- Which logins there are.
grant select (role_name, enterprise) on access.tenant to nhipmay_writer

-- name: grant_statement_guard
-- The service ends what takes too long.
grant execute on function access.end_long_statements (interval), access.mend_tenant (name)
to nhipmay_writer

-- name: grant_audit
-- Entries come in by the function; who writes them can neither read nor change one.
grant execute on function access.append_audit (jsonb) to nhipmay_writer

-- name: grant_anomalies
-- Models are proposed, approved and retired; limits and channels are replaced, never taken away.
grant insert, update on anomaly_model, anomaly_limit, anomaly_channel to nhipmay_writer

-- name: grant_anomaly_remarks
-- What was said of an event stays.
grant insert on anomaly_remark to nhipmay_writer

-- name: grant_pilot
-- Records go their way; what was said on it, released and pulled is added, never changed.
grant insert on criteria_framework, pilot_programme, pilot_enterprise, pilot_record, pilot_step,
pilot_attachment, pilot_consent, pilot_release, pilot_pull
to nhipmay_writer

-- name: grant_pilot_record
-- Of a record what it says and how far it is.
grant update (status, content, sha256, changed_at) on pilot_record to nhipmay_writer

-- name: grant_pilot_parts
-- Drafts are made again.
grant insert, update, delete on pilot_evidence, pilot_evidence_input, pilot_machine to nhipmay_writer

-- name: grant_pilot_consent
-- Of a consent only its end.
grant update (withdrawn_by, withdrawn_at) on pilot_consent to nhipmay_writer
