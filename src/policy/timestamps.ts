import type { Capabilities } from '../connector/capabilities.ts'
import type { Settings } from '../job/settings.ts'

type Times = Capabilities['times']

/** Whether a file at the destination has, after our write, the source's modified time: only then can times be compared. */
export function timesPreserved(setting: Settings['timestamps'], source: Times, destination: Times): boolean {
  return source.modified !== 'none' && carriedTimes(setting, destination).items
}

/**
 * What gets the source's modified time; the other times are left to the destination. A folder's is set last, by whoever
 * finishes the folder: every child written into it moves it.
 *
 * @see reference: job-policies 17
 */
export function carriedTimes(
  setting: Settings['timestamps'],
  { modified, containers }: Times,
): { items: boolean; containers: boolean } {
  const items = setting && modified === 'readwrite'
  return { items, containers: items && containers }
}

/**
 * Why the destination can't be given a time: it has none so early, or so late. The content arrives all the same.
 *
 * @returns nothing when it can
 */
export function timeLeftOut(range: Times['range'], ns: bigint): string | undefined {
  if (range === undefined || (ns >= range.firstNs && ns <= range.lastNs)) return undefined
  return `its modified time is left out: the destination keeps times from ${yearOf(range.firstNs)} to ${yearOf(range.lastNs)}`
}

function yearOf(ns: bigint): number {
  return new Date(Number(ns / 1_000_000n)).getUTCFullYear()
}
