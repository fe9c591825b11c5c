/** `SvLg`, in the header of every ledger file. */
const applicationId = 0x53764c67

/**
 * Migration n takes a file from `user_version` n to n + 1. Never edit one that was released: add another.
 *
 * What every row passes through has no index but its id: an index doubles what an insert and an update cost. Children of
 * a container are found through `extent`, open work through `work`, and the rare rows that need more than that have
 * tables of their own (`plan`, `trial`, `partial`).
 */
const migrations: readonly string[] = [
  `
  CREATE TABLE execution (
    n INTEGER PRIMARY KEY,
    audit_level INTEGER NOT NULL,
    simulated INTEGER NOT NULL,
    tries INTEGER NOT NULL,
    max_retry INTEGER NOT NULL,
    lazy_containers INTEGER NOT NULL,
    begun_ms INTEGER NOT NULL,
    ended_ms INTEGER,
    containers_made INTEGER NOT NULL DEFAULT 0,
    carried_out INTEGER NOT NULL DEFAULT 0,
    written_bytes INTEGER NOT NULL DEFAULT 0,
    last_item INTEGER
  ) STRICT;

  CREATE TABLE item (
    id INTEGER PRIMARY KEY,
    parent INTEGER NOT NULL,
    name TEXT NOT NULL,
    kind INTEGER NOT NULL,
    state INTEGER NOT NULL,
    action INTEGER NOT NULL,
    execution INTEGER NOT NULL,  -- that decided it last, and in whose counters it is counted by itself
    gone INTEGER NOT NULL DEFAULT 0,
    size INTEGER NOT NULL,       -- as counted: 0 unless kind is item
    reason TEXT NOT NULL,
    destination_name TEXT,       -- NULL: the same
    source_id TEXT,              -- on id platforms
    destination_id TEXT,
    source TEXT NOT NULL,        -- facts as one text
    destination TEXT,
    hash TEXT                    -- of the content last written
  ) STRICT;
  CREATE INDEX item_troubled ON item (state, id) WHERE state IN (3, 4);

  -- Where the children of a container are: ids are given out in runs, one per page of a listing.
  CREATE TABLE extent (
    container INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (container, first)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE container (
    item INTEGER PRIMARY KEY,
    depth INTEGER NOT NULL,
    ready INTEGER NOT NULL,      -- exists at the destination
    made INTEGER NOT NULL,       -- the execution in which it was made; 0: it was there before
    listed INTEGER NOT NULL,     -- the execution whose frontier it joined last
    counted_as TEXT              -- the reason under which that execution counted it; NULL: the row's own
  ) STRICT;

  CREATE TABLE frontier (item INTEGER PRIMARY KEY) STRICT;

  -- The id is the fencing token, so it is never used again.
  CREATE TABLE lease (
    token INTEGER PRIMARY KEY AUTOINCREMENT,
    kind INTEGER NOT NULL,       -- 0 listing, 1 batch, 2 touched containers, 3 litter of a flagged item
    execution INTEGER NOT NULL,
    holder TEXT NOT NULL,
    until_ms INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    former TEXT NOT NULL,        -- JSON: tokens of earlier holders
    container INTEGER,           -- listing
    pages INTEGER NOT NULL DEFAULT 0,
    counted TEXT,                -- listing, JSON: sums to take back when it is listed anew
    parts TEXT,                  -- batch, JSON: { spans: [first, last][], ids: [], trials: [] }
    staged TEXT                  -- batch, JSON
  ) STRICT;

  CREATE TABLE work (
    seq INTEGER PRIMARY KEY,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    ids TEXT,                    -- JSON; NULL: every pending row from first to last
    tried INTEGER NOT NULL DEFAULT 0,  -- 1: the ids failed before in this execution
    attempt INTEGER NOT NULL DEFAULT 0,
    former TEXT,                 -- JSON
    staged TEXT
  ) STRICT;

  CREATE TABLE plan (
    item INTEGER PRIMARY KEY,
    why TEXT,
    keep_as TEXT,
    processing TEXT,             -- JSON
    counterpart TEXT,
    counterpart_id TEXT
  ) STRICT;

  CREATE TABLE trial (
    item INTEGER PRIMARY KEY,
    execution INTEGER NOT NULL,  -- to which tries and waiting belong
    tries INTEGER NOT NULL,
    strikes INTEGER NOT NULL,
    struck INTEGER NOT NULL,     -- the execution of the last strike: one each
    not_before_ms INTEGER NOT NULL,
    waiting INTEGER NOT NULL,
    lease INTEGER NOT NULL       -- token under which it is being tried again; 0: none, -1: queued in work
  ) STRICT;
  CREATE INDEX trial_waiting ON trial (not_before_ms) WHERE waiting = 1;

  CREATE TABLE partial (
    item INTEGER PRIMARY KEY,
    key TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    source TEXT NOT NULL
  ) STRICT;

  CREATE TABLE touched (
    container INTEGER PRIMARY KEY,
    depth INTEGER NOT NULL,
    lease INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX touched_depth ON touched (depth);

  CREATE TABLE counter (
    execution INTEGER NOT NULL,
    state INTEGER NOT NULL,
    reason TEXT NOT NULL,
    items INTEGER NOT NULL,
    containers INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    PRIMARY KEY (execution, state, reason)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE audit (
    seq INTEGER PRIMARY KEY,
    execution INTEGER NOT NULL,
    item INTEGER,
    level INTEGER NOT NULL,
    type TEXT NOT NULL,
    recorded_ms INTEGER NOT NULL,
    message TEXT,
    detail TEXT
  ) STRICT;

  CREATE TABLE memory (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
  `,
  `
  -- Of an item that failed in its execution: what was decided about it, as its row tells of the failure.
  ALTER TABLE trial ADD COLUMN decided_reason TEXT;
  ALTER TABLE trial ADD COLUMN decided_why TEXT;
  `,
  `
  -- Of a batch that is cleared up after: when the time of the holder it was taken from was up.
  ALTER TABLE lease ADD COLUMN held_until_ms INTEGER;
  `,
  `
  -- The execution that looked last at all that is in a container, and when: so long what is said of unchanged rows holds.
  ALTER TABLE container ADD COLUMN looked INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE container ADD COLUMN looked_ms INTEGER;
  -- The source as it was seen when an item was left as it is, where that is not as recorded.
  ALTER TABLE plan ADD COLUMN source TEXT;
  CREATE INDEX item_gone ON item (id) WHERE gone = 1;
  CREATE INDEX plan_altered ON plan (processing, item) WHERE processing IS NOT NULL;

  -- What an execution came across that has no reason of its own: hard links and what they cost, holes lost.
  CREATE TABLE met (
    execution INTEGER NOT NULL,
    what TEXT NOT NULL,
    items INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    PRIMARY KEY (execution, what)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- What the platform calls a content half-way, where it gives it an id of its own.
  ALTER TABLE partial ADD COLUMN resume TEXT;
  `,
  `
  -- What is to be removed when all else is done; emptied when its execution ends.
  CREATE TABLE removal (
    item INTEGER PRIMARY KEY,
    side INTEGER NOT NULL,       -- 0 source, 1 destination
    depth INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    facts TEXT NOT NULL,         -- of what is to be removed, as it was planned against
    platform_id TEXT,
    reason TEXT NOT NULL,
    lease INTEGER NOT NULL,
    done INTEGER NOT NULL        -- 0 open, 1 removed, 2 kept, 3 failed
  ) STRICT;
  CREATE INDEX removal_open ON removal (depth) WHERE done = 0;
  CREATE INDEX removal_leased ON removal (lease) WHERE lease <> 0;
  `,
  `
  -- 1: what was decided last goes from the destination to the source. Of a container: it came from there, and \`ready\` and
  -- \`made\` tell of the source.
  ALTER TABLE item ADD COLUMN to_source INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE work ADD COLUMN to_source INTEGER NOT NULL DEFAULT 0;
  `,
]

/** As `openDatabase` takes it. */
export const ledgerSchema = { applicationId, migrations, isPrivate: true }
