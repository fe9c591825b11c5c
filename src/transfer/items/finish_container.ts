import type { ContainerAddress, FinishedContainer, FinalizeBatch } from '../../ledger/ledger.ts'
import { ConnectorError } from '../../connector/errors.ts'
import { destinationContainerId, readable, sourceContainerId } from './addresses.ts'
import { noNotes } from '../engine/notes.ts'
import { failpoint } from '../recovery/failpoints.ts'
import type { ExecutionContext } from '../engine/execution_context.ts'
import { factsOf } from './facts_of.ts'
import { Permits } from '../io/permits.ts'
import { sideBySide } from '../io/side_by_side.ts'
import { Stop, type StopToken } from '../io/stop.ts'
import { itemTrouble, type Side } from '../engine/trouble.ts'

/**
 * Sets times, owner and mode of containers, deepest first: writing into a container moves its time, and a closed mode
 * would shut out our own writes. Repeating it sets the same again.
 *
 * @returns how many could not be finished
 */
export async function finishContainers(
  context: ExecutionContext,
  { token, containers }: FinalizeBatch,
  { stop, width }: { stop: StopToken; width: number },
): Promise<number> {
  const results: FinishedContainer[] = []
  const permits = new Permits(width)
  const goOn = (): boolean => stop.reason === Stop.run
  const finish = async (container: FinalizeBatch['containers'][number]): Promise<void> => {
    const result = await finishOne(context, container)
    results.push(result)
    if (result.failure) context.failed(result.failure.why)
  }
  for (const level of byDepth(containers)) await sideBySide(level, finish, { permits, goOn })
  failpoint('finish-container:before')
  await context.ledger.finishedContainers(token, results)
  failpoint('finish-container:after')
  stop.slot.count(results.length, 0)
  return results.filter((result) => result.failure).length
}

/** Those of one depth do not concern each other. */
export function byDepth<T extends { depth: number }>(all: readonly T[]): Iterable<T[]> {
  const levels = new Map<number, T[]>()
  for (const one of all) {
    const level = levels.get(one.depth)
    if (level) level.push(one)
    else levels.set(one.depth, [one])
  }
  return levels.values()
}

async function finishOne(
  context: ExecutionContext,
  container: ContainerAddress & { made: boolean },
): Promise<FinishedContainer> {
  let side: Side = 'source'
  const { item } = container
  try {
    const destination = destinationContainerId(context.destination, context.roots, container)
    if (destination === undefined || context.spec.simulated) return { item }
    const source = sourceContainerId(context.source, context.roots, container)
    const notes = noNotes()
    const attributes = await context.attributes.ofContainer({ source, destination }, container, notes)
    side = 'destination'
    const there = attributes
      ? await context.destination.setAttributes(destination, attributes)
      : await context.destination.stat(destination, [])
    if (attributes) await context.flush(destination, destination)
    // Where both sides are written, the other one's time may have been moved by us, too.
    const isTwoWay = context.back !== undefined || context.toSource
    const origin = isTwoWay ? await context.source.stat(source, context.attributes.listed) : null
    const { altered, audit, flagged } = notes
    if (flagged !== undefined) context.audit.add(audit, 'flagged', () => ({ item, message: flagged }))
    if (audit.length > 0) context.pendingWrites.add(context.ledger.audit(audit))
    return {
      item,
      ...(there ? { destination: factsOf(there) } : {}),
      ...(origin ? { source: factsOf(origin) } : {}),
      ...(attributes ? { altered } : {}),
      ...(flagged === undefined ? {} : { flagged }),
    }
  } catch (error) {
    // Removed meanwhile on either side: there is nothing to set, or nothing to take it from.
    if (error instanceof ConnectorError && error.code === 'NotFound') return { item }
    const trouble = itemTrouble(error, context.sideName(side))
    const { reason } = trouble
    const why = `${readable(container.sourceNames)}: ${trouble.why}`
    context.pendingWrites.add(
      context.ledger.audit([{ item, level: 'error', type: 'failed', message: why, detail: { reason } }]),
    )
    return { item, failure: { reason, why } }
  }
}
