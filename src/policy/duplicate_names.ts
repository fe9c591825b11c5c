import type { Settings } from '../job/settings.ts'
import { skip, type Verdict } from './verdict.ts'

/** What goes between stem and extension of the n-th duplicate: `name (1).ext`. */
export function duplicateSuffix(n: number): string {
  return ` (${n})`
}

/**
 * Two names of one container would meet at one destination name and this one has to give way: it gets a number, or under
 * `warn` (and in a `move`, always) it is left out.
 *
 * @param holder who has the name, as the source calls him; undefined when that is not known
 * @see reference: job-policies 12
 */
export function duplicateNames(
  settings: Pick<Settings, 'duplicateNames'> & Partial<Pick<Settings, 'transferType'>>,
  name: string,
  holder?: string,
): Verdict | undefined {
  if (settings.duplicateNames === 'rename' && settings.transferType !== 'move') return undefined
  const who = holder === undefined || holder === name ? 'another item' : JSON.stringify(holder)
  return skip('duplicate_name', `${who} of its folder has the name ${JSON.stringify(name)} at the destination`)
}
