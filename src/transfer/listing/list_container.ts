import type { Item } from '../../connector/item.ts'
import type { ContainerToList, Listing, TrackedRow } from '../../ledger/ledger.ts'
import { destinationContainerId, readable } from '../items/addresses.ts'
import { failpoint } from '../recovery/failpoints.ts'
import type { Child, ExecutionContext } from '../engine/execution_context.ts'
import type { StopToken } from '../io/stop.ts'
import { decideByLook, wantsLook, type Decided } from './decide_by_look.ts'
import { add, emptyListing } from './decided_children.ts'
import { failContainer } from './fail_container.ts'
import { listWideContainer } from './list_wide_container.ts'
import { readSide } from './read_side.ts'
import { addOnlyAtDestination, type NamesAtSource } from './only_at_destination.ts'
import { addUnmatched, type LonelyChild } from './unmatched_children.ts'
import { vanished } from './vanished.ts'
import { trackedChildren } from './walk.ts'
import { meetNames } from './worth_knowing.ts'

/**
 * Looks at one container on both sides, whole, and commits what is to be done about each child. Planning needs every
 * sibling: names are fixed for a container at once, and absent means absent only in a complete listing.
 *
 * @throws Suspended when it was told to stop before it was through
 */
export async function listContainer(
  context: ExecutionContext,
  container: ContainerToList,
  stop: StopToken,
): Promise<void> {
  const { entriesInMemory } = context
  const items: Item[] = []
  // What is gone from the source has nothing to be listed there.
  const source = container.gone
    ? 'complete'
    : await readSide(context, container, { side: 'source', stop }, (page) => {
        for (const item of page) items.push(item)
        return items.length > entriesInMemory
      })
  if (typeof source === 'object') return failContainer(context, container, source)
  if (source !== 'complete') return listWideContainer(context, container, stop)
  const counterparts = new Map<string, Item>()
  let present = 0
  const destination = await readSide(context, container, { side: 'destination', stop }, (page) => {
    for (const item of page) addCounterpart(context, counterparts, item)
    return (present += page.length) > entriesInMemory
  })
  if (typeof destination === 'object') return failContainer(context, container, destination)
  if (destination === 'enough') return listWideContainer(context, container, stop)
  if (destination === 'absent') {
    const lost = vanished(context, container)
    if (lost) return failContainer(context, container, lost)
    counterparts.clear()
  }

  const listing = emptyListing(context, container)
  let tracked = none
  if (container.known) {
    const rows = new Map<string, TrackedRow>()
    for await (const page of trackedChildren(context, container))
      for (const row of page) rows.set(context.keyOfRow(row), row)
    tracked = rows
  }
  const children = { items, counterparts, tracked }
  const by = { stop, container: destinationContainerId(context.destination, context.roots, container) }
  for (const undecided of decideChildren(context, container, children, listing)) {
    const { child, decision } = await decideByLook(context, undecided, by)
    add(context, listing, child, decision)
  }
  meetNames(context, container, listing)
  failpoint('enumerated:before')
  const committed = context.ledger.enumerated(listing).then(() => failpoint('enumerated:after'))
  // Work is handed over before more of it is looked for; where nothing is new, the next container is looked at meanwhile.
  if (listing.fresh.name.length > 0) await committed
  else context.pendingWrites.add(committed)
  stop.slot.count(items.length, 0)
}

const none: ReadonlyMap<string, TrackedRow> = new Map()

interface Children {
  items: readonly Item[]
  /** By the destination's own equality of names. */
  counterparts: ReadonlyMap<string, Item>
  tracked: ReadonlyMap<string, TrackedRow>
}

/**
 * Names, filters and plans all children of one container; fills the listing. Pure but for the context's caches.
 *
 * @returns those about whom only a look at themselves tells, left out of the listing
 */
function decideChildren(
  context: ExecutionContext,
  container: ContainerToList,
  children: Children,
  listing: Listing,
): Decided[] {
  const { items, counterparts, tracked } = children
  const remembered = new Map<string, string>()
  // A name that only somebody else's item has is nobody's here.
  for (const [key, row] of tracked) if (row.reason !== 'not_at_source') remembered.set(key, row.destinationName)
  const names = context.nameContainer(items, remembered, container.destinationNames)
  const { nameKey } = context
  const taken = (name: string): boolean => counterparts.has(nameKey(name)) || names.taken(name)
  const atSource = context.back && namesAtSource(context.back, children)
  const prefix = container.sourceNames.length === 0 ? '/' : `${readable(container.sourceNames)}/`
  const undecided: Decided[] = []
  const seen = container.known ? new Set<number>() : undefined
  const matched = context.removes || atSource ? new Set<string>() : undefined

  for (const item of items) {
    const key = context.keyOf(item)
    const row = tracked.get(key)
    if (row) {
      seen?.add(row.item)
    }
    const named = names.of(key, item.name)
    matched?.add(nameKey(named.name))
    // An earlier try at this listing decided it, and its decision may be under way.
    if (row?.decided) continue
    const counterpart = counterparts.get(nameKey(named.name)) ?? null
    const isLookedAt = container.looked
    const child: Child = { item, path: prefix + item.name, named, counterpart, row, taken, isLookedAt }
    if (atSource) child.takenAtSource = atSource.taken
    const decision = context.decide(child)
    if (wantsLook(context, { child, decision })) undecided.push({ child, decision })
    else add(context, listing, child, decision)
  }
  listing.gone = []
  if (seen)
    for (const row of tracked.values())
      if (!seen.has(row.item) && !row.sourceGone && !row.decided) listing.gone.push(row.item)
  context.audit.gone(listing.audit, listing.gone)
  if (!matched) return undecided
  const others = lonely(context, children, { matched, seen })
  if (atSource) addOnlyAtDestination(context, container, { lonely: [...others], names: atSource }, listing)
  else addUnmatched(context, container, others, listing)
  return undecided
}

function namesAtSource(back: ExecutionContext, { items, tracked }: Children): NamesAtSource {
  let names: Set<string> | undefined
  const taken = (name: string): boolean => {
    names ??= new Set([...items, ...tracked.values()].map((one) => back.nameKey(one.name)))
    return names.has(back.nameKey(name))
  }
  return { taken }
}

/** Counterparts of nothing that is at the source, with the row of what was. */
function* lonely(
  context: ExecutionContext,
  { counterparts, tracked }: Children,
  { matched, seen }: { matched: Set<string>; seen: ReadonlySet<number> | undefined },
): Iterable<LonelyChild> {
  for (const row of tracked.values()) {
    const name = context.nameKey(row.destinationName)
    const counterpart = counterparts.get(name)
    if (seen?.has(row.item) || !counterpart || matched.has(name)) continue
    matched.add(name)
    yield { counterpart, row }
  }
  for (const [name, counterpart] of counterparts) if (!matched.has(name)) yield { counterpart }
}

/** Where the destination allows several of one name, the first is the counterpart. */
function addCounterpart(context: ExecutionContext, counterparts: Map<string, Item>, item: Item): void {
  const key = context.nameKey(item.name)
  if (!counterparts.has(key)) counterparts.set(key, item)
}
