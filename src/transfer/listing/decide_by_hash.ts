import type { Decision } from '../../policy/decision.ts'
import { Suspended } from '../engine/errors.ts'
import { hashContent } from '../items/read_content.ts'
import type { Child, ExecutionContext } from '../engine/execution_context.ts'
import type { StopToken } from '../io/stop.ts'
import { throwUnlessItems } from '../engine/trouble.ts'

/**
 * Reads what stands at the side that was written and decides again, with its hash. What can't be read now, or changes meanwhile, counts
 * as what it was taken for.
 *
 * @throws Suspended when it was told to stop; SideTrouble when the destination is out of reach
 */
export async function decideByHash(
  context: ExecutionContext,
  { child, decision }: { child: Child; decision: Decision },
  stop: StopToken,
): Promise<Decision> {
  const side = decision.wantsHash ?? 'destination'
  const item = side === 'source' ? child.item : child.counterpart
  if (!item) return decision
  try {
    const hash = await hashContent(context[side], item.id, item, { stop, pace: context.pace })
    const known = { ...item, hash }
    return context.decide({ ...child, ...(side === 'source' ? { item: known } : { counterpart: known }) })
  } catch (error) {
    if (error instanceof Suspended) throw error
    throwUnlessItems(error, side)
    return decision
  }
}
