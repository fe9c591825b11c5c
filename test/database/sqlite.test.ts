import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { constants, tmpdir } from 'node:os'
import { join } from 'node:path'
import { canGrow, isNoRoom } from '../../src/database/can_grow.ts'
import {
  closeWhole,
  DatabaseUnusable,
  foldLog,
  isFull,
  isUnavailable,
  openDatabase,
  transaction,
} from '../../src/database/sqlite.ts'
import { vaultTrouble } from '../../src/connector/vault/trouble.ts'
import { mounted } from './small_disk.ts'

const one = 'CREATE TABLE fruit (name TEXT NOT NULL)'
const two = "ALTER TABLE fruit ADD COLUMN colour TEXT; INSERT INTO fruit (name) VALUES ('apple')"
const applicationId = 0x53_74_76_54
let folder: string
let file: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stevedore-database-'))
  file = join(folder, 'fruit.db')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function fruits(migrations = [one]) {
  return openDatabase(file, { applicationId, migrations })
}

test('a file is made with its schema, in WAL mode with foreign keys', () => {
  const db = fruits()
  expect(db.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' })
  expect(db.prepare('PRAGMA foreign_keys').get()).toEqual({ foreign_keys: 1 })
  expect(db.prepare('PRAGMA user_version').get()).toEqual({ user_version: 1 })
  expect(db.prepare('PRAGMA busy_timeout').get()).toEqual({ timeout: 5000 })
  db.close()
})

test('an older file gets the missing migrations once', () => {
  fruits().close()
  fruits([one, two]).close()
  const db = fruits([one, two])
  expect(db.prepare('SELECT * FROM fruit').all()).toEqual([{ name: 'apple', colour: null }])
  db.close()
})

test('a migration that fails changes nothing and names the file', () => {
  fruits().close()
  const before = readFileSync(file)
  expect(() => fruits([one, two, 'CREATE TABLE broken (']).close()).toThrow(/fruit\.db: migration 3 failed/)
  expect(readFileSync(file)).toEqual(before)
})

test('a file of a newer version is refused and left as it is', () => {
  fruits([one, two]).close()
  const before = readFileSync(file)
  expect(() => fruits([one])).toThrow(/fruit\.db: was written by a newer version \(schema 2/)
  expect(readFileSync(file)).toEqual(before)
})

test('a file of another kind is refused and left as it is', () => {
  openDatabase(file, { applicationId: 1, migrations: [one] }).close()
  const before = readFileSync(file)
  expect(() => fruits()).toThrow(/fruit\.db: is a database of another kind/)
  expect(readFileSync(file)).toEqual(before)
})

test('a file that is no database is named and never overwritten', () => {
  writeFileSync(file, 'x'.repeat(10_000))
  expect(() => fruits()).toThrow(DatabaseUnusable)
  expect(readFileSync(file, 'utf8')).toBe('x'.repeat(10_000))
})

test.each([100, 4_096, 5_000])('a file cut to %d bytes is named and never overwritten', (bytes) => {
  fruits().close()
  truncateSync(file, bytes)
  const cut = readFileSync(file)
  expect(() => fruits()).toThrow(/fruit\.db: is damaged/)
  expect(readFileSync(file)).toEqual(cut)
})

test('a reader neither creates nor migrates, and reads what is there', () => {
  const read = (migrations = [one]) => openDatabase(file, { applicationId, migrations, readOnly: true })
  expect(() => read()).toThrow(/does not exist/)
  const writer = fruits()
  writer.exec("INSERT INTO fruit VALUES ('pear')")
  expect(() => read([one, two])).toThrow(/has schema 1/)
  const beside = read()
  expect(beside.prepare('SELECT name FROM fruit').all()).toEqual([{ name: 'pear' }])
  expect(() => beside.exec('DELETE FROM fruit')).toThrow(/readonly/)
  beside.close()
  writer.close()
  const alone = read()
  expect(alone.prepare('SELECT name FROM fruit').all()).toEqual([{ name: 'pear' }])
  alone.close()
})

describe('a database that was closed while somebody else has it open', () => {
  const insert = "INSERT INTO fruit VALUES ('apple')"

  /** As an archive would have it: the file without its log. */
  function inTheFileAlone(): unknown[] {
    const copy = join(folder, 'copy', 'fruit.db')
    mkdirSync(join(folder, 'copy'))
    copyFileSync(file, copy)
    const db = openDatabase(copy, { applicationId, migrations: [one], readOnly: true })
    const found = db.prepare('SELECT name FROM fruit').all()
    db.close()
    rmSync(join(folder, 'copy'), { recursive: true })
    return found
  }

  test('is whole in its file, and one file when the last has gone', () => {
    const writer = fruits()
    const reader = openDatabase(file, { applicationId, migrations: [one], readOnly: true })
    writer.exec(insert)
    closeWhole(writer)
    expect(inTheFileAlone()).toEqual([{ name: 'apple' }])
    reader.close()
    foldLog(file)
    expect(readdirSync(folder)).toEqual(['fruit.db'])
  })

  test('is closed without a fault, and soon, in the middle of another one reading, and whole when that one has gone', () => {
    const writer = fruits()
    writer.exec(insert)
    const reader = openDatabase(file, { applicationId, migrations: [one], readOnly: true })
    const rows = reader.prepare('SELECT name FROM fruit').iterate()
    rows.next()
    writer.exec(insert)
    const begunMs = Date.now()
    closeWhole(writer)
    expect(Date.now() - begunMs).toBeLessThan(2_000)
    rows.return?.()
    reader.close()
    foldLog(file)
    expect(inTheFileAlone()).toHaveLength(2)
  })

  test('is left alone while another one writes', () => {
    const writer = fruits()
    writer.exec(insert)
    foldLog(file)
    expect(readdirSync(folder)).toContain('fruit.db-wal')
    writer.exec(insert)
    closeWhole(writer)
    expect(inTheFileAlone()).toHaveLength(2)
  })
})

test('a transaction happens whole or not at all, and one inside another is part of it', () => {
  const db = fruits()
  const add = (name: string) => db.prepare('INSERT INTO fruit VALUES (?)').run(name)
  expect(() =>
    transaction(db, () => {
      add('fig')
      transaction(db, () => add('plum'))
      throw new Error('stop')
    }),
  ).toThrow('stop')
  expect(db.prepare('SELECT * FROM fruit').all()).toEqual([])
  expect(transaction(db, () => add('fig').changes)).toBe(1)
  db.close()
})

test('several processes that open a new file at once migrate it once', async () => {
  const script = `
    const { openDatabase } = await import(${JSON.stringify(import.meta.resolve('../../src/database/sqlite.ts'))})
    openDatabase(${JSON.stringify(file)}, { applicationId: ${applicationId}, migrations: ${JSON.stringify([one, two])} }).close()`
  const ends = await Promise.all(
    Array.from({ length: 4 }, () => {
      const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
        stdio: ['ignore', 'ignore', 'pipe'],
      })
      let said = ''
      child.stderr.on('data', (text: Buffer) => (said += text.toString()))
      return new Promise((resolve) => child.on('close', (code) => resolve(code === 0 ? 'ok' : said)))
    }),
  )
  expect(ends).toEqual(['ok', 'ok', 'ok', 'ok'])
  const db = fruits([one, two])
  expect(db.prepare('SELECT count(*) n FROM fruit').get()).toEqual({ n: 1 })
  db.close()
})

describe('a quota that is exceeded', () => {
  /** As node:sqlite tells SQLITE_IOERR_WRITE: SQLite has a word for a full disk only. */
  const ioError = (): never => {
    throw Object.assign(new Error('disk I/O error'), { code: 'ERR_SQLITE_ERROR', errcode: 778 })
  }
  const thrownBy = (work: () => void): unknown => {
    try {
      work()
    } catch (error) {
      return error
    }
    return undefined
  }

  test('is a full disk to whoever writes, where files can not grow', () => {
    const small = join(folder, 'small')
    if (!mounted(small)) {
      console.log('skipped: this test needs the right to mount a tmpfs')
      return
    }
    file = join(small, 'fruit.db')
    const db = fruits()
    try {
      spawnSync('dd', ['if=/dev/zero', `of=${join(small, 'ballast')}`, 'bs=4k'])
      const error = thrownBy(() => transaction(db, ioError))
      expect(isFull(error)).toBe(true)
      expect(isUnavailable(error)).toBe(true)
      expect(String(error)).toContain(file)
      expect(vaultTrouble(error, 'n1')).toMatchObject({ code: 'QuotaExceeded', kind: 'connection' })
      expect(readdirSync(small).sort()).toEqual(['ballast', 'fruit.db', 'fruit.db-shm', 'fruit.db-wal'])
    } finally {
      db.close()
      execFileSync('umount', [small])
    }
  })

  test('is not to blame for an I/O error where they can', () => {
    const db = fruits()
    const error = thrownBy(() => transaction(db, ioError))
    expect(isFull(error)).toBe(false)
    expect(error).toMatchObject({ errcode: 778 })
    expect(readdirSync(folder).filter((name) => name.includes('room'))).toEqual([])
    db.close()
  })

  test('is known by its number, for which Node has no name', () => {
    const quota = Object.assign(new Error('UNKNOWN'), { errno: -constants.errno.EDQUOT, code: 'UNKNOWN' })
    expect(isNoRoom(quota)).toBe(true)
    expect(isNoRoom(Object.assign(new Error('EIO'), { errno: -constants.errno.EIO, code: 'EIO' }))).toBe(false)
    expect(canGrow(join(folder, 'is not there'))).toBe(true)
  })
})
