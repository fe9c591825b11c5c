import type { ItemState } from '../ledger/item_state.ts'
import type { Balance } from '../ledger/ledger.ts'
import { leftAlone } from '../policy/decision.ts'
import { sayRemovals } from './removals.ts'
import { count, counted } from './format.ts'

export interface About {
  simulated?: boolean
  /** Which rule of which filter left items out, where it was one alone. */
  filteredBy?: string | undefined
}

/** How an execution went, in one line: that there was nothing to do is said only where all is as recorded. */
export function closingSentence(balance: Balance | undefined, { simulated = false, filteredBy }: About = {}): string {
  const found = balance?.found.items ?? 0
  const changed = balance?.carriedOut?.items ?? 0
  const told = [
    ...leftOut(balance, filteredBy),
    ...leftAsTheyAre(balance),
    ...sayRemovals(balance, simulated),
    ...owed(balance, simulated),
    ...gone(balance),
  ]
  const settled = changed > 0 ? [] : settledOtherwise(balance)
  const filtered = itemsOf(balance, 'filtered', (status) => status === 'skipped')
  if (found > 0 && filtered === found && changed === 0) {
    const all = found === 1 ? 'the 1 item found was' : `all ${count(found)} found were`
    return [`${all} left out by ${filteredBy ?? 'filters'}`, ...told.slice(1)].join('; ')
  }
  if (told.length > 0 || changed > 0 || settled.length > 0) {
    const done = `${count(changed)} ${simulated ? 'would be carried out' : 'carried out'}`
    return [`${count(found)} found, ${done}`, ...settled, ...told].join('; ')
  }
  return found === 0
    ? 'nothing to do: nothing found at the source'
    : `nothing to do: ${count(found)} found, all as recorded`
}

const whyLeftOut: Record<string, string> = {
  destination_newer: 'the destination is newer',
  destination_kept: 'the destination’s own version stays',
  exists: 'item_overwrite forbids to replace what is there',
  kept_copy: 'conflict copies, which stay where they are',
  too_large: 'larger than the destination takes',
  restricted_content: 'of a type that the destination refuses',
  link: 'the destination has no symbolic links',
  duplicate_name: 'the name is that of another item at the destination',
  empty_container: 'folders in which nothing arrives',
  taxonomy: 'only folders are made',
  not_initial: 'not there when their folder was looked at first',
}

function leftOut(balance: Balance | undefined, filteredBy: string | undefined): string[] {
  return reasonsOf(balance, (status) => status === 'skipped').map(({ reason, items }) =>
    reason === 'filtered'
      ? `${count(items)} left out by ${filteredBy ?? 'filters'}`
      : `${count(items)} left out: ${whyLeftOut[reason] ?? reason.replaceAll('_', ' ')}`,
  )
}

const howLeft: Record<string, string> = {
  left_deleted: 'deleted at the destination, and left so',
  destination_kept: 'changed at the destination only, and left so',
  not_followed: 'changed at the source since, which migrate does not follow',
  exists: 'perhaps changed, which item_overwrite forbids to replace',
}

function leftAsTheyAre(balance: Balance | undefined): string[] {
  return reasonsOf(balance, (status) => status !== 'skipped')
    .filter(({ reason }) => leftAlone.has(reason) && howLeft[reason] !== undefined)
    .map(({ reason, items }) => `${count(items)} ${howLeft[reason]!}`)
}

const howSettled: Record<string, string> = {
  matched: 'at the destination already',
  attributes_changed: 'of which no more changed than times, owner or permissions, which are not carried',
  unsure: 'read again, and found to be the same',
}

/** Recorded, and nothing carried out. */
function settledOtherwise(balance: Balance | undefined): string[] {
  return reasonsOf(balance, (status) => status === 'success' || status === 'processed')
    .filter(({ reason }) => howSettled[reason] !== undefined)
    .map(({ reason, items }) => `${count(items)} ${howSettled[reason]!}`)
}

function owed(balance: Balance | undefined, simulated: boolean): string[] {
  if (!balance) return []
  const { retry, remediation, pending } = balance.byStatus
  const unlisted = balance.findings?.unlisted ?? 0
  const told: string[] = []
  if (retry.items > 0)
    told.push(`${count(retry.items)} ${simulated ? 'would be' : 'to be'} tried again in the next execution`)
  if (remediation.items > 0)
    told.push(`${count(remediation.items)} ${simulated ? 'would be ' : ''}flagged for a person`)
  if (pending.items > 0) told.push(`${count(pending.items)} not done yet`)
  if (unlisted > 0) told.push(`the content of ${counted(unlisted, 'folder')} was not looked at`)
  return told
}

function gone(balance: Balance | undefined): string[] {
  const items = balance?.findings?.gone.items ?? 0
  return items === 0
    ? []
    : [`${count(items)} gone from the source; the destination keeps ${items === 1 ? 'it' : 'them'}`]
}

/** By reason, the most frequent first. */
function reasonsOf(
  balance: Balance | undefined,
  isMeant: (status: ItemState) => boolean,
): { reason: string; items: number }[] {
  const sums = new Map<string, number>()
  for (const { status, reason, items } of balance?.byReason ?? [])
    if (items > 0 && isMeant(status)) sums.set(reason, (sums.get(reason) ?? 0) + items)
  return [...sums].map(([reason, items]) => ({ reason, items })).sort((a, b) => b.items - a.items)
}

function itemsOf(balance: Balance | undefined, reason: string, isMeant: (status: ItemState) => boolean): number {
  return reasonsOf(balance, isMeant).find((sum) => sum.reason === reason)?.items ?? 0
}
