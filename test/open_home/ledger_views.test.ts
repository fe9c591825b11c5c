import { copyFileSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, test } from '@jest/globals'
import { ledgerFile, openHome } from '../../src/home/home.ts'
import { connectLedger, openLedger } from '../../src/ledger/client.ts'
import { SqliteLedger } from '../../src/ledger/sqlite/ledger.ts'
import { LedgerReader } from '../../src/ledger/sqlite/reader.ts'
import { OpenLedgers } from '../../src/open_home/ledger_views.ts'
import { files, listRoot, oneBatch, results, start } from '../ledger/rig.ts'

test('a ledger whose tables are only about to be made is none yet, and is one when they are there', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ledger-views-test-'))
  const home = openHome(folder)
  const ledgers = new OpenLedgers(home)
  const jobId = 'a'.repeat(32)
  const file = ledgerFile(home, jobId, 'real')
  try {
    expect(ledgers.open(jobId, 'real')).toBeUndefined()
    writeFileSync(file, '')
    expect(ledgers.open(jobId, 'real')).toBeUndefined()
    const writer = new SqliteLedger(file)
    expect(ledgers.open(jobId, 'real')).toBeDefined()
    writer.close()
  } finally {
    ledgers.close()
    rmSync(folder, { recursive: true })
  }
})

test('a finished ledger is one file to archive, also when it was read while its owner closed it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ledger-views-test-'))
  const home = openHome(folder)
  const ledgers = new OpenLedgers(home)
  const jobId = 'b'.repeat(32)
  const file = ledgerFile(home, jobId, 'real')
  try {
    const handle = await openLedger(file)
    const ledger = connectLedger(handle.port(), file)
    await ledger.begin(start())
    await listRoot(ledger, files(500))
    await ledger.finished(results(await oneBatch(ledger)))
    await ledger.end(1)
    expect(ledgers.open(jobId, 'real')!.balance(1).found.items).toBe(500)
    await ledger.close()
    await handle.close()

    const archived = join(folder, 'archived.db')
    copyFileSync(file, archived)
    const reader = new LedgerReader(archived)
    expect(reader.balance(1).byStatus.success.items).toBe(500)
    expect([...reader.rows()]).toHaveLength(500)
    reader.close()
    ledgers.close()
    expect(readdirSync(dirname(file)).filter((name) => name.startsWith(jobId))).toEqual([
      `${jobId}.db`,
      `${jobId}.db-lock`,
    ])
  } finally {
    ledgers.close()
    rmSync(folder, { recursive: true })
  }
})
