import type { Item } from '../../connector/item.ts'
import { rootItem, type ContainerToList, type Listing, type TrackedRow } from '../../ledger/ledger.ts'
import type { Decision } from '../../policy/decision.ts'
import { tooManyItems } from '../../policy/max_items_per_container.ts'
import { destinationContainerId, readable, sourceContainerId } from '../addresses.ts'
import { Suspended } from '../errors.ts'
import { failpoint } from '../failpoints.ts'
import type { Child, JobContext } from '../job_context.ts'
import type { Obeys } from '../threads/signals.ts'
import { itemTrouble, type ItemTrouble, type Side } from '../trouble.ts'
import { decideByHash } from './decide_by_hash.ts'
import { add, emptyListing } from './decided_children.ts'
import { failContainer } from './fail_container.ts'
import { listWideContainer } from './list_wide_container.ts'
import { goOnUnless, pages, trackedChildren } from './walk.ts'

/**
 * Looks at one container on both sides, whole, and commits what is to be done about each child. Planning needs every
 * sibling: names are fixed for a container at once, and absent means absent only in a complete listing.
 *
 * @throws Suspended when it was told to stop before it was through
 */
export async function listContainer(context: JobContext, container: ContainerToList, obeys: Obeys): Promise<void> {
  const source = await gather(context, container, { side: 'source', obeys })
  if ('trouble' in source) return failContainer(context, container, source.trouble)
  if ('tooMany' in source)
    return failContainer(context, container, { reason: 'too_many_items', why: source.tooMany }, true)
  if ('wide' in source || 'absent' in source) return listWideContainer(context, container, obeys)
  const destination = await gather(context, container, { side: 'destination', obeys })
  if ('trouble' in destination) return failContainer(context, container, destination.trouble)
  if ('wide' in destination) return listWideContainer(context, container, obeys)

  const listing = emptyListing(context, container)
  const counterparts = new Map<string, Item>()
  const present = 'items' in destination ? destination.items : []
  for (const item of present) addCounterpart(context, counterparts, item)
  let tracked = none
  if (container.known) {
    const rows = new Map<string, TrackedRow>()
    for await (const page of trackedChildren(context, container))
      for (const row of page) rows.set(context.keyOfRow(row), row)
    tracked = rows
  }
  const children = { items: source.items, counterparts, tracked }
  for (const [child, decision] of decideChildren(context, container, children, listing))
    add(context, listing, child, await decideByHash(context, { child, decision }, obeys))
  failpoint('enumerated:before')
  const committed = context.ledger.enumerated(listing).then(() => failpoint('enumerated:after'))
  // Work is handed over before more of it is looked for; where nothing is new, the next container is looked at meanwhile.
  if (listing.fresh.name.length > 0) await committed
  else context.later(committed)
  obeys.slot.count(source.items.length, 0)
}

const none: ReadonlyMap<string, TrackedRow> = new Map()

export interface Children {
  items: readonly Item[]
  /** By the destination's own equality of names. */
  counterparts: ReadonlyMap<string, Item>
  tracked: ReadonlyMap<string, TrackedRow>
}

/**
 * Names, filters and plans all children of one container; fills the listing. Pure but for the context's caches.
 *
 * @returns those about whom only the bytes at the destination tell, left out of the listing
 */
export function decideChildren(
  context: JobContext,
  container: ContainerToList,
  children: Children,
  listing: Listing,
): [Child, Decision][] {
  const { items, counterparts, tracked } = children
  const remembered = new Map<string, string>()
  for (const [key, row] of tracked) remembered.set(key, row.destinationName)
  const names = context.nameContainer(items, remembered, container.destinationNames)
  const { nameKey } = context
  const taken = (name: string): boolean => counterparts.has(nameKey(name)) || names.taken(name)
  const prefix = container.sourceNames.length === 0 ? '/' : `${readable(container.sourceNames)}/`
  const undecided: [Child, Decision][] = []
  const seen = container.known ? new Set<number>() : undefined

  for (const item of items) {
    const key = context.keyOf(item)
    const row = tracked.get(key)
    if (row) {
      seen?.add(row.item)
      // An earlier try at this listing decided it, and its decision may be under way.
      if (row.decided) continue
    }
    const named = names.of(key, item.name)
    const counterpart = counterparts.get(nameKey(named.name)) ?? null
    const child = { item, path: prefix + item.name, named, counterpart, row, taken }
    const decision = context.decide(child)
    if (decision.wantsHash) undecided.push([child, decision])
    else add(context, listing, child, decision)
  }
  listing.gone = []
  if (seen)
    for (const row of tracked.values())
      if (!seen.has(row.item) && !row.sourceGone && !row.decided) listing.gone.push(row.item)
  context.audit.gone(listing.audit, listing.gone)
  return undecided
}

type Gathered = { items: Item[] } | { absent: true } | { wide: true } | { tooMany: string } | { trouble: ItemTrouble }

/** All children of one side in memory, or why not. */
async function gather(
  context: JobContext,
  container: ContainerToList,
  { side, obeys }: { side: Exclude<Side, 'home'>; obeys: Obeys },
): Promise<Gathered> {
  const session = side === 'source' ? context.source : context.destination
  const id =
    side === 'source'
      ? sourceContainerId(session, context.roots, container)
      : destinationContainerId(session, context.roots, container)
  if (id === undefined) return { absent: true }
  const items: Item[] = []
  let complete = false
  try {
    for await (const page of pages(session, id, context.wanted)) {
      goOnUnless(obeys)
      for (const item of page.items) items.push(item)
      complete = page.complete
      if (side === 'source') {
        const verdict = tooManyItems(context.spec.settings.maxItemsPerContainer, items.length)
        if (verdict) return { tooMany: verdict.why }
      }
      if (items.length > context.spec.limits.entriesInMemory) return { wide: true }
    }
  } catch (error) {
    if (error instanceof Suspended) throw error
    // A destination container removed since it was planned is made again when its first child is written.
    const trouble = itemTrouble(error, side)
    if (side === 'destination' && trouble.reason === 'NotFound' && container.item !== rootItem) return { absent: true }
    return { trouble }
  }
  if (!complete) return { trouble: { reason: 'incomplete_listing', why: `${side}: the listing ended early` } }
  return { items }
}

/** Where the destination allows several of one name, the first is the counterpart. */
export function addCounterpart(context: JobContext, counterparts: Map<string, Item>, item: Item): void {
  const key = context.nameKey(item.name)
  if (!counterparts.has(key)) counterparts.set(key, item)
}
