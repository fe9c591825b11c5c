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
