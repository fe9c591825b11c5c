import { fail, type Verdict } from './verdict.ts'

/**
 * A container with more children than the limit, files and folders counted alike: it is flagged and none of its children is
 * transferred, because a part of a folder looks like a whole one.
 *
 * @param children direct children seen so far; a listing may be stopped at the first one too many
 * @see reference: job-policies 7
 */
export function tooManyItems(limit: number, children: number): Verdict | undefined {
  if (children <= limit) return undefined
  return fail('too_many_items', `Maximum number of items exceeded: more than ${limit}. Split it into sub-folders.`)
}
