import type { Facts, Item } from '../../connector/item.ts'
import type { Page, Session } from '../../connector/connector.ts'
import type { ContainerToList, Listing, TrackedRow } from '../../ledger/ledger.ts'
import type { Counterpart, Decision, Reason } from '../../policy/decision.ts'
import { objections } from '../../policy/hopeless.ts'
import { noListing, pushFacts, type NewItems } from '../../ledger/columns.ts'
import { tooManyItems } from '../../policy/max_items_per_container.ts'
import { destinationContainerId, readable, sourceContainerId } from '../addresses.ts'
import { failpoint } from '../failpoints.ts'
import type { Child, JobContext } from '../job_context.ts'
import { decideByHash } from './decide_by_hash.ts'
import { listWideContainer } from './list_wide_container.ts'
import { Stop, type Obeys } from '../threads/signals.ts'
import { Suspended } from '../batch/transfer_content.ts'
import { itemTrouble, type ItemTrouble, type Side } from '../trouble.ts'

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

/** Puts one decided child where the ledger expects it: fresh, changed, or merely counted. */
export function add(context: JobContext, listing: Listing, child: Child, decision: Decision): void {
  const { item, row, counterpart } = child
  const destinationName = child.named.name
  const asBefore = staysAsItIs(child, decision)
  if (decision.action === 'fail' && !asBefore && context.halting)
    context.halted(`${child.path}: ${decision.why ?? decision.reason}`)
  const flaggedBefore = asBefore && row?.state === 'remediation'
  const fresh = listing.fresh.name.length
  context.audit.decision(listing.audit, { item, row, fresh, decision, destinationName, flaggedBefore })
  if (row) {
    if (asBefore) {
      countUnchanged(listing.unchanged, row, item)
      if (item.kind === 'container' && isLookedInto(row)) listing.descend.push(row.item)
      return
    }
    listing.changed.push({
      item: row.item,
      kind: item.kind,
      decision,
      destinationName,
      source: factsOf(item),
      ...(context.source.childId ? {} : { sourceId: item.id }),
      ...(counterpart
        ? { counterpart: { ...factsOf(counterpart), id: context.destination.childId ? '' : counterpart.id } }
        : {}),
    })
    return
  }
  addFresh(context, listing.fresh, child, decision)
}

function addFresh(context: JobContext, fresh: NewItems, { item, counterpart, named }: Child, decision: Decision): void {
  const index = fresh.name.length
  fresh.name.push(item.name)
  fresh.kind.push(item.kind)
  fresh.destinationName.push(named.name)
  fresh.action.push(decision.action)
  fresh.reason.push(decision.reason)
  if (!context.source.childId) fresh.sourceId.push(item.id)
  pushFacts(fresh.source, item)
  if (
    counterpart !== null ||
    decision.why !== undefined ||
    decision.keepAs !== undefined ||
    decision.processing !== undefined
  ) {
    fresh.rest[index] = {
      ...(decision.why === undefined ? {} : { why: decision.why }),
      ...(decision.keepAs === undefined ? {} : { keepAs: decision.keepAs }),
      ...(decision.processing === undefined ? {} : { processing: decision.processing }),
      ...(counterpart
        ? { counterpart: { ...factsOf(counterpart), id: context.destination.childId ? '' : counterpart.id } }
        : {}),
    }
  }
}

/** Nothing to do, or the same objection as before to the same thing: the row is not rewritten. */
function staysAsItIs({ item, row }: Child, decision: Decision): boolean {
  if (!row) return false
  if (decision.action === 'none') return row.state === 'success' || row.state === 'processed'
  if (row.state === 'skipped') return decision.action === 'skip' && decision.reason === row.reason
  if (row.state !== 'remediation' || !sameFacts(item, row.source)) return false
  // A person has been asked; asking again every run, or trying again, would be noise. A change of the item starts afresh,
  // and so does the end of what stood in its way: another setting, or room made at the destination.
  return !objections.has(row.reason as Reason) || (decision.action === 'fail' && decision.reason === row.reason)
}

/** What was flagged for its permissions alone arrived, and so does what comes into it. */
function isLookedInto({ state, reason }: TrackedRow): boolean {
  return state === 'remediation' ? reason === 'permissions_lost' : state !== 'skipped'
}

function reasonToStay({ state, reason }: TrackedRow): string {
  if (state === 'remediation') return 'flagged_before'
  return state === 'skipped' ? reason : 'unchanged'
}

function sameFacts(now: Facts, then: Facts): boolean {
  return (
    now.sizeBytes === then.sizeBytes &&
    now.modifiedNs === then.modifiedNs &&
    now.changedNs === then.changedNs &&
    now.version === then.version
  )
}

/** A row that stays as it is, among the others of its status and reason. */
function countUnchanged(sums: Listing['unchanged'], row: TrackedRow, { kind, sizeBytes }: Item): void {
  const { state: status } = row
  const reason = reasonToStay(row)
  let sum = sums.find((s) => s.status === status && s.reason === reason)
  if (!sum) sums.push((sum = { status, reason, items: 0, bytes: 0n, containers: 0 }))
  sum.items += 1
  if (kind === 'container') sum.containers = (sum.containers ?? 0) + 1
  if (kind === 'item') sum.bytes += sizeBytes
}

export function emptyListing(context: JobContext, container: ContainerToList): Listing {
  return noListing({ container: container.item, token: container.token, execution: context.spec.execution })
}

export function factsOf(item: Item | Counterpart): Facts {
  const facts: Facts = { sizeBytes: item.sizeBytes }
  if (item.identity !== undefined) facts.identity = item.identity
  if (item.version !== undefined) facts.version = item.version
  if (item.hash !== undefined) facts.hash = item.hash
  if (item.modifiedNs !== undefined) facts.modifiedNs = item.modifiedNs
  if (item.changedNs !== undefined) facts.changedNs = item.changedNs
  if (item.facets !== undefined) facts.facets = item.facets
  return facts
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
    if (side === 'destination' && trouble.reason === 'NotFound' && container.item !== context.rootItem)
      return { absent: true }
    return { trouble }
  }
  if (!complete) return { trouble: { reason: 'incomplete_listing', why: `${side}: the listing ended early` } }
  return { items }
}

/** @throws Suspended when the listing is to be put down; what it found so far is found again */
export function goOnUnless(obeys: Obeys): void {
  if (obeys.stop !== Stop.run) throw new Suspended('stopped while listing')
}

/** Where the destination allows several of one name, the first is the counterpart. */
export function addCounterpart(context: JobContext, counterparts: Map<string, Item>, item: Item): void {
  const key = context.nameKey(item.name)
  if (!counterparts.has(key)) counterparts.set(key, item)
}

/** One way to walk pages, whether the session answers at once or later. */
export function pages(
  session: Session,
  id: string,
  want: Parameters<Session['list']>[1],
): AsyncIterable<Page> | Iterable<Page> {
  return session.list(id, want)
}

export async function* trackedChildren(context: JobContext, container: ContainerToList): AsyncGenerator<TrackedRow[]> {
  for (let after = 0; ;) {
    const page = await context.ledger.tracked(container.item, after)
    const last = page.at(-1)
    if (!last) return
    yield page
    after = last.item
  }
}

/** A folder that can't be looked into is still a folder, which `empty_containers: create` wants to see. */
async function makeAllTheSame(context: JobContext, container: ContainerToList, { reason }: ItemTrouble): Promise<void> {
  const { settings, simulated } = context.spec
  if (container.ready || simulated || settings.emptyContainers !== 'create' || reason === 'NotFound') return
  try {
    await context.destinationOf(container.item, new Map(), { token: container.token, former: container.resumed })
  } catch (error) {
    // That it could not be looked into is on record in any case.
    itemTrouble(error, 'destination')
  }
}

/** The container's children are not looked at in this execution; its neighbours go on. */
export async function failContainer(
  context: JobContext,
  container: ContainerToList,
  trouble: ItemTrouble,
  flag = false,
): Promise<void> {
  if (context.halting) context.halted(`${readable(container.sourceNames)}: ${trouble.why}`)
  else await makeAllTheSame(context, container, trouble)
  await context.ledger.enumerated({
    ...emptyListing(context, container),
    failed: { ...trouble, flag },
    audit: [
      {
        item: container.item,
        level: 'error',
        type: 'failed',
        message: `${readable(container.sourceNames)}: ${trouble.why}`,
      },
    ],
  })
}
