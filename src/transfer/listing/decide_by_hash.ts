import type { Decision } from '../../policy/decision.ts'
import { Suspended } from '../errors.ts'
import { hashContent } from '../read_content.ts'
import type { Child, JobContext } from '../job_context.ts'
import type { Obeys } from '../threads/signals.ts'
import { throwUnlessItems } from '../trouble.ts'

/**
 * Reads what stands at the destination and decides again, with its hash. What can't be read now, or changes meanwhile, counts
 * as what it was taken for.
 *
 * @throws Suspended when it was told to stop; SideTrouble when the destination is out of reach
 */
export async function decideByHash(
  context: JobContext,
  { child, decision }: { child: Child; decision: Decision },
  obeys: Obeys,
): Promise<Decision> {
  const { counterpart } = child
  if (!counterpart) return decision
  try {
    const hash = await hashContent(context.destination, counterpart.id, counterpart, { obeys, pace: context.pace })
    return context.decide({ ...child, counterpart: { ...counterpart, hash } })
  } catch (error) {
    if (error instanceof Suspended) throw error
    throwUnlessItems(error, 'destination')
    return decision
  }
}
