import type { Decision } from '../../policy/decision.ts'
import { tooManyItems } from '../../policy/max_items_per_container.ts'
import { Suspended } from '../engine/errors.ts'
import type { Child, ExecutionContext } from '../engine/execution_context.ts'
import type { StopToken } from '../io/stop.ts'
import { throwUnlessItems } from '../engine/trouble.ts'
import { decideByHash } from './decide_by_hash.ts'
import { isOtherwiseSpelled, respell } from './respell.ts'
import { goOnUnless, pages } from './walk.ts'

export interface Decided {
  child: Child
  decision: Decision
}

/** Whether the listing of its container alone does not settle what is to be done about a child. */
export function wantsLook(context: ExecutionContext, decided: Decided): boolean {
  const { child, decision } = decided
  return decision.wantsHash !== undefined || wasTooFull(child, decision) || isOtherwiseSpelled(context, decided)
}

/**
 * Decides by what only a look at the child itself tells.
 *
 * @param container its destination id; undefined while there is none
 * @throws Suspended when it was told to stop; SideTrouble when a side is out of reach
 */
export async function decideByLook(
  context: ExecutionContext,
  { child, decision: first }: Decided,
  { stop, container }: { stop: StopToken; container: string | undefined },
): Promise<Decided> {
  let decision = first
  if (wasTooFull(child, decision)) decision = await decideByCount(context, { child, decision }, stop)
  else if (decision.wantsHash) decision = await decideByHash(context, { child, decision }, stop)
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
async function decideByCount(
  context: ExecutionContext,
  { child, decision }: Decided,
  stop: StopToken,
): Promise<Decision> {
  let children = 0
  try {
    for await (const page of pages(context.source, child.item.id, [])) {
      goOnUnless(stop)
      children += page.items.length
      const verdict = tooManyItems(context.itemLimits, children)
      if (verdict) return { action: verdict.action, reason: verdict.reason, why: verdict.why }
    }
  } catch (error) {
    if (error instanceof Suspended) throw error
    throwUnlessItems(error, 'source')
  }
  return decision
}
