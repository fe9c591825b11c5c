import type { Facts, Item } from '../../connector/item.ts'
import { pushFacts, type NewItems } from '../../ledger/columns.ts'
import { packFacts } from '../../ledger/facts_text.ts'
import {
  noListing,
  type ContainerToList,
  type Listing,
  type RowNote,
  type Said,
  type TrackedRow,
} from '../../ledger/ledger.ts'
import { leftAlone, type Decision, type Reason } from '../../policy/decision.ts'
import { objections } from '../../policy/hopeless.ts'
import { factsOf, onRecord } from '../items/facts_of.ts'
import type { Child, ExecutionContext } from '../engine/execution_context.ts'
import { exchangedRow } from '../items/exchanged_row.ts'
import { meetContent } from './worth_knowing.ts'

export function emptyListing(context: ExecutionContext, container: ContainerToList): Listing {
  return noListing({ container: container.item, token: container.token, execution: context.spec.execution })
}

/** Puts one decided child where the ledger expects it: fresh, changed, or merely counted; and what is to be removed. */
export function add(context: ExecutionContext, listing: Listing, child: Child, decision: Decision): void {
  const { item, row } = child
  if (decision.removes && row) {
    const facts = onRecord(context.source, item)
    const { name, kind } = item
    listing.unmatched.push({ item: row.item, name, kind, reason: 'destination_gone', side: 'source', facts })
  } else if (context.back) listing.holdsOthers = true
  if (decision.toSource && context.back) record(context.back, listing, exchangedChild(child), decision)
  else record(context, listing, child, decision)
}

function exchangedChild(child: Child): Child {
  const { item, counterpart, row } = child
  if (!counterpart) return child
  const exchanged = row && exchangedRow(row)
  return { ...child, item: counterpart, counterpart: item, named: { name: item.name }, row: exchanged }
}

/** Of what goes to the source, both context and child are those with the sides exchanged. */
export function record(context: ExecutionContext, listing: Listing, child: Child, decision: Decision): void {
  const { item, row, counterpart } = child
  const { toSource } = context
  const destinationName = toSource ? item.name : child.named.name
  const asBefore = staysAsItIs(context, child, decision)
  if (decision.action === 'fail' && !asBefore) context.failed(`${child.path}: ${decision.why ?? decision.reason}`)
  const flaggedBefore = asBefore && row?.state === 'remediation'
  const fresh = listing.fresh.name.length
  context.audit.decision(listing.audit, { item, row, fresh, decision, destinationName, flaggedBefore })
  meetContent(context, listing, item, decision)
  if (row) {
    if (asBefore) {
      const reason = reasonToStay(row, decision)
      countUnchanged(sumOf(listing.unchanged, row.state, reason), item)
      const note = noteOf(context, { ...child, row }, decision)
      if (note) listing.notes.push(note)
      if (row.sourceGone) (listing.returned ??= []).push(row.item)
      if (item.kind === 'container' && isLookedInto(row)) {
        listing.descend.push(row.item)
        if (reason !== 'unchanged') (listing.countedAs ??= {})[row.item] = reason
      }
      return
    }
    listing.changed.push({
      item: row.item,
      kind: item.kind,
      decision,
      ...(toSource ? { name: child.named.name } : {}),
      destinationName,
      source: factsOf(item),
      ...(context.source.childId ? {} : { sourceId: item.id }),
      ...(counterpart ? { counterpart: onRecord(context.destination, counterpart) } : {}),
    })
    return
  }
  addFresh(context, listing.fresh, child, decision)
}

function addFresh(
  context: ExecutionContext,
  fresh: NewItems,
  { item, counterpart, named }: Child,
  decision: Decision,
): void {
  const index = fresh.name.length
  const { toSource } = context
  fresh.name.push(toSource ? named.name : item.name)
  fresh.kind.push(item.kind)
  fresh.destinationName.push(toSource ? item.name : named.name)
  fresh.action.push(decision.action)
  fresh.reason.push(decision.reason)
  if (toSource ? !context.destination.childId : !context.source.childId) fresh.sourceId.push(toSource ? '' : item.id)
  pushFacts(fresh.source, item)
  if (
    toSource ||
    counterpart !== null ||
    decision.why !== undefined ||
    decision.keepAs !== undefined ||
    decision.processing !== undefined
  ) {
    fresh.rest[index] = {
      ...(decision.why === undefined ? {} : { why: decision.why }),
      ...(decision.keepAs === undefined ? {} : { keepAs: decision.keepAs }),
      ...(decision.processing === undefined ? {} : { processing: decision.processing }),
      ...(counterpart ? { counterpart: onRecord(context.destination, counterpart) } : {}),
      ...(toSource ? { toSource, ...(context.source.childId ? {} : { originId: item.id }) } : {}),
    }
  }
}

/** Nothing to do, or the same objection as before to the same thing: the row is not rewritten. */
function staysAsItIs(context: ExecutionContext, child: Child, decision: Decision): boolean {
  const { item, row } = child
  if (!row || row.forgotten) return false
  if (decision.action === 'none') return row.state === 'success' || row.state === 'processed'
  if (row.state === 'skipped') {
    if (decision.action !== 'skip' || decision.reason !== row.reason) return false
    return isSourceAsRecorded(item, row) && isSaid(row.said, { why: decision.why, destination: seenAt(context, child) })
  }
  if (row.state !== 'remediation' || !sameFacts(item, row.source)) return false
  // A person has been asked; asking again every run, or trying again, would be noise. A change of the item starts afresh,
  // and so does the end of what stood in its way: another setting, or room made at the destination.
  return !objections.has(row.reason as Reason) || (decision.action === 'fail' && decision.reason === row.reason)
}

/** What is to be said of a row that stays, where that is not what it says already. */
function noteOf(
  context: ExecutionContext,
  child: Child & { row: TrackedRow },
  decision: Decision,
): RowNote | undefined {
  const { item, row, counterpart } = child
  const { state, reason, said } = row
  const isAsked = state === 'remediation'
  if (state === 'skipped' || (decision.reason === 'unchanged' && !isAsked && !leftAlone.has(reason))) return undefined
  const note: RowNote = { item: row.item }
  if (!isAsked && reason !== decision.reason) note.reason = decision.reason
  if (isAsked || leftAlone.has(decision.reason)) {
    // What flagged it holds; where it stands may be another matter by now.
    note.why = isAsked ? (said?.why ?? undefined) : decision.why
    if (!context.toSource && !isSourceAsRecorded(item, row)) note.source = factsOf(item)
    if (counterpart && !context.toSource) note.counterpart = onRecord(context.destination, counterpart)
  }
  const seen = { why: note.why, source: note.source && packFacts(note.source), destination: seenAt(context, child) }
  return note.reason === undefined && isSaid(said, seen) ? undefined : note
}

function isSaid(said: Said | undefined, { why, source, destination }: Seen): boolean {
  return (
    said !== undefined &&
    said.why === (why ?? null) &&
    said.source === (source ?? null) &&
    said.destination === (destination ?? null)
  )
}

interface Seen {
  why?: string | undefined
  source?: string | undefined
  destination?: string | undefined
}

function seenAt(context: ExecutionContext, { counterpart }: Child): string | undefined {
  return counterpart ? packFacts(onRecord(context.destination, counterpart)) : undefined
}

function isSourceAsRecorded(item: Item, row: TrackedRow): boolean {
  return (row.sourceText ?? packFacts(row.source)) === packFacts(item)
}

/** What was flagged for its permissions alone arrived, and so does what comes into it. */
function isLookedInto({ state, reason }: TrackedRow): boolean {
  return state === 'remediation' ? reason === 'permissions_lost' : state !== 'skipped'
}

/** Nothing to do has a reason of its own: neither side changed, or only the destination did. */
function reasonToStay({ state, reason }: TrackedRow, decision: Decision): string {
  if (state === 'remediation') return 'flagged_before'
  return state === 'skipped' ? reason : decision.reason
}

function sameFacts(now: Facts, then: Facts): boolean {
  return (
    now.sizeBytes === then.sizeBytes &&
    now.modifiedNs === then.modifiedNs &&
    now.changedNs === then.changedNs &&
    now.version === then.version
  )
}

type Unchanged = Listing['unchanged'][number]

/** What stays as it is with a status, for a reason. */
function sumOf(sums: Unchanged[], status: Unchanged['status'], reason: string): Unchanged {
  let sum = sums.find((s) => s.status === status && s.reason === reason)
  if (!sum) sums.push((sum = { status, reason, items: 0, bytes: 0n, containers: 0 }))
  return sum
}

function countUnchanged(sum: Unchanged, { kind, sizeBytes }: Item): void {
  sum.items += 1
  if (kind === 'container') sum.containers = (sum.containers ?? 0) + 1
  if (kind === 'item') sum.bytes += sizeBytes
}
