import type { PlannedRemovals } from '../../../workflows/messages.ts'
import type { RemovalPlan } from '../../ledger/ledger.ts'
import { forgottenUpTo } from '../../ledger/sqlite/forgotten.ts'
import { needsApproval } from '../../policy/approval.ts'
import { bytes, count, counted } from '../../report/format.ts'
import type { ActiveExecutions } from './active_executions.ts'
import type { ExecutionRef } from './engine.ts'

/** Remembered by the ledger when a `publish` went to its end: what the destination holds otherwise is known since. */
export const published = 'published'

/** What waits to be removed, and whether a person has to approve of it. A simulation removes nothing, and asks nobody. */
export async function planRemovals(executions: ActiveExecutions, ref: ExecutionRef): Promise<PlannedRemovals> {
  const { ledger, spec } = await executions.open(ref)
  const { transferType } = spec.settings
  if (transferType === 'move')
    for (let after: number | undefined = 1; after !== undefined;) after = await ledger.planMoved(after)
  const plan = await ledger.plannedRemovals(ref.execution)
  const { items: removed, replaced, hash } = plan
  if (spec.simulated || transferType === 'move') return { items: removed }
  // After a hard reset nobody knows what the destination holds otherwise.
  const knownSince = Number((await ledger.recall(published)) ?? 0)
  const isFirstPublish = transferType === 'publish' && knownSince <= Number((await ledger.recall(forgottenUpTo)) ?? 0)
  const found = (await ledger.progress(ref.execution)).found.items
  if (!needsApproval({ removed, replaced, found, isFirstPublish })) return { items: removed }
  const where = transferType === 'sync' ? 'where the other side has them no more' : 'at the destination'
  return { items: removed, approval: { hash, sentence: waits(plan, ref.jobId, where) } }
}

function waits({ items, bytes: size, replaced, hash }: RemovalPlan, jobId: string, where: string): string {
  const what = [
    ...(items > 0 ? [`${counted(items, 'item')} (${bytes(size)}) would be removed ${where}`] : []),
    ...(replaced > 0 ? [`${count(replaced)} there that somebody else wrote would be overwritten`] : []),
  ]
  return `an approval: ${what.join(', ')}; see "stevedore job approve ${jobId}" (plan ${hash})`
}
