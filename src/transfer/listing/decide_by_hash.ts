import type { Decision } from '../../policy/decision.ts'
import { Suspended } from '../engine/errors.ts'
import { hashContent } from '../items/read_content.ts'
import type { Child, ExecutionContext } from '../engine/execution_context.ts'
import type { StopToken } from '../io/stop.ts'
import { throwUnlessItems } from '../engine/trouble.ts'

/**
 * Reads what stands at the destination and decides again, with its hash. What can't be read now, or changes meanwhile, counts
 * as what it was taken for.
 *
 * @throws Suspended when it was told to stop; SideTrouble when the destination is out of reach
 */
export async function decideByHash(
  context: ExecutionContext,
  { child, decision }: { child: Child; decision: Decision },
  stop: StopToken,
): Promise<Decision> {
  const { counterpart } = child
  if (!counterpart) return decision
  try {
    const hash = await hashContent(context.destination, counterpart.id, counterpart, { stop, pace: context.pace })
    return context.decide({ ...child, counterpart: { ...counterpart, hash } })
  } catch (error) {
    if (error instanceof Suspended) throw error
    throwUnlessItems(error, 'destination')
    return decision
  }
}
