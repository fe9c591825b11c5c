import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { SqliteLedger } from '../../src/ledger/sqlite/ledger.ts'
import { CliBench } from './bench.ts'

let bench: CliBench
let ledger: string

beforeEach(async () => {
  bench = new CliBench()
  const file = join(bench.folder, 'job.json')
  const at = (root: string): unknown => ({ connection: { platform: { id: 'fs' }, auth: { root } } })
  const transfer = {
    transfer_type: 'copy',
    source: at(join(bench.folder, 'old')),
    destination: at(join(bench.folder, 'new')),
  }
  writeFileSync(file, JSON.stringify({ name: 'Moving house', kind: 'transfer', transfer }))
  const { lines } = await bench.run('run', file, '--json')
  const { job } = lines.find(({ type }) => type === 'started') as { job: { id: string } }
  ledger = join(bench.home, 'ledger', `${job.id}.db`)
  new SqliteLedger(ledger).close()
})

afterEach(() => bench.close())

/** Bytes in the middle, as a bad disk or a careless copy leaves them; what a database is known by stays. */
function damage(file: string): void {
  const bytes = readFileSync(file)
  bytes.fill(0x5a, 4_096 + 8, bytes.length - 8)
  writeFileSync(file, bytes)
}

test('a home in order is found in order', async () => {
  const { code, out } = await bench.run('doctor')
  expect(out).not.toContain('problem')
  expect(out).toContain(`ok       ledger of "Moving house": ${ledger}`)
  expect(code).toBe(0)
})

test('a damaged ledger is named, with the way out, and --repair goes it: nothing is thrown away', async () => {
  damage(ledger)
  const { code, out } = await bench.run('doctor')
  expect(code).toBe(1)
  expect(out).toMatch(`problem  ledger of "Moving house": ${ledger}`)
  expect(out).toMatch(
    /it is damaged \(.+\): restore it from a backup, or have `stevedore doctor --repair` move it aside/,
  )

  const repaired = await bench.run('doctor', '--repair')
  expect(repaired.code).toBe(0)
  const aside = readdirSync(join(bench.home, 'ledger')).find((name) => /\.db\.2/.test(name))
  expect(repaired.out).toContain(`moved to ${join(bench.home, 'ledger', aside!)}; begun anew`)
  expect((await bench.run('doctor')).code).toBe(0)
})

test('a ledger that is gone though its job ran is told, and begun anew only when somebody says so', async () => {
  rmSync(ledger)
  expect((await bench.run('doctor')).out).toMatch(/it is gone or empty, though executions wrote it/)
  expect((await bench.run('doctor', '--repair')).code).toBe(0)
  expect((await bench.run('doctor')).code).toBe(0)
})

test('a catalog that is gone beside ledgers is told, and no empty one is made', async () => {
  for (const end of ['', '-wal', '-shm']) rmSync(join(bench.home, `catalog.db${end}`), { force: true })
  for (const command of [['job', 'list'], ['doctor']]) {
    const { code, out, err } = await bench.run(...command)
    expect(code).not.toBe(0)
    expect(`${out}${err}`).toMatch(/catalog\.db is gone or empty, though there are ledgers of 1 job: restore it/)
  }
  expect(readdirSync(bench.home)).not.toContain('catalog.db')
})

test('who meets damage in the middle of the catalog is told the file, and whom to ask', async () => {
  damage(join(bench.home, 'catalog.db'))
  const { code, err } = await bench.run('job', 'list')
  expect(code).toBe(3)
  expect(err).toMatch(/catalog\.db: is damaged \(.*malformed.*\)[^]*stevedore doctor/)
  expect((await bench.run('doctor')).out).toMatch(/problem {2}catalog .*\n.*it is damaged/)
})
