// Owns the tables of the SQLite store and the steps that make them. A step on main never changes: what is new is one more step.

export const STEPS: readonly string[] = [
  `
  CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;

  CREATE TABLE enrolment_token (
    hash TEXT PRIMARY KEY, labels TEXT NOT NULL, device TEXT, expires_at INTEGER NOT NULL, uses_left INTEGER NOT NULL CHECK (uses_left >= 0)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE enrolment_use (
    hash TEXT NOT NULL, device TEXT NOT NULL, epoch INTEGER NOT NULL, PRIMARY KEY (hash, device)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE device (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    epoch INTEGER NOT NULL,
    public_key TEXT NOT NULL,
    labels TEXT NOT NULL,
    bound TEXT NOT NULL,
    token_labels TEXT NOT NULL,
    stated TEXT NOT NULL,
    joined INTEGER NOT NULL,
    relabelled INTEGER NOT NULL,
    properties TEXT NOT NULL,
    last_seen_at INTEGER NOT NULL,
    last_seen_listened INTEGER NOT NULL,
    newest_sequence INTEGER NOT NULL,
    seen_low INTEGER NOT NULL,
    seen_high INTEGER NOT NULL,
    models TEXT NOT NULL,
    outcomes TEXT NOT NULL,
    taken TEXT NOT NULL,
    heard TEXT NOT NULL,
    claim TEXT,
    changed INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX device_changed ON device (changed);
  -- Labels that the fleet documents give, also to devices that are still to enrol.
  CREATE TABLE documented_label (device TEXT PRIMARY KEY, labels TEXT NOT NULL) STRICT, WITHOUT ROWID;

  -- What devices were told, by the number that their reports name.
  CREATE TABLE published_entry (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    rollout TEXT NOT NULL, revision INTEGER NOT NULL, emergency INTEGER NOT NULL, entry TEXT NOT NULL,
    UNIQUE (rollout, revision, emergency)
  ) STRICT;

  CREATE TABLE telemetry_window (
    number INTEGER PRIMARY KEY,
    rollout TEXT NOT NULL,
    opened_revision INTEGER NOT NULL,
    spec TEXT NOT NULL,
    opened_at INTEGER NOT NULL,
    opened_change INTEGER NOT NULL,
    attempt_change INTEGER NOT NULL,
    closed_at INTEGER,
    listened_ms INTEGER NOT NULL DEFAULT 0,
    ready_ms INTEGER NOT NULL DEFAULT 0,
    ready INTEGER NOT NULL DEFAULT 0,
    late_count INTEGER NOT NULL DEFAULT 0,
    changed INTEGER NOT NULL DEFAULT 0,
    UNIQUE (rollout, opened_revision)
  ) STRICT;
  CREATE UNIQUE INDEX telemetry_window_open ON telemetry_window (rollout) WHERE closed_at IS NULL;

  -- Sums of an arm, and of each group of its devices; what is counted of all has the empty group. A reader that knows the rows up to a
  -- change reads only those that changed since.
  CREATE TABLE window_row (
    window INTEGER NOT NULL REFERENCES telemetry_window (number), arm INTEGER NOT NULL, in_group TEXT NOT NULL, name TEXT NOT NULL,
    changed INTEGER NOT NULL, tally BLOB NOT NULL,
    PRIMARY KEY (window, arm, in_group, name)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX window_row_changed ON window_row (window, changed);
  CREATE TABLE window_summary (
    window INTEGER NOT NULL REFERENCES telemetry_window (number), arm INTEGER NOT NULL, in_group TEXT NOT NULL, summary TEXT NOT NULL,
    PRIMARY KEY (window, arm, in_group)
  ) STRICT, WITHOUT ROWID;
  -- Gauges are followed on one device a row, however the sums are kept.
  CREATE TABLE window_gauge (
    window INTEGER NOT NULL REFERENCES telemetry_window (number), arm INTEGER NOT NULL, name TEXT NOT NULL, changed INTEGER NOT NULL,
    device TEXT NOT NULL, gauges TEXT NOT NULL,
    PRIMARY KEY (window, arm, name)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX window_gauge_changed ON window_gauge (window, changed);
  -- Confidences by time, slot after slot, of an arm as a whole.
  CREATE TABLE window_course (
    window INTEGER NOT NULL REFERENCES telemetry_window (number), arm INTEGER NOT NULL, slot INTEGER NOT NULL, changed INTEGER NOT NULL,
    sums BLOB NOT NULL,
    PRIMARY KEY (window, arm, slot)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE late_report (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    window INTEGER NOT NULL REFERENCES telemetry_window (number),
    device TEXT NOT NULL, epoch INTEGER NOT NULL, sequence INTEGER NOT NULL,
    digest TEXT NOT NULL, inferences INTEGER NOT NULL, received_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX late_report_window ON late_report (window, number);

  CREATE TABLE lease (
    name TEXT PRIMARY KEY, holder TEXT, token INTEGER NOT NULL, expires_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE alert (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, record TEXT NOT NULL) STRICT;
  CREATE TABLE notice (
    number INTEGER PRIMARY KEY AUTOINCREMENT, target TEXT NOT NULL, lane TEXT NOT NULL, id TEXT NOT NULL, notice TEXT NOT NULL,
    UNIQUE (target, id)
  ) STRICT;
  CREATE INDEX notice_lane ON notice (target, lane, number);
  CREATE TABLE lost_notice (target TEXT PRIMARY KEY, count INTEGER NOT NULL, last_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE notified_revision (rollout TEXT PRIMARY KEY, revision INTEGER NOT NULL) STRICT, WITHOUT ROWID;

  CREATE TABLE seen_status (
    rollout TEXT PRIMARY KEY, revision INTEGER NOT NULL, commit_id TEXT NOT NULL, status TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE emergency_rollback (
    rollout TEXT PRIMARY KEY, revision INTEGER NOT NULL, reason TEXT NOT NULL,
    waits_since INTEGER NOT NULL, in_force_since INTEGER
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE publication (
    only INTEGER PRIMARY KEY CHECK (only = 1), sequence INTEGER NOT NULL, directive TEXT NOT NULL, metadata_version INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE named_value (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
  `,
  "ALTER TABLE device ADD COLUMN silences TEXT NOT NULL DEFAULT '[]'",
  "ALTER TABLE device ADD COLUMN answers TEXT NOT NULL DEFAULT '[]'",
  `
  CREATE TABLE api_token (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    hash TEXT NOT NULL UNIQUE, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL, scopes TEXT NOT NULL,
    created_by TEXT NOT NULL, created_at INTEGER NOT NULL, expires_at INTEGER, last_used_at INTEGER, revoked_at INTEGER
  ) STRICT;
  `,
  `
  CREATE TABLE browser_session (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    hash TEXT NOT NULL UNIQUE, bearer TEXT NOT NULL, facts TEXT NOT NULL, created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX browser_session_bearer ON browser_session (bearer, number);
  `,
  `
  ALTER TABLE device ADD COLUMN recent TEXT NOT NULL DEFAULT '[]';
  -- Steps of a device's recent past, 36 bytes each.
  CREATE TABLE recent_report (device TEXT PRIMARY KEY, points BLOB NOT NULL) STRICT, WITHOUT ROWID;

  -- Which device ran which version: a row each time that one begins. An open row has no end.
  CREATE TABLE exposed_version (
    number INTEGER PRIMARY KEY, digest TEXT NOT NULL, model TEXT NOT NULL, version TEXT NOT NULL, UNIQUE (digest, model, version)
  ) STRICT;
  CREATE INDEX exposed_version_model ON exposed_version (model, version);
  CREATE TABLE exposure (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    device TEXT NOT NULL, version INTEGER NOT NULL REFERENCES exposed_version (number),
    after_at INTEGER NOT NULL, from_at INTEGER NOT NULL, until_at INTEGER, how INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX exposure_of_version ON exposure (version, number);
  CREATE INDEX exposure_of_device ON exposure (device, until_at);
  CREATE INDEX exposure_ended ON exposure (until_at) WHERE until_at IS NOT NULL;
  -- What devices ran when this table came.
  INSERT INTO exposed_version (digest, model, version)
    SELECT DISTINCT value ->> '$.running.digest', value ->> '$.model', value ->> '$.running.version'
    FROM device, json_each(device.models) WHERE value ->> '$.running.digest' IS NOT NULL;
  INSERT INTO exposure (device, version, after_at, from_at, how)
    SELECT device.id, v.number, last_seen_at, last_seen_at, 0
    FROM device, json_each(device.models) JOIN exposed_version v
      ON v.digest = value ->> '$.running.digest' AND v.model = value ->> '$.model' AND v.version = value ->> '$.running.version';

  -- Devices without an agent: nothing that they say is signed, and nothing of it is judged.
  CREATE TABLE plain_device (
    id TEXT PRIMARY KEY, models TEXT NOT NULL, figures TEXT NOT NULL, first_seen_at INTEGER NOT NULL, last_seen_at INTEGER NOT NULL,
    last_seen_listened INTEGER NOT NULL, token TEXT NOT NULL, keys TEXT NOT NULL, recent TEXT NOT NULL, changed INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX plain_device_changed ON plain_device (changed);
  `,
  `
  CREATE TABLE series_point (
    series TEXT NOT NULL, at INTEGER NOT NULL, kept INTEGER NOT NULL, value TEXT NOT NULL, PRIMARY KEY (series, at)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX series_point_at ON series_point (at);
  `,
];
