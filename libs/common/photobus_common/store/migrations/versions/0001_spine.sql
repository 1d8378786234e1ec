-- Access -----------------------------------------------------------------------------------------------------------

CREATE TABLE tenants (
    tenant text PRIMARY KEY CHECK (tenant ~ '^user_[0-9]+$'),
    name text NOT NULL,
    library_id uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE api_tokens (
    id uuid PRIMARY KEY,
    tenant text NOT NULL REFERENCES tenants,
    name text NOT NULL,
    role text NOT NULL CHECK (role IN ('viewer', 'editor', 'admin')),
    secret_sha256 bytea NOT NULL UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz
);

CREATE TABLE idempotency_keys (
    tenant text NOT NULL,
    key text NOT NULL,
    request_sha256 bytea NOT NULL,
    status int NOT NULL,
    response jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, key)
);

CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);

-- When each key (what, by whom) was last hit, newest last; no more than the limit, so a row stays small.
CREATE TABLE rate_limits (
    key text PRIMARY KEY,
    hits timestamptz[] NOT NULL,
    admitted boolean NOT NULL,
    used_at timestamptz NOT NULL DEFAULT now()
);

-- The catalogue: projects, photos, files ---------------------------------------------------------------------------

CREATE TABLE projects (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant text NOT NULL REFERENCES tenants,
    name text NOT NULL,
    folder text NOT NULL,
    status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'canceled')),
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    archived_at timestamptz
);

CREATE UNIQUE INDEX projects_active_folder ON projects (tenant, folder) WHERE status = 'active';

CREATE UNIQUE INDEX projects_active_name ON projects (tenant, name) WHERE status = 'active';

CREATE TABLE photos (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant text NOT NULL,
    project_id bigint NOT NULL REFERENCES projects,
    filename text NOT NULL,
    jpg_available boolean NOT NULL DEFAULT false,
    raw_available boolean NOT NULL DEFAULT false,
    other_available boolean NOT NULL DEFAULT false,
    keep_jpg boolean NOT NULL DEFAULT false,
    keep_raw boolean NOT NULL DEFAULT false,
    keep_other boolean NOT NULL DEFAULT false,
    thumbnail_status text NOT NULL DEFAULT 'pending'
        CHECK (thumbnail_status IN ('pending', 'generated', 'failed', 'missing', 'not_supported')),
    preview_status text NOT NULL DEFAULT 'pending'
        CHECK (preview_status IN ('pending', 'generated', 'failed', 'missing', 'not_supported')),
    derivative_key text,
    derivative_reason text,
    taken_at timestamptz NOT NULL,
    taken_offset_minutes int,
    taken_from text NOT NULL DEFAULT 'file' CHECK (taken_from IN ('exif', 'file')),
    size bigint NOT NULL DEFAULT 0,
    width int,
    height int,
    shape text GENERATED ALWAYS AS (
        CASE WHEN width > height THEN 'landscape' WHEN width < height THEN 'portrait' WHEN width = height THEN 'square' END
    ) STORED,
    exif_orientation smallint,
    camera_make text,
    camera_model text,
    lens text,
    exposure_seconds double precision,
    f_number double precision,
    iso int,
    focal_length_mm double precision,
    gps_latitude double precision,
    gps_longitude double precision,
    gps_altitude_m double precision,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (project_id, filename)
);

-- One index a sort and scope; the id is the tie-break of every keyset page, in the direction of its sort.
CREATE INDEX photos_by_taken ON photos (tenant, taken_at, id);

CREATE INDEX photos_by_filename ON photos (tenant, filename, id);

CREATE INDEX photos_by_size ON photos (tenant, size, id);

CREATE INDEX photos_of_project_by_taken ON photos (project_id, taken_at, id);

CREATE INDEX photos_of_project_by_size ON photos (project_id, size, id);

-- Pending deletions are few among many; every client of live updates is told their counts when it connects.
CREATE INDEX photos_pending_deletion ON photos (tenant, project_id)
    WHERE (jpg_available AND NOT keep_jpg) OR (raw_available AND NOT keep_raw) OR (other_available AND NOT keep_other);

CREATE TABLE photo_files (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant text NOT NULL,
    photo_id bigint NOT NULL REFERENCES photos ON DELETE CASCADE,
    project_id bigint NOT NULL REFERENCES projects,
    name text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('jpg', 'raw', 'other', 'sidecar')),
    size bigint NOT NULL,
    md5 text NOT NULL,
    modified_at timestamptz NOT NULL,
    UNIQUE (project_id, name)
);

CREATE INDEX photo_files_of_photo ON photo_files (photo_id);

CREATE INDEX photo_files_by_md5 ON photo_files (tenant, md5);

CREATE TABLE photo_tags (
    photo_id bigint NOT NULL REFERENCES photos ON DELETE CASCADE,
    tenant text NOT NULL,
    tag text NOT NULL,
    PRIMARY KEY (photo_id, tag)
);

CREATE INDEX photo_tags_by_tag ON photo_tags (tenant, tag, photo_id);

-- Totals of a list, and of its months (in UTC), must not cost a scan of a million rows; statement triggers keep them in
-- the same transaction. A month that emptied keeps its row.
CREATE TABLE project_totals (
    project_id bigint PRIMARY KEY REFERENCES projects ON DELETE CASCADE,
    photos bigint NOT NULL DEFAULT 0
);

CREATE TABLE project_months (
    project_id bigint NOT NULL REFERENCES projects ON DELETE CASCADE,
    month timestamptz NOT NULL,
    photos bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (project_id, month)
);

CREATE FUNCTION project_totals_follow_photos() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    projects bigint[];
    months timestamptz[];
    changes bigint[];
BEGIN
    IF TG_OP = 'INSERT' THEN
        SELECT array_agg(c.project_id), array_agg(c.month), array_agg(c.n) INTO projects, months, changes FROM (
            SELECT project_id, date_trunc('month', taken_at, 'UTC') AS month, count(*) AS n FROM added GROUP BY 1, 2
        ) c;
    ELSIF TG_OP = 'DELETE' THEN
        SELECT array_agg(c.project_id), array_agg(c.month), array_agg(c.n) INTO projects, months, changes FROM (
            SELECT project_id, date_trunc('month', taken_at, 'UTC') AS month, -count(*) AS n FROM removed GROUP BY 1, 2
        ) c;
    ELSE
        SELECT array_agg(c.project_id), array_agg(c.month), array_agg(c.n) INTO projects, months, changes FROM (
            SELECT project_id, date_trunc('month', taken_at, 'UTC') AS month, sum(one) AS n FROM (
                SELECT project_id, taken_at, 1 AS one FROM added
                UNION ALL SELECT project_id, taken_at, -1 FROM removed
            ) both_sides GROUP BY 1, 2 HAVING sum(one) <> 0
        ) c;
    END IF;
    IF projects IS NULL THEN
        RETURN NULL;
    END IF;
    INSERT INTO project_totals AS t (project_id, photos)
    SELECT c.project_id, sum(c.n) FROM unnest(projects, changes) AS c (project_id, n)
    GROUP BY c.project_id HAVING sum(c.n) <> 0 ORDER BY c.project_id
    ON CONFLICT (project_id) DO UPDATE SET photos = t.photos + excluded.photos;
    INSERT INTO project_months AS t (project_id, month, photos)
    SELECT c.project_id, c.month, c.n FROM unnest(projects, months, changes) AS c (project_id, month, n)
    ORDER BY c.project_id, c.month
    ON CONFLICT (project_id, month) DO UPDATE SET photos = t.photos + excluded.photos;
    RETURN NULL;
END $$;

CREATE TRIGGER project_totals_on_insert AFTER INSERT ON photos
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION project_totals_follow_photos();

CREATE TRIGGER project_totals_on_delete AFTER DELETE ON photos
    REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION project_totals_follow_photos();

CREATE TRIGGER project_totals_on_update AFTER UPDATE ON photos
    REFERENCING OLD TABLE AS removed NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION project_totals_follow_photos();

-- Uploads ----------------------------------------------------------------------------------------------------------

-- One file on its way in, by multipart or tus. Its bytes lie in the tenant's `.uploads/<id>` until they are placed;
-- `placing` is the recorded intent to link them to `target_name`, so that whoever comes after a crash can finish; `plan`
-- says what it replaces. Bytes from `unverified_from` on came with a checksum that has not been compared yet.
CREATE TABLE uploads (
    id uuid PRIMARY KEY,
    tenant text NOT NULL REFERENCES tenants,
    project_id bigint NOT NULL REFERENCES projects,
    actor text NOT NULL,
    filename text NOT NULL,
    size bigint,
    md5 text,
    on_conflict text CHECK (on_conflict IN ('overwrite', 'skip', 'rename')),
    batch text,
    batch_total int,
    modified_at timestamptz,
    state text NOT NULL DEFAULT 'receiving' CHECK (state IN ('receiving', 'placing', 'done', 'refused')),
    metadata text,
    unverified_from bigint,
    basename text,
    target_name text,
    plan jsonb,
    result jsonb,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL
);

CREATE INDEX uploads_by_expiry ON uploads (expires_at);

-- Few at any time: each is written and resolved under the lock of its project's folder.
CREATE INDEX uploads_placing ON uploads (project_id) WHERE state = 'placing';

-- Photos uploaded but not yet part of an `upload_postprocess` task.
CREATE TABLE upload_batches (
    tenant text NOT NULL,
    project_id bigint NOT NULL,
    batch text NOT NULL,
    photo_id bigint NOT NULL,
    actor text NOT NULL,
    added_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, project_id, batch, photo_id)
);

-- How many files of a batch have been answered for, whatever the answer; a batch whose announced total has come is whole.
CREATE TABLE upload_batch_counts (
    tenant text NOT NULL,
    project_id bigint NOT NULL,
    batch text NOT NULL,
    files int NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, project_id, batch)
);

-- What basenames of a batch became by `on_conflict=rename`, for the second file of a pair, by whichever gateway it comes.
CREATE TABLE upload_renames (
    project_id bigint NOT NULL,
    batch text NOT NULL,
    basename text NOT NULL,
    renamed text NOT NULL,
    renamed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (project_id, batch, basename)
);

CREATE INDEX upload_renames_by_age ON upload_renames (renamed_at);

-- The log: outbox, archive, cursor ---------------------------------------------------------------------------------

CREATE TABLE outbox (
    id uuid PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('event', 'command')),
    message_id text NOT NULL,
    tenant text NOT NULL,
    subject text NOT NULL,
    payload bytea NOT NULL,
    not_before timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    relays int NOT NULL DEFAULT 0,
    relay_at timestamptz
);

-- What a relay looks for: rows that should be gone by now, and commands whose time has come. Each row is in one of the two.
CREATE INDEX outbox_lost ON outbox (coalesce(relay_at, created_at)) WHERE not_before IS NULL;

CREATE INDEX outbox_scheduled ON outbox (coalesce(relay_at, not_before)) WHERE not_before IS NOT NULL;

CREATE TABLE event_log (
    seq bigint PRIMARY KEY,
    event_id uuid NOT NULL UNIQUE,
    time timestamptz NOT NULL,
    type text NOT NULL,
    tenant text NOT NULL,
    subject text NOT NULL,
    actor text NOT NULL,
    task_id uuid,
    project_id bigint,
    photo_ids bigint[],
    payload text NOT NULL,
    hash bytea NOT NULL
);

CREATE INDEX event_log_of_tenant ON event_log (tenant, seq);

CREATE INDEX event_log_of_task ON event_log (task_id, seq) WHERE task_id IS NOT NULL;

CREATE INDEX event_log_of_project ON event_log (project_id, seq) WHERE project_id IS NOT NULL;

CREATE INDEX event_log_of_photos ON event_log USING gin (photo_ids) WHERE photo_ids IS NOT NULL;

-- Where the fold stands. `stream_created` tells a stream made anew from the one that was read before.
CREATE TABLE fold_cursor (
    partition int PRIMARY KEY,
    seq bigint NOT NULL,
    hash bytea NOT NULL,
    stream_created timestamptz
);

-- Projections, written by the orchestrator alone -------------------------------------------------------------------
-- Rows that change several times leave room on their page, so that most changes touch no index.

CREATE TABLE tasks (
    id uuid PRIMARY KEY,
    tenant text NOT NULL,
    type text NOT NULL,
    scope text NOT NULL,
    source text NOT NULL,
    label text NOT NULL,
    actor text NOT NULL,
    status text NOT NULL,
    state jsonb NOT NULL,
    items bigint NOT NULL DEFAULT 0,
    done bigint NOT NULL DEFAULT 0,
    failed bigint NOT NULL DEFAULT 0,
    skipped bigint NOT NULL DEFAULT 0,
    error_code text,
    error text,
    retry_of uuid,
    undo_of uuid,
    created_at timestamptz NOT NULL,
    started_at timestamptz,
    ended_at timestamptz
) WITH (fillfactor = 70);

CREATE INDEX tasks_by_age ON tasks (tenant, created_at DESC, id DESC);

CREATE INDEX tasks_open ON tasks (created_at) WHERE ended_at IS NULL;

CREATE TABLE jobs (
    id uuid PRIMARY KEY,
    tenant text NOT NULL,
    task_id uuid NOT NULL,
    step int NOT NULL,
    index int NOT NULL,
    job_type text NOT NULL,
    service text NOT NULL,
    lane text NOT NULL,
    priority int NOT NULL,
    over text NOT NULL,
    first bigint NOT NULL,
    count int NOT NULL,
    status text NOT NULL,
    attempt int NOT NULL,
    dispatch int NOT NULL,
    dispatched_at timestamptz NOT NULL,
    progress_done bigint NOT NULL DEFAULT 0,
    done bigint NOT NULL DEFAULT 0,
    failed bigint NOT NULL DEFAULT 0,
    skipped bigint NOT NULL DEFAULT 0,
    error_code text,
    error text,
    created_at timestamptz NOT NULL,
    started_at timestamptz,
    ended_at timestamptz,
    UNIQUE (task_id, step, index)
) WITH (fillfactor = 70);

CREATE INDEX jobs_by_age ON jobs (tenant, created_at DESC, id DESC);

CREATE INDEX jobs_open ON jobs (dispatched_at) WHERE ended_at IS NULL;

-- The snapshot of photos that a task works on, in order.
CREATE TABLE task_items (
    task_id uuid NOT NULL,
    position bigint NOT NULL,
    photo_id bigint NOT NULL,
    project_id bigint NOT NULL,
    PRIMARY KEY (task_id, position)
);

CREATE INDEX task_items_of_photo ON task_items (photo_id);

CREATE INDEX task_items_of_project ON task_items (project_id, task_id, position);

-- The projects a task works on as a whole.
CREATE TABLE task_projects (
    task_id uuid NOT NULL,
    project_id bigint NOT NULL,
    PRIMARY KEY (task_id, project_id)
);

-- Which tasks' targets were resolved; taken in the transaction that says so, so that it happens once.
CREATE TABLE target_resolutions (
    task_id uuid PRIMARY KEY,
    resolved_at timestamptz NOT NULL DEFAULT now()
);

-- Written by workers -----------------------------------------------------------------------------------------------

-- The right to work on a job: `holder` is a value of this one run of it, never used again; `takeovers`
-- counts the runs of this attempt that went silent, so that a job that kills its worker ends.
CREATE TABLE job_claims (
    job_id uuid PRIMARY KEY,
    attempt int NOT NULL,
    dispatch int NOT NULL,
    holder uuid NOT NULL,
    worker text NOT NULL,
    state text NOT NULL CHECK (state IN ('held', 'released', 'completed', 'failed')),
    cursor jsonb,
    takeovers int NOT NULL DEFAULT 0,
    claimed_at timestamptz NOT NULL DEFAULT now(),
    heartbeat_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 70);

-- Outcomes of items. An item of a job without a row here is pending.
CREATE TABLE job_items (
    job_id uuid NOT NULL,
    position bigint NOT NULL,
    photo_id bigint NOT NULL,
    status text NOT NULL CHECK (status IN ('done', 'failed', 'skipped')),
    reason text,
    attempt int NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (job_id, position)
);

-- What jobs are about to do to files, on record before the first is touched; `device`, `inode` and `size` say which file
-- it is, null where there was none. Done ones say where a file lies now.
CREATE TABLE file_operations (
    id uuid PRIMARY KEY,
    tenant text NOT NULL,
    actor text NOT NULL,
    task_id uuid NOT NULL,
    job_id uuid NOT NULL,
    attempt int NOT NULL,
    position bigint NOT NULL,
    photo_id bigint NOT NULL,
    kind text NOT NULL CHECK (kind IN ('trash', 'remove_derivative')),
    project_id bigint NOT NULL,
    path text NOT NULL,
    target_project_id bigint,
    target_path text,
    device numeric(20),
    inode numeric(20),
    size bigint,
    md5 text,
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'done')),
    outcome text CHECK (outcome IN ('moved', 'removed', 'missing', 'kept', 'changed', 'refused')),
    created_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz
);

-- Few at any time: each is written and ended under the lock of its project's folder.
CREATE INDEX file_operations_open ON file_operations (project_id) WHERE state = 'open';

CREATE INDEX file_operations_of_task ON file_operations (task_id);
