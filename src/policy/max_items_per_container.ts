import { fail, type Verdict } from './verdict.ts'

export interface ItemLimits {
  /** The setting; left out, the destination's own limit holds. */
  given?: number | undefined
  /** Most children of one container at the destination; undefined when it states none. */
  destination?: number | undefined
}

/**
 * A container with more children than the limit, files and folders counted alike: it is flagged and none of its children is
 * transferred, because a part of a folder looks like a whole one.
 *
 * @param children direct children seen so far; a listing may be stopped at the first one too many
 * @see reference: job-policies 7
 */
export function tooManyItems({ given, destination }: ItemLimits, children: number): Verdict | undefined {
  const limit = given ?? destination
  if (limit === undefined || children <= limit) return undefined
  const why =
    given === undefined
      ? `more than ${limit} items, which is all that a folder takes at the destination: split it into sub-folders`
      : `more than ${limit} items, which is all that max_items_per_container allows: raise it, or split the folder into sub-folders`
  return fail('too_many_items', why)
}
