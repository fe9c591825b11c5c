/** `SVvl`: a Stevedore vault. */
export const applicationId = 0x5356_766c

/** Times are nanoseconds since 1970. A node's id is never used again. The root is node 1. */
export const migrations: readonly string[] = [
  `
  CREATE TABLE vault (
    id TEXT NOT NULL
  ) STRICT;
  INSERT INTO vault VALUES (lower(hex(randomblob(8))));

  CREATE TABLE nodes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    parent INTEGER REFERENCES nodes (id),
    name TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('item', 'container')),
    hash TEXT CHECK ((hash IS NULL) = (kind = 'container')),
    size INTEGER NOT NULL DEFAULT 0,
    created INTEGER NOT NULL,
    modified INTEGER NOT NULL,
    changed INTEGER NOT NULL,
    version INTEGER NOT NULL DEFAULT 1,
    -- What made it, so that a repeat after a death finds it made.
    key TEXT
  ) STRICT;
  CREATE INDEX nodes_siblings ON nodes (parent, name);
  CREATE INDEX nodes_listing ON nodes (parent);
  CREATE INDEX nodes_hash ON nodes (hash) WHERE hash IS NOT NULL;
  CREATE UNIQUE INDEX nodes_key ON nodes (key) WHERE key IS NOT NULL;
  INSERT INTO nodes (parent, name, kind, created, modified, changed)
    SELECT NULL, '', 'container', now, now, now FROM (SELECT unixepoch() * 1000000000 now);

  -- Contents that are whole and belong to no item yet.
  CREATE TABLE stagings (
    key TEXT PRIMARY KEY,
    container INTEGER NOT NULL,
    hash TEXT NOT NULL,
    size INTEGER NOT NULL,
    created INTEGER,
    modified INTEGER,
    power INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX stagings_hash ON stagings (hash);

  -- Blobs that lost an item or a staging, and are to be removed unless something else holds them.
  CREATE TABLE loose (
    hash TEXT PRIMARY KEY
  ) STRICT, WITHOUT ROWID;
  `,
]
