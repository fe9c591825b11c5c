import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { aTree, look, touched } from './a_tree.ts'
import { Rig, type Job } from './rig.ts'

const rig = new Rig()
afterAll(() => rig.close())

const cases = Number(process.env['STEVEDORE_SYNC_CASES'] ?? 15)
const seed = process.env['STEVEDORE_SEED'] ? { seed: Number(process.env['STEVEDORE_SEED']) } : {}

type SideName = 'source' | 'destination'
interface Edit {
  side: SideName
  what: 'write' | 'remove' | 'folder'
  path: string
  /** Modified so many seconds after the beginning of time as this test knows it. */
  seconds: number
}

const names = ['a', 'b', 'd', 'd/a', 'd/b', 'd/e', 'd/e/a', 'f', 'f/a']
const edit: fc.Arbitrary<Edit> = fc.record({
  side: fc.constantFrom<SideName>('source', 'destination'),
  what: fc.constantFrom('write', 'write', 'write', 'remove', 'remove', 'folder'),
  path: fc.constantFrom(...names),
  seconds: fc.integer({ min: 0, max: 5 }).map((n) => n * 10),
})
const history = fc.record({
  conflict_resolution: fc.constantFrom('copy', 'latest', 'source', 'destination', 'failure'),
  delete_propagation: fc.constantFrom(
    'mirror',
    'mirror',
    'mirror',
    'ignore_source',
    'ignore_destination',
    'ignore_both',
  ),
  rounds: fc.array(fc.array(edit, { minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 4 }),
})

/** Contents by path of one side. */
type State = Map<string, string>

function stateOf(root: string): State {
  const state: State = new Map()
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true }))
    if (entry.isFile()) {
      const path = join(entry.parentPath, entry.name)
      state.set(path.slice(root.length + 1), readFileSync(path, 'utf8'))
    }
  return state
}

let written = 0

/** What can't be done as things stand is left undone. */
function make({ side, what, path, seconds }: Edit, job: Pick<Job, SideName>): void {
  const at = join(job[side], path)
  const there = existsSync(at) ? (lstatSync(at).isDirectory() ? 'folder' : 'file') : 'nothing'
  if (what === 'remove') return rmSync(at, { recursive: true, force: true })
  for (let up = dirname(path); up !== '.'; up = dirname(up)) {
    const above = join(job[side], up)
    if (existsSync(above) && !lstatSync(above).isDirectory()) return
  }
  if (what === 'folder') {
    if (there !== 'file') mkdirSync(at, { recursive: true })
    return
  }
  if (there === 'folder') return
  mkdirSync(dirname(at), { recursive: true })
  written += 1
  writeFileSync(at, `written ${written}${'.'.repeat(written % 7)}`)
  const time = 1_700_000_000 + seconds + written
  utimesSync(at, time, time)
}

/** Contents that nobody but one side had may go only for a reason that the settings give. */
function lost(
  before: Record<SideName, State>,
  agreed: State,
  after: Record<SideName, State>,
  settings: { conflict_resolution: string },
): string[] {
  const kept = new Set([...after.source.values(), ...after.destination.values()])
  const missing: string[] = []
  for (const [here, there] of [
    ['source', 'destination'],
    ['destination', 'source'],
  ] as const)
    for (const [path, content] of before[here]) {
      if (content === agreed.get(path) || kept.has(content)) continue
      const other = before[there].get(path)
      const isConflict = other !== undefined && other !== agreed.get(path) && other !== content
      const mayLose =
        isConflict && agreed.has(path) && ['latest', 'source', 'destination'].includes(settings.conflict_resolution)
      if (!mayLose) missing.push(`${here} ${path}: ${content}`)
    }
  return missing
}

/** Contents by path, without what is kept at one side alone. */
function files(root: string): [string, string][] {
  return [...stateOf(root)].filter(([path]) => !path.includes('(conflict')).sort()
}

/** Something is left to a person, or to another run. */
function hasFailures(job: Job): boolean {
  return [...job.rows().values()].some(({ state }) => state === 'retry' || state === 'remediation')
}

/** What both sides had last under each path; one of them may not have it any more. */
function agreement(job: Job, agreed: State): State {
  const [here, there] = [stateOf(job.source), stateOf(job.destination)]
  return new Map([...agreed, ...[...here].filter(([path, content]) => there.get(path) === content)])
}

test(
  'whatever happens on both sides, no work is lost, and two quiet runs later nothing is left to do',
  async () => {
    await fc.assert(
      fc.asyncProperty(history, async ({ rounds, ...settings }) => {
        const job = await rig.job(
          { transfer_type: 'sync', ...settings },
          { source: aTree({ a: 'first a', 'd/a': 'first d/a', 'd/e/a': 'first d/e/a' }) },
        )
        await job.run({ approve: () => true })
        let agreed = agreement(job, new Map())
        for (const edits of rounds) {
          for (const one of edits) make(one, job)
          const before = { source: stateOf(job.source), destination: stateOf(job.destination) }
          await job.run({ approve: () => true })
          const after = { source: stateOf(job.source), destination: stateOf(job.destination) }
          expect(lost(before, agreed, after, settings)).toEqual([])
          agreed = agreement(job, agreed)
        }
        await job.run({ approve: () => true })
        const was = { source: look(job.source), destination: look(job.destination) }
        const quiet = await job.run({ approve: () => true })
        expect(quiet.balance?.carriedOut?.items ?? 0).toBe(0)
        expect(touched(was.source, look(job.source))).toEqual([])
        expect(touched(was.destination, look(job.destination))).toEqual([])
        if (settings.delete_propagation !== 'mirror' || settings.conflict_resolution === 'failure') return
        if (hasFailures(job)) return
        expect(files(job.destination)).toEqual(files(job.source))
      }),
      { numRuns: cases, ...seed },
    )
  },
  24 * 3_600_000,
)

test(
  'two shares that meet in a vault are the same in the end, though neither job knows of the other',
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(edit, { minLength: 2, maxLength: 14 }), async (edits) => {
        const settings = { transfer_type: 'sync', delete_propagation: 'mirror' }
        const one = await rig.job(settings, {
          source: aTree({ a: 'first a', 'd/a': 'first d/a', 'd/e/a': 'first d/e/a' }),
          to: { platform: 'vault' },
        })
        const vault = { platform: 'vault', auth: { root: one.destination } }
        const other = await rig.job(settings, { from: vault })
        const all = async (): Promise<number> => {
          let carriedOut = 0
          for (const job of [one, other]) {
            const { balance } = await job.run({ approve: () => true })
            carriedOut += balance?.carriedOut?.items ?? 0
          }
          return carriedOut
        }
        for (let round = 0; round < 2; round++) await all()
        expect([...stateOf(other.destination).keys()].sort()).toEqual(['a', 'd/a', 'd/e/a'])
        for (const change of edits) make(change, { source: one.source, destination: other.destination })
        for (let round = 0; round < 4; round++) await all()
        expect(await all()).toBe(0)
        if (hasFailures(one) || hasFailures(other)) return
        expect(files(other.destination)).toEqual(files(one.source))
      }),
      { numRuns: Math.ceil(cases / 5), ...seed },
    )
  },
  24 * 3_600_000,
)
