import type { Decision } from '../../policy/decision.ts'
import { tooManyItems } from '../../policy/max_items_per_container.ts'
import { Suspended } from '../errors.ts'
import type { Child, JobContext } from '../job_context.ts'
import type { Obeys } from '../threads/signals.ts'
import { throwUnlessItems } from '../trouble.ts'
import { decideByHash } from './decide_by_hash.ts'
import { isOtherwiseSpelled, respell } from './respell.ts'
import { goOnUnless, pages } from './walk.ts'

export interface Decided {
  child: Child
  decision: Decision
}

/** Whether the listing of its container alone does not settle what is to be done about a child. */
export function wantsLook(context: JobContext, decided: Decided): boolean {
  const { child, decision } = decided
  return decision.wantsHash === true || wasTooFull(child, decision) || isOtherwiseSpelled(context, decided)
}

/**
 * Decides by what only a look at the child itself tells.
 *
 * @param container its destination id; undefined while there is none
 * @throws Suspended when it was told to stop; SideTrouble when a side is out of reach
 */
export async function decideByLook(
  context: JobContext,
  { child, decision: first }: Decided,
  { obeys, container }: { obeys: Obeys; container: string | undefined },
): Promise<Decided> {
  let decision = first
  if (wasTooFull(child, decision)) decision = await decideByCount(context, { child, decision }, obeys)
  else if (decision.wantsHash === true) decision = await decideByHash(context, { child, decision }, obeys)
  const decided = { child, decision }
  if (container === undefined || !isOtherwiseSpelled(context, decided)) return decided
  return respell(context, decided, container)
}

/** Flagged for more children than `max_items_per_container` allowed, which another limit may allow now. */
function wasTooFull({ row }: Child, { action }: Decision): boolean {
  if (row?.state !== 'remediation' || row.reason !== 'too_many_items') return false
  return action !== 'skip' && action !== 'fail'
}

/** Counts its children up to the limit. What can't be counted now is for its own listing to tell. */
async function decideByCount(context: JobContext, { child, decision }: Decided, obeys: Obeys): Promise<Decision> {
  const limit = context.spec.settings.maxItemsPerContainer
  let children = 0
  try {
    for await (const page of pages(context.source, child.item.id, [])) {
      goOnUnless(obeys)
      children += page.items.length
      const verdict = tooManyItems(limit, children)
      if (verdict) return { action: verdict.action, reason: verdict.reason, why: verdict.why }
    }
  } catch (error) {
    if (error instanceof Suspended) throw error
    throwUnlessItems(error, 'source')
  }
  return decision
}
