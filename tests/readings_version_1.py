"""A database of readings as version 1 made it, before a database kept its version."""

# The tables as version 1 made them, with one reader's answer, taken back and given again.
VERSION_1 = """
CREATE TABLE designs (id VARCHAR(32) NOT NULL PRIMARY KEY, study TEXT NOT NULL, body TEXT NOT NULL,
  image_size INTEGER NOT NULL, practice BOOLEAN NOT NULL, created VARCHAR(32) NOT NULL);
CREATE INDEX ix_designs_study ON designs (study);
CREATE TABLE items (id VARCHAR(32) NOT NULL PRIMARY KEY, design VARCHAR(32) NOT NULL REFERENCES designs (id),
  image_set VARCHAR(64) NOT NULL, label VARCHAR(16) NOT NULL, "index" INTEGER NOT NULL);
CREATE INDEX ix_items_design ON items (design);
CREATE TABLE readers (id VARCHAR(32) NOT NULL PRIMARY KEY, design VARCHAR(32) NOT NULL REFERENCES designs (id),
  code VARCHAR(64) NOT NULL, token_hash VARCHAR(64) NOT NULL UNIQUE, created VARCHAR(32) NOT NULL, UNIQUE (design, code));
CREATE INDEX ix_readers_design ON readers (design);
CREATE TABLE presentations (id VARCHAR(32) NOT NULL PRIMARY KEY, reader VARCHAR(32) NOT NULL REFERENCES readers (id),
  position INTEGER NOT NULL, item VARCHAR(32) NOT NULL REFERENCES items (id), repeat BOOLEAN NOT NULL,
  UNIQUE (reader, position));
CREATE TABLE addresses (token_hash VARCHAR(64) NOT NULL PRIMARY KEY,
  presentation VARCHAR(32) NOT NULL REFERENCES presentations (id), issued VARCHAR(32) NOT NULL, used VARCHAR(32));
CREATE INDEX ix_addresses_presentation ON addresses (presentation);
CREATE TABLE readings (id INTEGER NOT NULL PRIMARY KEY,
  presentation VARCHAR(32) NOT NULL REFERENCES presentations (id), submit VARCHAR(64) NOT NULL UNIQUE,
  withdrawn BOOLEAN NOT NULL, source INTEGER, pathology INTEGER, seconds FLOAT NOT NULL, created VARCHAR(32) NOT NULL);
CREATE INDEX ix_readings_presentation ON readings (presentation);
INSERT INTO designs VALUES ('d', 'old', '{"strata":[{"image_set":"real/test","per_class":1}],"repeats":0.0,'
  || '"block_size":50,"seed":1,"questions":["source","pathology"]}', 128, 0, '2026-11-22T10:00:00.000+00:00');
INSERT INTO items VALUES ('i1', 'd', 'real/test', 'ad', 3), ('i2', 'd', 'real/test', 'non_ad', 4);
INSERT INTO readers VALUES ('r', 'd', 'R1',
  '2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae', '2026-11-22T10:00:00.000+00:00');
INSERT INTO presentations VALUES ('p0', 'r', 0, 'i1', 0), ('p1', 'r', 1, 'i2', 0);
INSERT INTO readings VALUES (1, 'p0', 's1', 0, 6, 6, 2.5, 't1'), (2, 'p0', 's2', 1, NULL, NULL, 0, 't2'),
  (3, 'p0', 's3', 0, 2, 5, 3.5, 't3');
"""
TOKEN_OF_VERSION_1 = "foo"
