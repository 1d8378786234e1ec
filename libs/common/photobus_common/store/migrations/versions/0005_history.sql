-- The log is asked for what happened until a time, for one kind of event, and for what one person did; each page of an
-- answer begins at a sequence.
CREATE INDEX event_log_by_time ON event_log (tenant, time);

CREATE INDEX event_log_by_type ON event_log (tenant, type, seq);

CREATE INDEX event_log_by_actor ON event_log (tenant, actor, seq);
