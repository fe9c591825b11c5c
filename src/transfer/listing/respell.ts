import type { Decision } from '../../policy/decision.ts'
import { factsOf } from '../items/facts_of.ts'
import type { ExecutionContext } from '../engine/execution_context.ts'
import { itemTrouble } from '../engine/trouble.ts'
import type { Decided } from './decide_by_look.ts'

const recorded: Decision = { action: 'adopt', reason: 'attributes_changed' }

/** Whether what stands opposite has the planned name in another case, and anything is to come of it. */
export function isOtherwiseSpelled({ destination, spec }: ExecutionContext, { child, decision }: Decided): boolean {
  const { counterpart, named } = child
  const { caseSensitive, unicode } = destination.capabilities.names
  if (counterpart === null || caseSensitive || counterpart.name === named.name || spec.simulated) return false
  if (decision.action === 'skip' || decision.action === 'fail') return false
  // How a platform spells an accent is its own affair.
  return unicode === 'bytes' || counterpart.name.normalize('NFC') !== named.name.normalize('NFC')
}

/**
 * Gives the destination's item the case that the source has, so that everything planned for that name finds it. Doing it again
 * after a death finds it done.
 *
 * @param container destination id of the container that both are in
 * @throws SideTrouble when the destination is out of reach
 */
export async function respell(context: ExecutionContext, decided: Decided, container: string): Promise<Decided> {
  const { child, decision } = decided
  const { counterpart, named } = child
  if (counterpart === null) return decided
  try {
    const item = await context.destination.move(counterpart.id, container, named.name, factsOf(counterpart))
    await context.flush(item.id, container)
    const now = { ...child, counterpart: item }
    // Its change time is another now; unrecorded it would look like somebody's edit.
    return { child: now, decision: decision.action === 'none' ? recorded : decision }
  } catch (error) {
    const { why } = itemTrouble(error, 'destination')
    const spelled = `is ${JSON.stringify(counterpart.name)} at the destination, and can not be renamed: ${why}`
    return { child, decision: { action: 'fail', reason: 'name_taken', why: spelled } }
  }
}
