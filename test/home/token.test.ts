import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openCatalog } from '../../src/catalog/open.ts'
import { openHome } from '../../src/home/home.ts'
import { keyOf } from '../../src/home/key.ts'
import { acquire } from '../../src/home/lock.ts'
import { openToken } from '../../src/home/token.ts'
import { lockLedger } from '../../src/ledger/owner_lock.ts'
import { SqliteLedger } from '../../src/ledger/sqlite/ledger.ts'

let folder: string
let file: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stevedore-token-'))
  file = join(folder, 'token')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8)

test('a token is made once, of 256 random bits, in a file that only its owner may read', () => {
  const token = openToken(file)
  expect(Buffer.from(token, 'base64url')).toHaveLength(32)
  expect(mode(file)).toBe('600')
  expect(openToken(file)).toBe(token)
  expect(readFileSync(file, 'utf8')).toBe(`${token}\n`)
  expect(openToken(join(folder, 'other'))).not.toBe(token)
})

test('a token that others may read, or that is too short to be one, is refused with what to do', () => {
  openToken(file)
  chmodSync(file, 0o640)
  expect(() => openToken(file)).toThrow(/token is open to others; remove it/)
  chmodSync(file, 0o600)
  writeFileSync(file, 'secret\n')
  expect(() => openToken(file)).toThrow(/remove it, and another is made/)
  expect(() => openToken(file)).not.toThrow(/secret/)
})

test('the files of a home are for their owner alone in themselves, whatever the umask, and those of before are closed', async () => {
  const umask = process.umask(0)
  try {
    const home = openHome(folder)
    writeFileSync(home.catalog, '', { mode: 0o644 })
    const catalog = openCatalog(home.catalog, keyOf(new Uint8Array(32)))
    const asked = await acquire(home)
    const ledgerPath = join(home.ledgers, 'x.db')
    const lock = lockLedger(ledgerPath)
    const ledger = new SqliteLedger(ledgerPath)
    const files = [home.catalog, `${home.catalog}-wal`, `${home.catalog}-shm`, home.lock, home.holder]
    files.push(ledgerPath, `${ledgerPath}-wal`, `${ledgerPath}-shm`, `${ledgerPath}-lock`)
    expect(files.map((path) => [path, mode(path)])).toEqual(files.map((path) => [path, '600']))
    ledger.close()
    lock.release()
    if ('lock' in asked) asked.lock.release()
    await catalog.close()
  } finally {
    process.umask(umask)
  }
})
