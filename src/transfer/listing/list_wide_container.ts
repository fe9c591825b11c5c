import type { Item } from '../../connector/item.ts'
import type { ContainerToList } from '../../ledger/ledger.ts'
import type { NamePlan } from '../../policy/name_container.ts'
import { destinationContainerId, readable } from '../items/addresses.ts'
import { failpoint } from '../recovery/failpoints.ts'
import type { Child, ExecutionContext } from '../engine/execution_context.ts'
import type { StopToken } from '../io/stop.ts'
import { decideByLook, wantsLook } from './decide_by_look.ts'
import { add, emptyListing } from './decided_children.ts'
import { failContainer } from './fail_container.ts'
import { readSide } from './read_side.ts'
import { Spool } from './spool.ts'
import { addOnlyAtDestination } from './only_at_destination.ts'
import { addUnmatched } from './unmatched_children.ts'
import { vanished } from './vanished.ts'
import { goOnUnless, trackedChildren } from './walk.ts'
import { meetNames } from './worth_knowing.ts'

/** Children planned and committed at a time, at most. */
const mostAtOnce = 2_000

/**
 * A container with more children than memory should hold. Both listings and the tracked rows go to a private database on
 * disk and are joined there; only children whose names need care are held at once. Otherwise the same as `listContainer`.
 */
export async function listWideContainer(
  context: ExecutionContext,
  container: ContainerToList,
  stop: StopToken,
): Promise<void> {
  using spool = new Spool()
  for (const side of ['source', 'destination'] as const) {
    if (side === 'source' && container.gone) continue
    const end = await readSide(context, container, { side, stop }, (page) => {
      spool.put(side, page, context)
      return false
    })
    if (typeof end === 'object') return failContainer(context, container, end)
    if (end !== 'absent') continue
    const lost = vanished(context, container)
    if (lost) return failContainer(context, container, lost)
    spool.clear(side)
  }
  if (container.known) {
    for await (const rows of trackedChildren(context, container)) spool.track(rows, context)
  }
  await decideInPieces(context, container, { spool, stop })
}

async function decideInPieces(
  context: ExecutionContext,
  container: ContainerToList,
  { spool, stop }: { spool: Spool; stop: StopToken },
): Promise<void> {
  const names = namesOfChildren(context, container, spool)
  const prefix = container.sourceNames.length === 0 ? '/' : `${readable(container.sourceNames)}/`
  const taken = (name: string): boolean => spool.holds(context.nameKey(name)) || names.taken(name)
  const { back } = context
  const atSource = back && { taken: (name: string) => spool.isNameAtSource(back.nameKey(name), back) }
  const atOnce = Math.min(mostAtOnce, context.entriesInMemory)
  const by = { stop, container: destinationContainerId(context.destination, context.roots, container) }
  for (let after = 0; ;) {
    goOnUnless(stop)
    const children = spool.children(after, atOnce, (key, name) => context.nameKey(names.of(key, name).name))
    const listing = emptyListing(context, container)
    for (const { item, key, row, counterpart } of children) {
      if (row?.decided) continue
      const named = names.of(key, item.name)
      const isLookedAt = container.looked
      const child: Child = { item, path: prefix + item.name, named, counterpart, row, taken, isLookedAt }
      if (atSource) child.takenAtSource = atSource.taken
      const first = { child, decision: context.decide(child) }
      const decided = wantsLook(context, first) ? await decideByLook(context, first, by) : first
      add(context, listing, decided.child, decided.decision)
    }
    const last = children.at(-1)
    if (last === undefined && (context.removes || atSource)) {
      // What is removed may be as many; a repeat of this listing finds their rows decided.
      for (const some of spool.lonely(atOnce)) {
        const listing = { ...emptyListing(context, container), last: false }
        if (atSource) addOnlyAtDestination(context, container, { lonely: some, names: atSource }, listing)
        else addUnmatched(context, container, some, listing)
        for (const name of atSource ? listing.fresh.name : []) spool.nameAtSource(back!.nameKey(name))
        await context.ledger.enumerated(listing)
      }
    }
    listing.last = last === undefined
    if (listing.last) listing.gone = spool.gone()
    context.audit.gone(listing.audit, listing.gone)
    meetNames(context, container, listing)
    failpoint('enumerated:before')
    await context.ledger.enumerated(listing)
    failpoint('enumerated:after')
    stop.slot.count(children.length, 0)
    if (last === undefined) return
    after = last.n
  }
}

/**
 * Names for a wide container. A child whose name is fine as it is, unlike every other and not remembered differently keeps
 * it; the few others are named together, around the names of those.
 */
function namesOfChildren(context: ExecutionContext, container: ContainerToList, spool: Spool): NamePlan {
  const toBeNamed: Item[] = []
  const remembered = new Map<string, string>()
  for (const { item, key, destinationName } of spool.toBeNamed((item) =>
    context.isPlainName(item.name, container.destinationNames),
  )) {
    toBeNamed.push(item)
    if (destinationName !== undefined) remembered.set(key, destinationName)
  }
  if (toBeNamed.length > 0) for (const { key, name } of spool.namesOfGone()) remembered.set(key, name)
  const plainChild = (name: string): string | undefined => spool.plain(context.nameKey(name))
  return context.nameContainer(toBeNamed, remembered, container.destinationNames, plainChild)
}
