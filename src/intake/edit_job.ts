import type { Catalog, StoredJob } from '../catalog/catalog.ts'
import { NotStarted, Unacceptable, type Problem } from '../problem.ts'
import { changedMeanwhile, warningsOf } from './changed_meanwhile.ts'
import type { Change } from './changes.ts'
import { checkJob } from './job.ts'
import { mergePatch } from './merge_patch.ts'
import { inertSettings, refusals } from './not_carried_out.ts'
import { reviseJob, revisionOf } from './revise.ts'

interface EditedJob {
  job: StoredJob
  changes: readonly Change[]
  warnings: Problem[]
}

/**
 * Changes a stored job by some of the keys of its document; those left out stay, null takes one away. It is checked as a
 * whole document is. Source, destination and kind stay: with others it is another job.
 *
 * @throws Unacceptable with every problem found; NotStarted when what is asked for now would keep it from starting. Nothing
 * is changed then.
 */
export async function editJob(
  stored: StoredJob,
  change: Record<string, unknown>,
  catalog: Catalog,
  options: { strict?: boolean } = {},
): Promise<EditedJob> {
  const checked = await checkJob(mergePatch(stored.document, change), catalog, options)
  const { endpoints, settings } = await revisionOf(stored, checked, catalog)
  const fixed = [...endpoints.map(createOnly), ...notSet(stored, change)]
  if (fixed.length > 0) throw new Unacceptable(fixed)
  await refuseNewHarm(stored, { document: { ...checked.job } }, catalog)
  const changes = [
    ...(stored.name === checked.name ? [] : [{ path: 'name', before: stored.name, after: checked.name }]),
    ...settings,
  ]
  const job = await awake(await reviseJob(stored, checked, catalog), change, catalog)
  // A workflow that waits for the next run waits by what it was told.
  if (changes.some(({ path }) => isTold.test(path))) await catalog.orders.keep(job.id, 'refresh')
  const inert = await inertSettings(job, catalog)
  return {
    job,
    changes,
    warnings: [
      ...checked.warnings,
      ...inert.map(({ path, why }) => ({ code: 'inert', property: path, description: why })),
      ...warningsOf(await changedMeanwhile(job, catalog)),
    ],
  }
}

/** What a job's workflow is told (`jobFacts`). */
const isTold = /^(name|schedule|stop_policy|category|disabled)\b/

function createOnly({ path }: Change): Problem {
  return { code: 'create_only', property: path, description: 'source and destination stay; make another job' }
}

function notSet({ kind }: StoredJob, change: Record<string, unknown>): Problem[] {
  const problems: Problem[] = []
  if (change.kind !== undefined && change.kind !== kind)
    problems.push({
      code: 'create_only',
      property: 'kind',
      description: `stays ${JSON.stringify(kind)}; make another job`,
    })
  if ('status' in change)
    problems.push({
      code: 'invalid',
      property: 'status',
      description: 'is not set: a job is commanded with start, pause, resume and cancel',
    })
  return problems
}

/** What kept it from starting before may stay: else two such settings could not be mended one after the other. */
async function refuseNewHarm(
  before: Pick<StoredJob, 'document'>,
  after: Pick<StoredJob, 'document'>,
  catalog: Catalog,
): Promise<void> {
  const known = new Set((await refusals(before, catalog)).map(({ property }) => property))
  const refused = (await refusals(after, catalog)).filter(({ property }) => !known.has(property))
  if (refused.length > 0) throw new NotStarted(refused)
}

/** One that was complete may have runs to come by what holds now; its workflow sees whether it has. */
async function awake(job: StoredJob, change: Record<string, unknown>, catalog: Catalog): Promise<StoredJob> {
  if (job.status !== 'complete' || !('stop_policy' in change || 'schedule' in change)) return job
  return catalog.jobs.update(job.id, { status: 'idle', statusReason: '' })
}
