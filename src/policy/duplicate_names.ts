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
 * @see reference: job-policies 12
 */
export function duplicateNames(
  settings: Pick<Settings, 'duplicateNames'> & Partial<Pick<Settings, 'transferType'>>,
  name: string,
): Verdict | undefined {
  if (settings.duplicateNames === 'rename' && settings.transferType !== 'move') return undefined
  return skip('duplicate_name', `another item of its folder has the name ${JSON.stringify(name)} at the destination`)
}
