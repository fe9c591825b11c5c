/** `SVcg`: a Stevedore catalog. */
export const applicationId = 0x5356_6367

/** Times are Unix seconds with fraction. `n` keeps the order of creation. `folded` is what `q` looks into. */
export const migrations: readonly string[] = [
  `
  CREATE TABLE categories (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    folded TEXT NOT NULL UNIQUE
  );
  INSERT INTO categories VALUES (-1, 'Default', 'default');

  CREATE TABLE jobs (
    n INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    folded TEXT NOT NULL,
    kind TEXT NOT NULL,
    document TEXT NOT NULL,
    status TEXT NOT NULL,
    status_reason TEXT NOT NULL DEFAULT '',
    category INTEGER NOT NULL REFERENCES categories (id),
    disabled INTEGER NOT NULL DEFAULT 0,
    priority INTEGER NOT NULL,
    executions INTEGER NOT NULL DEFAULT 0,
    successes INTEGER NOT NULL DEFAULT 0,
    failures INTEGER NOT NULL DEFAULT 0,
    last_execution INTEGER NOT NULL DEFAULT 0,
    execute_on REAL,
    created_on REAL NOT NULL,
    modified_on REAL NOT NULL
  ) STRICT;
  CREATE INDEX jobs_name ON jobs (name);
  CREATE INDEX jobs_status ON jobs (status);
  CREATE INDEX jobs_category ON jobs (category);

  CREATE TABLE connections (
    n INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    folded TEXT NOT NULL,
    platform TEXT NOT NULL,
    auth TEXT NOT NULL,
    disabled INTEGER NOT NULL DEFAULT 0,
    created_on REAL NOT NULL,
    modified_on REAL NOT NULL
  ) STRICT;

  CREATE TABLE secrets (
    connection TEXT NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    sealed TEXT NOT NULL,
    PRIMARY KEY (connection, key)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE maps (
    n INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    type TEXT NOT NULL,
    name TEXT NOT NULL,
    folded TEXT NOT NULL,
    document TEXT NOT NULL,
    created_on REAL NOT NULL,
    modified_on REAL NOT NULL
  ) STRICT;

  CREATE TABLE executions (
    job TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    execution INTEGER NOT NULL,
    status TEXT NOT NULL,
    phase TEXT NOT NULL,
    simulated INTEGER NOT NULL,
    started_on REAL NOT NULL,
    ended_on REAL,
    sentence TEXT NOT NULL DEFAULT '',
    folded TEXT NOT NULL DEFAULT '',
    warnings TEXT NOT NULL DEFAULT '[]',
    balance TEXT,
    PRIMARY KEY (job, execution)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE control (
    job TEXT PRIMARY KEY REFERENCES jobs (id) ON DELETE CASCADE,
    epoch INTEGER NOT NULL,
    paused INTEGER NOT NULL DEFAULT 0,
    cancelled INTEGER NOT NULL DEFAULT 0,
    note TEXT NOT NULL DEFAULT ''
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE roots (
    job TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    execution INTEGER NOT NULL,
    place TEXT NOT NULL,
    above TEXT NOT NULL,
    PRIMARY KEY (job, place)
  ) STRICT, WITHOUT ROWID;
  `,
  'ALTER TABLE executions ADD COLUMN document TEXT',
  'ALTER TABLE jobs ADD COLUMN last_in_ledger INTEGER NOT NULL DEFAULT 0',
  'ALTER TABLE roots ADD COLUMN writes INTEGER NOT NULL DEFAULT 1',
  'ALTER TABLE control DROP COLUMN cancelled; ALTER TABLE control DROP COLUMN note',
  'ALTER TABLE executions ADD COLUMN waiting_for TEXT',
  `
  ALTER TABLE jobs ADD COLUMN person_expected INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE executions ADD COLUMN by_person INTEGER NOT NULL DEFAULT 0;
  CREATE TABLE requests (
    job TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    item INTEGER NOT NULL,
    request TEXT NOT NULL,
    PRIMARY KEY (job, item)
  ) STRICT, WITHOUT ROWID;
  `,
  `CREATE TABLE orders (
    job TEXT PRIMARY KEY REFERENCES jobs (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    refusal TEXT,
    asked_on REAL NOT NULL
  ) STRICT, WITHOUT ROWID`,
  'ALTER TABLE control ADD COLUMN cancelled INTEGER',
  "ALTER TABLE jobs ADD COLUMN resets TEXT NOT NULL DEFAULT ''",
]
