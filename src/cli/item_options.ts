import type { ItemState } from '../ledger/item_state.ts'
import { allStates } from '../ledger/sqlite/codes.ts'
import type { ItemFilter } from '../open_home/ask_of_items.ts'
import { Unacceptable } from '../problem.ts'
import type { CommonOptions } from './parts.ts'

/** Which items of a job are meant. */
export interface ItemOptions extends CommonOptions {
  /** Several with commas, as `reason`. */
  status?: string
  reason?: string
  search?: string
}

/** @throws Unacceptable naming the statuses there are */
export function filterOf({ status, reason, search }: ItemOptions): ItemFilter {
  return {
    ...(status === undefined ? {} : { status: status.split(',').map(statusOf) }),
    ...(reason === undefined ? {} : { reasons: reason.split(',') }),
    ...(search === undefined ? {} : { q: search }),
  }
}

/** The wire's `remediation` is what people call flagged. */
function statusOf(word: string): ItemState {
  const found = word === 'flagged' ? 'remediation' : allStates.find((state) => state === word)
  if (found) return found
  const allowed = ['flagged', ...allStates.filter((state) => state !== 'remediation')].join(', ')
  throw new Unacceptable([{ code: 'invalid', description: `--status ${word}: is not one of ${allowed}` }])
}

export function neverRan(name: string): Unacceptable {
  return new Unacceptable([{ code: 'never_ran', description: `${JSON.stringify(name)} has not run yet` }])
}
