import type { Capabilities } from '../connector/capabilities.ts'
import type { Item } from '../connector/item.ts'
import type { Settings } from '../job/settings.ts'

type Times = Capabilities['times']

/** Whether a file at the destination has, after our write, the source's modified time: only then can times be compared. */
export function timesPreserved(setting: Settings['timestamps'], source: Times, destination: Times): boolean {
  return setting && source.modified !== 'none' && destination.modified === 'readwrite'
}

/**
 * The times to set at the destination, each as far as both sides can. A folder's are set last, by whoever finishes the
 * folder: every child written into it moves them.
 *
 * @returns nanoseconds since 1970; an absent time is left to the destination
 * @see reference: job-policies 17
 */
export function carryTimes(
  setting: Settings['timestamps'],
  item: Pick<Item, 'kind' | 'modifiedNs' | 'createdNs' | 'accessedNs'>,
  destination: Times,
): { modifiedNs?: bigint; createdNs?: bigint; accessedNs?: bigint } {
  if (!setting || (item.kind === 'container' && !destination.containers)) return {}
  const { modifiedNs, createdNs, accessedNs } = item
  return {
    ...(modifiedNs !== undefined && destination.modified === 'readwrite' ? { modifiedNs } : {}),
    ...(createdNs !== undefined && destination.created === 'readwrite' ? { createdNs } : {}),
    ...(accessedNs !== undefined && destination.accessed === 'readwrite' ? { accessedNs } : {}),
  }
}
