-- The log is asked for what happened until a time, for one kind of event, and for what one person did; each page of an
-- answer begins at a sequence.
CREATE INDEX event_log_by_time ON event_log (tenant, time);

CREATE INDEX event_log_by_type ON event_log (tenant, type, seq);

-- Also of one kind: somebody's events of the one kind and nobody's of the other may be millions each.
CREATE INDEX event_log_by_actor ON event_log (tenant, actor, type, seq);

-- Photos that come to a project are told under its id. What they left is in the event: the history of that project has
-- them too.
CREATE INDEX event_log_of_source ON event_log (((payload::jsonb #>> '{data,source_project_id}')::bigint), seq)
    WHERE type IN ('PhotosMoved', 'PhotosRecognized');

-- Which project had a folder last, whatever became of its row.
CREATE INDEX event_log_of_folder ON event_log (
    tenant, coalesce(payload::jsonb #>> '{data,new_folder}', payload::jsonb #>> '{data,project_folder}'), seq
) WHERE type IN ('ProjectCreated', 'ProjectDiscovered', 'ProjectReturned', 'ProjectRestored', 'FolderRenamed');

-- What the archive took in lately stands in a list beside this index, which each question reads as a whole: 4 MB of it by
-- default, 256 kB from here on.
ALTER INDEX event_log_of_photos SET (gin_pending_list_limit = 256);
