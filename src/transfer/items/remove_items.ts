import { ConnectorError } from '../../connector/errors.ts'
import type { Facts, Item } from '../../connector/item.ts'
import type { AuditRow, Removal, RemovalBatch, RemovalResult } from '../../ledger/ledger.ts'
import { changed } from '../../policy/changed.ts'
import { Suspended } from '../engine/errors.ts'
import type { ExecutionContext } from '../engine/execution_context.ts'
import { itemTrouble } from '../engine/trouble.ts'
import { Permits } from '../io/permits.ts'
import { sideBySide } from '../io/side_by_side.ts'
import { Stop, type StopToken } from '../io/stop.ts'
import { failpoint } from '../recovery/failpoints.ts'
import { childIdOf, destinationContainerId, readable, sourceContainerId } from './addresses.ts'
import { byDepth } from './finish_container.ts'
import { hashContent } from './read_content.ts'

/**
 * Removes what was planned to be removed, deepest first, each on condition of what was seen when that was planned. What is not
 * as it was stays, and so does a container that holds something. Repeating it finds gone what is gone.
 *
 * @returns how many could not be removed
 */
export async function removeItems(
  context: ExecutionContext,
  { token, removals }: RemovalBatch,
  { stop, width }: { stop: StopToken; width: number },
): Promise<number> {
  const results: RemovalResult[] = []
  const audit: AuditRow[] = []
  const goOn = (): boolean => stop.reason === Stop.run
  const remove = async (removal: Removal): Promise<void> => {
    const result = await removeOne(context, removal, { stop, audit })
    if (result) results.push(result)
  }
  const permits = new Permits(width)
  for (const level of byDepth(removals)) await sideBySide(level, remove, { permits, goOn })
  failpoint('removals:before-commit')
  if (audit.length > 0) context.pendingWrites.add(context.ledger.audit(audit))
  await context.ledger.finishedRemovals(token, results)
  failpoint('removals:after-commit')
  stop.slot.count(results.length, 0)
  return results.filter(({ end }) => end === 'failed').length
}

/** Nothing when it was told to stop meanwhile. */
async function removeOne(
  context: ExecutionContext,
  removal: Removal,
  { stop, audit }: { stop: StopToken; audit: AuditRow[] },
): Promise<RemovalResult | undefined> {
  const { item, side, container, kind } = removal
  const names = side === 'source' ? container.sourceNames : container.destinationNames
  const path = readable(names, side === 'source' ? removal.name : removal.destinationName)
  context.at(names, removal.name)
  try {
    const id = idOn(context, removal)
    const isMove = context.spec.settings.transferType === 'move'
    const expected = isMove ? await arrived(context, removal, { id, stop }) : removal.expected
    if (expected === 'gone') return { item, end: 'removed' }
    if (typeof expected === 'string') {
      context.audit.add(audit, 'kept', () => ({ item, message: `${path}: ${whyKept[expected]}` }))
      return { item, end: 'kept', reason: expected }
    }
    if (!context.spec.simulated) {
      failpoint('remove:before')
      await context[side].remove(id, { ...expected, kind })
      failpoint('remove:after')
    }
    context.audit.add(audit, 'removed', () => ({ item, message: path, detail: { side } }))
    return { item, end: 'removed' }
  } catch (error) {
    if (error instanceof Suspended) return undefined
    // With the folder it was in, as a holder who died before he could tell has left it.
    if (error instanceof ConnectorError && error.code === 'NotFound') return { item, end: 'removed' }
    const { reason, why } = itemTrouble(error, side)
    const isOther = error instanceof ConnectorError && (reason === 'PreconditionFailed' || reason === 'Conflict')
    const kept = kind === 'container' ? 'not_empty' : 'changed'
    context.audit.add(audit, isOther ? 'kept' : 'failed', () => ({ item, message: `${path}: ${why}` }))
    return isOther ? { item, end: 'kept', reason: kept } : { item, end: 'failed', reason }
  }
}

type Kept = 'changed' | 'not_there' | 'differs'

const whyKept: Record<Kept, string> = {
  changed: 'it changed since it was looked at',
  not_there: 'the destination does not have it any more',
  differs: 'the destination has other content than the source',
}

/**
 * Whether what is to leave the source is at the destination, read back (brake 5).
 *
 * @returns what the source's is like now; else why it stays, or that it is gone
 */
async function arrived(
  context: ExecutionContext,
  removal: Removal,
  { id, stop }: { id: string; stop: StopToken },
): Promise<Facts | 'gone' | Kept> {
  const { source, destination, pace } = context
  const here = await source.stat(id, [])
  if (!here) return 'gone'
  const there = await destinationOf(context, removal)
  if (there?.kind !== removal.kind) return 'not_there'
  if (here.kind !== removal.kind) return 'changed'
  if (removal.kind === 'container') return here
  if (removal.kind === 'link') return here.linkTarget === there.linkTarget ? here : 'differs'
  const change = changed(here, removal.expected, removal.hash)
  if (change === 'content') return 'changed'
  // Compared by size and time alone so far, or with a change that these do not show.
  const isKnown = change === 'no' && removal.hash !== undefined
  const hash = isKnown ? removal.hash : await hashContent(source, id, here, { stop, pace })
  return (await hashContent(destination, there.id, there, { stop, pace })) === hash ? here : 'differs'
}

async function destinationOf(context: ExecutionContext, removal: Removal): Promise<Item | null> {
  const { destination, roots } = context
  const container = destinationContainerId(destination, roots, removal.container)
  if (container === undefined) return null
  const id = childIdOf(destination, container, removal.destinationName, removal.destinationId)
  return destination.stat(id, [])
}

function idOn(context: ExecutionContext, { side, container, name, destinationName, platformId }: Removal): string {
  const { source, destination, roots } = context
  if (side === 'source') return childIdOf(source, sourceContainerId(source, roots, container), name, platformId)
  const parent = destinationContainerId(destination, roots, { ...container, ready: true }) ?? ''
  return childIdOf(destination, parent, destinationName, platformId)
}
