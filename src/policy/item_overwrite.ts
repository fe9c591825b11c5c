import type { Settings } from '../job/settings.ts'
import { fail, skip, type Verdict } from './verdict.ts'

/**
 * May a file that is at the destination already be replaced? Asked once a change was detected and before any conflict rule;
 * the same on the first run and on later ones. Folders are merged, never asked about.
 *
 * @see reference: job-policies 13
 */
export function itemOverwrite(setting: Settings['itemOverwrite'], name: string): Verdict | undefined {
  if (setting === 'overwrite') return undefined
  const why = `${JSON.stringify(name)} is at the destination already, with other content`
  return setting === 'skip' ? skip('exists', why) : fail('exists', why)
}
