import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { ledgerFile, openHome } from '../src/home/home.ts'
import { SqliteLedger } from '../src/ledger/sqlite/ledger.ts'
import { OpenLedgers } from '../src/ledger_views.ts'

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
