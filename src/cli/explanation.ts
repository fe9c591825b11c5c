import type { Facts } from '../connector/item.ts'
import { rootItem } from '../ledger/ledger.ts'
import type { Explanation } from '../ledger/sqlite/reader_types.ts'
import { exchangedWords } from '../policy/exchange.ts'
import { bytes, counted, printable } from '../report/format.ts'
import { sayProcessing } from '../report/say_processing.ts'
import { isLeftAlone, sayReason } from '../report/say_reason.ts'

const decided: Record<Explanation['action'], string> = {
  none: 'nothing to do',
  create: 'create it at the destination',
  overwrite: 'replace the destination’s',
  adopt: 'take the destination’s as the same, and write nothing',
  attributes: 'set times, owner or permissions, and leave the content',
  reread: 'read the content to see whether it changed',
  skip: 'leave it out',
  fail: 'not possible as things are',
}

const states: Record<Explanation['state'], string> = {
  none: 'looked at only',
  success: 'done: it arrived as it is',
  processed: 'done: it arrived altered',
  skipped: 'left out on purpose',
  retry: 'failed; the next run tries again',
  remediation: 'flagged: it needs a person',
  pending: 'not done yet',
}

/** Lines for a person, from what was seen to what was done. */
export function explanation(item: Explanation): string[] {
  if (item.item === rootItem) return explainRoot(item)
  const { last } = item
  const why = item.why === undefined || last.reason !== item.reason ? [] : [line('', item.why)]
  return [
    `${printable(pathOf(item))}${item.kind === 'container' ? '/' : ''}`,
    line('source', sourceOf(item)),
    line('destination', destinationOf(item)),
    line('decided', decisionOf(item)),
    line('why', `${sayReason(last.reason, isToSource(item))} [${last.reason}]`),
    ...why,
    ...(item.keepAs === undefined
      ? []
      : [line('kept', `the ${item.toSource ? 'source' : 'destination'}’s own version as ${printable(item.keepAs)}`)]),
    ...(item.processing.length === 0
      ? []
      : [line('altered', item.processing.map((how) => `${sayProcessing(how)} [${how}]`).join('; '))]),
    line('state', stateOf(item)),
    ...before(item),
    ...attempts(item),
    ...(item.hash === undefined || last.simulated
      ? []
      : [line('SHA-256', `${item.hash}${last.isOurs ? '' : ' (of what was recorded last)'}`)]),
    ...history(item),
  ]
}

function decisionOf(item: Explanation): string {
  const { execution, simulated, atMs } = item.last
  const at = atMs === undefined ? '' : `, looked at ${new Date(atMs).toISOString()}`
  return `${whatIsDone(item)} (${simulated ? 'simulated, ' : ''}execution ${execution}${at})`
}

function whatIsDone(item: Explanation): string {
  const { action, reason, simulated } = item.last
  if (item.gone) return 'nothing more to do'
  if (item.state !== 'skipped' && isNotLookedInto(item)) return 'its content is left where it is'
  if (action === 'none') return isLeftAlone(reason) ? 'leave it as it is' : decided.none
  const what = isToSource(item) ? exchangedWords(decided[action]) : decided[action]
  return `${simulated && action !== 'fail' ? 'would ' : ''}${what}`
}

/** What is said of it last is of its way to the source. */
function isToSource({ toSource, reason, last }: Explanation): boolean {
  return toSource && last.reason === reason
}

/** What is so now, which for what is left as it is says more than the status it keeps. */
function stateOf({ state, last }: Explanation): string {
  if (last.reason === 'source_gone') return 'gone from the source'
  if (last.reason === 'left_deleted') return 'deleted at the destination, and left so'
  const settled = state === 'success' || state === 'processed'
  if (settled && isLeftAlone(last.reason)) return 'left as it is at the destination'
  if (!last.simulated || last.reason === 'unchanged') return states[state]
  return settled
    ? `simulated: it would ${state === 'success' ? 'arrive as it is' : 'arrive altered'}`
    : `simulated: ${states[state]}`
}

/** How it came to be as it was found. */
function before({ action, execution, last, state, toSource }: Explanation): string[] {
  const settled = state === 'success' || state === 'processed' || state === 'none'
  const how = carriedOut[action]
  return settled && how !== undefined && last.execution > execution
    ? [line('before', `${toSource ? exchangedWords(how) : how} (execution ${execution})`)]
    : []
}

const carriedOut: Partial<Record<Explanation['action'], string>> = {
  create: 'created at the destination',
  overwrite: 'written in place of the destination’s',
  adopt: 'found at the destination, the same',
  attributes: 'given its times, owner or permissions',
  reread: 'read again',
}

function explainRoot(item: Explanation): string[] {
  return [
    '/',
    line('source', seen(item.source, item.kind)),
    line('destination', item.destination ? seen(item.destination, item.kind) : 'not made yet'),
    line('decided', 'nothing: this is where the job begins'),
    ...history(item),
  ]
}

function sourceOf({ absent, toSource, last, kind }: Explanation): string {
  if (last.source && (!absent || toSource)) return seen(last.source, kind)
  return toSource ? 'nothing yet' : 'no longer there'
}

function destinationOf(item: Explanation): string {
  const at = printable(`/${item.destinationNames.join('/')}`)
  // Facts from before are of another kind than the source's item is now, or there are none: what stands there is not ours.
  if (item.reason === 'kind_differs') return `${at}, where something of another kind is`
  const { last } = item
  // Nobody looks at the destination to explain it.
  if (last.destination) {
    if (item.toSource) return `${at}, ${seen(last.destination, item.kind)}`
    const when = last.isOurs ? (item.action === 'adopt' ? 'found' : 'written') : 'seen'
    return `${at}, ${seen(last.destination, item.kind)}, as it was ${when}`
  }
  if (last.reason === 'left_deleted') return `nothing any more; it was ${at}`
  const arrived = !last.simulated && (item.state === 'success' || item.state === 'processed')
  if (arrived || (item.container?.ready === true && !last.simulated)) return at
  return last.reason === 'source_gone' ? 'nothing' : `nothing yet; it would be ${at}`
}

export function pathOf({ sourceNames }: Explanation): string {
  return `/${sourceNames.join('/')}`
}

function seen(facts: Facts, kind: Explanation['kind']): string {
  const parts = [
    kind === 'container'
      ? 'a folder'
      : kind === 'item'
        ? `${bytes(facts.sizeBytes)} (${facts.sizeBytes} bytes)`
        : `a ${kind}`,
  ]
  if (facts.modifiedNs !== undefined) parts.push(`modified ${moment(facts.modifiedNs)}`)
  if (facts.version !== undefined) parts.push(`version ${facts.version}`)
  return parts.join(', ')
}

function attempts({ tries, strikes, notBeforeMs, partialBytes }: Explanation): string[] {
  const lines: string[] = []
  if (tries > 0 || strikes > 0)
    lines.push(
      line(
        'attempts',
        `${counted(tries, 'failed try', 'failed tries')} in its last run, given up in ${counted(strikes, 'run')}`,
      ),
    )
  if (notBeforeMs !== undefined) lines.push(line('', `next try not before ${new Date(notBeforeMs).toISOString()}`))
  if (partialBytes !== undefined && partialBytes > 0n)
    lines.push(line('', `${bytes(partialBytes)} of it are there already and will be gone on with`))
  return lines
}

function history({ audit, last }: Explanation): string[] {
  if (audit.length === 0) return []
  return [
    'what happened',
    ...audit.map((entry) => {
      const message = entry.message === undefined ? '' : `: ${printable(entry.message)}`
      return `  ${new Date(entry.recordedMs).toISOString()}  execution ${entry.execution}  ${entry.type}${last.simulated && entry.execution === last.execution ? ' (simulated)' : ''}${message}`
    }),
  ]
}

function line(what: string, text: string): string {
  return `  ${what.padEnd(12)} ${printable(text)}`
}

/** Before 1970 and far ahead too, where a Date reaches. */
function moment(ns: bigint): string {
  const ms = Number(ns / 1_000_000n) - (ns < 0n && ns % 1_000_000n !== 0n ? 1 : 0)
  const date = new Date(ms)
  return Number.isNaN(date.getTime()) ? `${ns} ns after 1970` : date.toISOString()
}

/** Nobody knows what is in it: it was left out with all of that, or could not be listed. */
export function isNotLookedInto({ kind, state, container, last }: Explanation): boolean {
  if (kind !== 'container') return false
  return (
    state === 'skipped' || ((state === 'remediation' || state === 'retry') && container?.lookedIn !== last.execution)
  )
}
