import type { Settings } from '../job/settings.ts'
import { extensionOf } from './extension.ts'
import { fail, skip, type Verdict } from './verdict.ts'

/**
 * A file type the destination refuses. `warn` tries as it is and lets the platform decide; `convert` would need an archive,
 * which this version does not write, so the file is flagged rather than sent under a false name.
 *
 * @param refused extensions, lower-case, without the dot
 * @see reference: job-policies 14
 */
export function restrictedContent(
  setting: Settings['restrictedContent'],
  name: string,
  refused: readonly string[],
): Verdict | undefined {
  if (refused.length === 0 || setting === 'warn') return undefined
  const extension = extensionOf(name).slice(1).toLowerCase()
  if (extension === '' || !refused.includes(extension)) return undefined
  const why = `the destination refuses files of type .${extension}`
  if (setting === 'skip') return skip('restricted_content', why)
  return fail('restricted_content', setting === 'convert' ? `${why}; archives are not written by this version` : why)
}
