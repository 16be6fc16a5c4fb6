-- Uploads whose completion was begun and never ended are looked for every minute.
CREATE INDEX uploads_unfinished ON uploads (completable_until) WHERE state IN ('uploaded', 'verifying');
