import type { Item } from '../connector/item.ts'
import type { DateRange, DateTarget } from '../job/settings.ts'
import type { CompiledRule } from './rule.ts'

/**
 * Files by one of their times: within the last so many days, weeks, months or years (by the calendar, in UTC), or between two
 * moments. A folder's times say when its list of children changed, which is nobody's question: folders never match.
 *
 * @param nowNs when the execution began, so that every item and every retry is judged by the same clock
 */
export function filterDate(targets: readonly DateTarget[], range: DateRange, nowNs: bigint): CompiledRule {
  const { fromNs, toNs } = bounds(range, nowNs)
  const inside = (ns: bigint | undefined): boolean =>
    ns !== undefined && (fromNs === undefined || ns >= fromNs) && (toNs === undefined || ns <= toNs)
  const reads = targets.map((target) => readers[target])
  return {
    type: 'filter_date',
    text: `${targets.join(' or ')} is ${describe(range)}`,
    matches: (item) => item.kind !== 'container' && reads.some((read) => inside(read(item))),
  }
}

const readers: Record<DateTarget, (item: Item) => bigint | undefined> = {
  created_on: (item) => item.createdNs,
  modified_on: (item) => item.modifiedNs,
  accessed_on: (item) => item.accessedNs,
}

const second = 1_000_000_000n
const day = 86_400n * second

function bounds(range: DateRange, nowNs: bigint): { fromNs?: bigint; toNs?: bigint } {
  switch (range.type) {
    case 'range': {
      const { fromSeconds, toSeconds } = range
      return {
        ...(fromSeconds === undefined ? {} : { fromNs: nanoseconds(fromSeconds) }),
        // The second itself still belongs to it.
        ...(toSeconds === undefined ? {} : { toNs: nanoseconds(toSeconds) + second - 1n }),
      }
    }
    case 'day':
      return { fromNs: nowNs - BigInt(Math.round(range.value)) * day }
    case 'week':
      return { fromNs: nowNs - BigInt(Math.round(range.value)) * 7n * day }
    case 'month':
      return { fromNs: monthsBefore(nowNs, range.value) }
    case 'year':
      return { fromNs: monthsBefore(nowNs, range.value * 12) }
    default:
      return range satisfies never
  }
}

/** The same day and time so many months earlier; the last of the month when it has no such day. */
function monthsBefore(nowNs: bigint, months: number): bigint {
  const now = new Date(Number(nowNs / 1_000_000n))
  const then = new Date(now)
  then.setUTCDate(1)
  then.setUTCMonth(then.getUTCMonth() - Math.round(months))
  const days = new Date(Date.UTC(then.getUTCFullYear(), then.getUTCMonth() + 1, 0)).getUTCDate()
  then.setUTCDate(Math.min(now.getUTCDate(), days))
  return Number.isNaN(then.getTime())
    ? nowNs - BigInt(Math.round(months)) * 31n * day
    : BigInt(then.getTime()) * 1_000_000n
}

function nanoseconds(seconds: number): bigint {
  return BigInt(Math.floor(seconds)) * second
}

function describe(range: DateRange): string {
  if (range.type !== 'range') return `within the last ${range.value} ${range.type}${range.value === 1 ? '' : 's'}`
  const moments = [
    ...(range.fromSeconds === undefined ? [] : [`from ${moment(range.fromSeconds)}`]),
    ...(range.toSeconds === undefined ? [] : [`to ${moment(range.toSeconds)}`]),
  ]
  return moments.join(' ')
}

function moment(seconds: number): string {
  const date = new Date(seconds * 1000)
  return Number.isNaN(date.getTime()) ? `${seconds} s` : date.toISOString()
}
