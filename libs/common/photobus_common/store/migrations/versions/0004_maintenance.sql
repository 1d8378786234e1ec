-- Why an archived project is archived: its owner deleted it, or maintenance found its folder gone.
ALTER TABLE projects ADD COLUMN cancel_cause text CHECK (cancel_cause IN ('deleted', 'folder_gone'));

UPDATE projects SET cancel_cause = 'deleted' WHERE status = 'canceled';

-- Projects whose folder was gone when maintenance looked last: since when, and when it looked.
CREATE TABLE missing_folders (
    project_id bigint PRIMARY KEY REFERENCES projects ON DELETE CASCADE,
    since timestamptz NOT NULL DEFAULT now(),
    seen_at timestamptz NOT NULL DEFAULT now(),
    task_id uuid NOT NULL
);

-- Files that a check found gone, by which they are known again wherever they turn up. `removed_by` is the PhotosRemoved
-- that tells of the photo, once its row is gone too.
CREATE TABLE lost_files (
    tenant text NOT NULL,
    photo_id bigint NOT NULL,
    project_id bigint NOT NULL,
    name text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('jpg', 'raw', 'other', 'sidecar')),
    size bigint NOT NULL,
    md5 text NOT NULL,
    task_id uuid NOT NULL,
    lost_at timestamptz NOT NULL DEFAULT now(),
    removed_by uuid,
    PRIMARY KEY (photo_id, name)
);

CREATE INDEX lost_files_by_md5 ON lost_files (tenant, md5);

-- Photos of which nothing is there are few among many, and each run of maintenance asks for them.
CREATE INDEX photos_without_originals ON photos (project_id, id)
    WHERE NOT (jpg_available OR raw_available OR other_available);

-- Files that are nothing of a project's, on record before they go to its trash.
CREATE TABLE stray_files (
    id uuid PRIMARY KEY,
    tenant text NOT NULL,
    project_id bigint NOT NULL REFERENCES projects ON DELETE CASCADE,
    task_id uuid NOT NULL,
    name text NOT NULL,
    trash_folder text NOT NULL,
    device numeric NOT NULL,
    inode numeric NOT NULL,
    size bigint NOT NULL,
    reason text NOT NULL
);

CREATE INDEX stray_files_of_project ON stray_files (project_id);

-- Files without rows that are about to get other names, all of one basename together, on record before the first is
-- touched. `source_folder` is the folder of the library that they come from, where that is not the project's own;
-- `basename` is the one that they get.
CREATE TABLE file_renames (
    id uuid PRIMARY KEY,
    tenant text NOT NULL,
    project_id bigint NOT NULL REFERENCES projects ON DELETE CASCADE,
    task_id uuid NOT NULL,
    cause text NOT NULL CHECK (cause IN ('duplicate_resolution', 'folder_discovery')),
    source_folder text,
    names text[] NOT NULL,
    targets text[] NOT NULL,
    basename text NOT NULL,
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'done')),
    created_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz
);

CREATE INDEX file_renames_open ON file_renames (project_id) WHERE state = 'open';

CREATE INDEX file_renames_by_basename ON file_renames (tenant, basename);

-- What a check of a whole project saw when it last left nothing to do: a fingerprint of folder and rows. As long as that
-- is the same it passes the project over, until it is time for a full pass again.
CREATE TABLE folder_marks (
    project_id bigint NOT NULL REFERENCES projects ON DELETE CASCADE,
    job_type text NOT NULL,
    mark text NOT NULL,
    full_at timestamptz NOT NULL,
    PRIMARY KEY (project_id, job_type)
);

-- The report of a run: how much each of its jobs looked at, and what it changed, refused or reports. `event_id` is the
-- event that tells of it.
CREATE TABLE maintenance_counts (
    job_id uuid PRIMARY KEY,
    tenant text NOT NULL,
    task_id uuid NOT NULL,
    job_type text NOT NULL,
    looked_at bigint NOT NULL DEFAULT 0,
    changed bigint NOT NULL DEFAULT 0,
    refused bigint NOT NULL DEFAULT 0,
    reported bigint NOT NULL DEFAULT 0
);

CREATE INDEX maintenance_counts_of_task ON maintenance_counts (task_id);

CREATE TABLE maintenance_findings (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant text NOT NULL,
    task_id uuid NOT NULL,
    job_id uuid NOT NULL,
    job_type text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('changed', 'refused', 'reported')),
    code text NOT NULL,
    reason text,
    project_id bigint,
    project_folder text,
    subject text,
    photo_id bigint,
    count bigint NOT NULL DEFAULT 1,
    event_id uuid NOT NULL,
    found_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX maintenance_findings_of_task ON maintenance_findings (task_id, id);

-- Lines of old runs are cleared by their age.
CREATE INDEX maintenance_findings_by_age ON maintenance_findings (found_at);

-- Derivatives that are recorded and gone are few among many, and are looked for in each run.
CREATE INDEX photos_missing_derivatives ON photos (tenant)
    WHERE thumbnail_status = 'missing' OR preview_status = 'missing';

-- Of how many things a job has done `progress_done`, for a job without items; of one with items its count says so.
ALTER TABLE jobs ADD COLUMN progress_total bigint;

-- What goes from a trash for good, on record before its first file does, with how much it was then. A project's own trash
-- has a row as long as it is not told of; with `whole` the deleted project itself goes, and its row says so for ever.
CREATE TABLE trash_removals (
    project_id bigint NOT NULL REFERENCES projects ON DELETE CASCADE,
    folder text NOT NULL,
    whole boolean NOT NULL DEFAULT false,
    files bigint NOT NULL,
    bytes bigint NOT NULL,
    begun_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz,
    PRIMARY KEY (project_id, folder)
);

CREATE INDEX trash_removals_open ON trash_removals (project_id) WHERE whole AND ended_at IS NULL;
