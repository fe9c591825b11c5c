import { ConnectorError, type ErrorCode } from '../connector/errors.ts'
import type { AuditRow, ContainerAddress, Leftovers } from '../ledger/ledger.ts'
import { descendOf } from './addresses.ts'
import type { ExecutionRef } from './engine.ts'
import { ConnectionTrouble } from './errors.ts'
import { stagingKey } from './job_spec.ts'
import { discardFormer, foreignInside, mergedFormer } from './batch/former_folders.ts'
import type { JobInHand } from './open_jobs.ts'
import { recordMade } from './record_made.ts'
import { requireSameRoot } from './root_identity.ts'
import { OpenSides } from './sides.ts'

/**
 * Stagings of holders that never came back, and long contents put down half-way: removed by recorded name. Folders that
 * such holders made are put on record.
 *
 * @throws ConnectionTrouble when the destination is out of reach for now
 */
export async function clearLeftovers(job: JobInHand, ref: ExecutionRef): Promise<void> {
  const leftovers = await job.ledger.leftovers(ref.execution)
  if (job.spec.simulated || (leftovers.batches.length === 0 && leftovers.partials.length === 0)) return
  const left: AuditRow[] = []
  try {
    await discardLeftovers(job, ref, leftovers, left)
  } catch (error) {
    if (!(error instanceof ConnectorError)) throw error
    if (error.kind === 'connection' && !lastingTrouble.has(error.code))
      throw new ConnectionTrouble('destination', error.code, error.message, error.retryAfterMs)
    // A root that is gone, or another in its place: it took them along, and nobody is kept waiting until it is back.
    const message = `what was half-way could not be cleared away at the destination: ${error.message}`
    left.push({ level: 'warn', type: 'left_behind', message })
  }
  if (left.length > 0) await job.ledger.audit(left)
}

const lastingTrouble: ReadonlySet<string> = new Set<ErrorCode>([
  'RootGone',
  'RootReplaced',
  'Misconfigured',
  'AuthExpired',
  'ReadOnly',
])

async function discardLeftovers(
  job: JobInHand,
  ref: ExecutionRef,
  { batches, partials }: Leftovers,
  left: AuditRow[],
): Promise<void> {
  await using sides = new OpenSides()
  const session = await sides.open(job.spec.destination)
  /** One that is out of reach keeps none of the others. */
  const discard = async (item: number, container: string, key: string): Promise<void> => {
    try {
      await session.discard(container, key)
    } catch (error) {
      if (!(error instanceof ConnectorError) || error.kind === 'connection') throw error
      left.push({ item, level: 'warn', type: 'left_behind', message: `its staging ${key} stays: ${error.message}` })
    }
  }
  const { path } = job.spec.destination
  const root = await session.root(path)
  if (!root) throw new ConnectorError('RootGone', `${JSON.stringify(path)} is gone`)
  await requireSameRoot(job.ledger, { side: 'destination', path }, root)
  const idOf = (at: ContainerAddress | undefined): string | undefined => at && descendOf(session, root.id, at)
  for (const batch of batches) {
    const containers = new Map(batch.containers.map((container) => [container.item, container]))
    const staged = new Map(batch.staged.map((one) => [one.item, one.staged]))
    for (const { item, container } of batch.items) {
      const id = idOf(containers.get(container))
      if (id === undefined) continue
      const known = staged.get(item)
      if (known) await discard(item, known.container, known.key)
      for (const token of batch.formerTokens) await discard(item, id, stagingKey(ref.jobId, item, token))
    }
  }
  for (const { folder, tokens } of mergedFormer(batches)) {
    const stays = await discardFormer(session, { root: root.id, jobId: ref.jobId, tokens }, folder)
    left.push(...stays.map((name) => foreignInside(folder.item, name)))
  }
  for (const { item, container, key } of partials) {
    const id = idOf(container)
    if (id !== undefined) await discard(item, id, key)
  }
  await recordMade(job, { session, root: root.id }, batches)
}
