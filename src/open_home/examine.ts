import { existsSync, readdirSync, renameSync, statSync } from 'node:fs'
import { connect } from 'node:net'
import { basename, join } from 'node:path'
import { openCatalog } from '../catalog/open.ts'
import type { Catalog, StoredJob } from '../catalog/catalog.ts'
import { findDamage } from '../database/sqlite.ts'
import { ledgerFile, type Home } from '../home/home.ts'
import { openKey } from '../home/key.ts'
import { holderOf } from '../home/lock.ts'
import { roomAt } from '../home/room.ts'
import { hasWrittenLedger } from '../catalog/has_written_ledger.ts'
import { SqliteLedger } from '../ledger/sqlite/ledger.ts'

/** One thing looked at in a home. */
export interface Finding {
  what: string
  /** What is wrong, and what can be done; undefined when all is well. */
  problem?: string
  /** Does what can be done without losing anything: what is in the way is moved aside. Only while nobody serves the home. */
  repair?: () => string
}

/** What `stevedore doctor` looks at: folder, key, databases, room, and who serves. */
export async function* examine(home: Home): AsyncGenerator<Finding> {
  yield { what: `home ${home.path}`, ...problemOf(openToOthers(home)) }
  const room = roomAt(home.path)
  yield { what: room.sentence, ...problemOf(room.low ? `${room.sentence}: jobs wait until there is more` : undefined) }
  const ledgers = readdirSync(home.ledgers).filter((name) => /^[0-9a-f]{32}(\.simulation)?\.db$/.test(name))
  const { jobs, problem } = await readCatalog(home)
  yield { what: `catalog ${home.catalog}`, ...problemOf(problem) }
  for (const name of ledgers) yield ledgerFinding(join(home.ledgers, name), jobs)
  for (const { job, wrote } of jobs ?? []) {
    const file = ledgerFile(home, job.id)
    if (wrote && !ledgers.includes(basename(file))) yield lost(file, job)
  }
  yield serverFinding(home)
  yield await holderFinding(home)
}

/**
 * Why a home must not be opened: an empty catalog would be begun beside ledgers that know jobs.
 *
 * @returns in words, and what can be done
 */
export function lostCatalog({ catalog, ledgers }: Home): string | undefined {
  if (sizeOf(catalog) > 0 || !existsSync(ledgers)) return undefined
  const known = readdirSync(ledgers).filter((name) => /^[0-9a-f]{32}\.db$/.test(name)).length
  if (known === 0) return undefined
  return (
    `${catalog} is gone or empty, though there are ledgers of ${known} ${known === 1 ? 'job' : 'jobs'}: restore it from a ` +
    `backup; without one move ${ledgers} away too, and add the jobs again: what is the same on both sides is then taken over`
  )
}

function damagedCatalog({ catalog, ledgers }: Home): string | undefined {
  const damage = findDamage(catalog)
  if (damage === undefined) return undefined
  return (
    `it is damaged (${damage}): restore it from a backup; without one move it and ${ledgers} away, and add the jobs again: ` +
    'what is the same on both sides is then taken over'
  )
}

interface KnownJob {
  job: StoredJob
  /** One of its executions wrote into its ledger. */
  wrote: boolean
}

async function readCatalog(home: Home): Promise<{ jobs?: KnownJob[]; problem?: string }> {
  const problem = lostCatalog(home) ?? damagedCatalog(home)
  if (problem !== undefined) return { problem }
  if (!existsSync(home.catalog)) return { jobs: [] }
  try {
    return { jobs: await jobsIn(home) }
  } catch (error) {
    // Of another version, or the key is not the one it was.
    return { problem: (error as Error).message }
  }
}

async function jobsIn(home: Home): Promise<KnownJob[]> {
  const catalog: Catalog = openCatalog(home.catalog, openKey(home.key))
  try {
    const known: KnownJob[] = []
    for (let offset = 0; ; offset += 500) {
      const { rows } = await catalog.jobs.list({ offset, limit: 500 })
      for (const job of rows) {
        const executions = await catalog.executions.list(job.id, { offset: 0, limit: 50 })
        const wrote = executions.rows.some(hasWrittenLedger)
        known.push({ job, wrote })
      }
      if (rows.length < 500) return known
    }
  } finally {
    await catalog.close()
  }
}

function ledgerFinding(file: string, jobs: readonly KnownJob[] | undefined): Finding {
  const known = jobs?.find(({ job }) => basename(file).startsWith(job.id))
  const simulation = file.endsWith('.simulation.db')
  const what = `${simulation ? 'simulation' : 'ledger'} of ${known ? JSON.stringify(known.job.name) : 'an unknown job'}: ${file}`
  if (sizeOf(file) === 0 && !simulation && known?.wrote) return lost(file, known.job)
  const damage = findDamage(file)
  if (damage !== undefined) {
    const way = simulation
      ? 'the next simulation makes another'
      : 'restore it from a backup, or have `stevedore doctor --repair` move it aside and begin another, which takes over what is the same on both sides'
    return { what, problem: `it is damaged (${damage}): ${way}`, repair: () => beginAnew(file, simulation) }
  }
  if (jobs && !known) return { what, problem: 'the catalog knows no such job: is it an older copy?' }
  return { what }
}

function lost(file: string, { name }: StoredJob): Finding {
  return {
    what: `ledger of ${JSON.stringify(name)}: ${file}`,
    problem:
      'it is gone or empty, though executions wrote it: restore it from a backup, or have `stevedore doctor --repair` begin another, which takes over what is the same on both sides',
    repair: () => beginAnew(file, false),
  }
}

/** What is there stays beside it. An empty ledger with tables says that somebody knows of the loss. */
function beginAnew(file: string, simulation: boolean): string {
  const aside = setAside(file)
  if (!simulation) new SqliteLedger(file).close()
  const moved = aside === undefined ? '' : `moved to ${aside}; `
  return simulation ? `${moved}the next simulation makes another` : `${moved}begun anew`
}

function setAside(file: string): string | undefined {
  const ends = ['', '-wal', '-shm', '-journal'].filter((end) => existsSync(file + end))
  if (ends.length === 0) return undefined
  const aside = `${file}.${new Date().toISOString().replace(/[:.]/g, '-')}`
  for (const end of ends) renameSync(file + end, aside + end)
  return aside
}

function serverFinding({ temporal }: Home): Finding {
  const damage = findDamage(temporal)
  return {
    what: `histories of the embedded Temporal server: ${temporal}`,
    ...(damage === undefined
      ? {}
      : {
          problem: `it is damaged (${damage}): nothing of a job is lost without it; \`stevedore doctor --repair\` moves it aside`,
          repair: () => `moved to ${setAside(temporal)}`,
        }),
  }
}

async function holderFinding(home: Home): Promise<Finding> {
  const holder = holderOf(home)
  if (!holder) return { what: 'nobody serves this home now' }
  const { temporal } = holder.addresses
  const what = `served by process ${holder.pid}${temporal === undefined ? '' : `, Temporal at ${temporal}`}`
  const answers = temporal === undefined || (await isReachable(temporal))
  return { what, ...problemOf(answers ? undefined : `nobody answers at ${temporal}: \`stevedore up\` starts it again`) }
}

function isReachable(address: string): Promise<boolean> {
  const [, host, port] = /^\[?(.*?)\]?:(\d+)$/.exec(address) ?? []
  return new Promise((resolve) => {
    const socket = connect({ host: host ?? '', port: Number(port), timeout: 5_000 })
    const answer = (reached: boolean): void => {
      socket.destroy()
      resolve(reached)
    }
    socket.once('connect', () => answer(true))
    socket.once('error', () => answer(false))
    socket.once('timeout', () => answer(false))
  })
}

/** The home is closed to others when it is opened; what is in it may have been copied there since. */
function openToOthers({ path, key }: Home): string | undefined {
  if (process.platform === 'win32') return undefined
  const open = [path, key].filter((at) => existsSync(at) && (statSync(at).mode & 0o077) !== 0)
  return open.length === 0 ? undefined : `others may read ${open.join(' and ')}: chmod go= ${open.join(' ')}`
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0
}

function problemOf(problem: string | undefined): { problem?: string } {
  return problem === undefined ? {} : { problem }
}
