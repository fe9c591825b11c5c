import type { Facts, ItemKind } from '../connector/item.ts'
import type { Side } from '../job/endpoint.ts'

/** What is to be done about one item. */
export type Action =
  /** Nothing to do: both sides are as recorded. */
  | 'none'
  /** Write the content under a name that is free. */
  | 'create'
  /** Replace exactly the destination item that was planned against. */
  | 'overwrite'
  /** Both sides hold the same: record it, write nothing. */
  | 'adopt'
  /** Times, owner or permissions changed: apply them, write no content. */
  | 'attributes'
  /** Something changed that size and times do not show: read the source and compare hashes before deciding. */
  | 'reread'
  /** Left out on purpose (wire status `skipped`). */
  | 'skip'
  /** Needs a person or another try (wire status `retry`, then `remediation`). */
  | 'fail'

/** Why, as a word a program can compare; `reasons.ts` says each in a sentence. */
export type Reason =
  | 'new'
  | 'changed'
  | 'attributes_changed'
  | 'permissions_anew'
  | 'unsure'
  | 'unchanged'
  | 'matched'
  | 'restored'
  | 'left_deleted'
  | 'source_gone'
  | 'destination_gone'
  | 'not_at_source'
  | 'removed'
  | 'moved'
  | 'taxonomy'
  | 'not_initial'
  | 'not_followed'
  | 'filtered'
  | 'too_large'
  | 'too_many_items'
  | 'name_refused'
  | 'name_too_long'
  | 'name_taken'
  | 'duplicate_name'
  | 'exists'
  | 'conflict'
  | 'conflict_copy'
  | 'conflict_of_copy'
  | 'kept_copy'
  | 'destination_kept'
  | 'destination_newer'
  | 'kind_differs'
  | 'hard_linked'
  | 'special'
  | 'dead_link'
  | 'link'
  | 'restricted_content'
  | 'empty_container'
  | 'incomplete_listing'
  | 'permissions_lost'
  | 'flagged_before'
  | 'ignored'

/** Why a tracked item is left as it is although not all is as recorded: the row keeps its baselines, and says this. */
export const leftAlone: ReadonlySet<string> = new Set<Reason>([
  'left_deleted',
  'destination_kept',
  'exists',
  'not_followed',
])

/** How the item arrives altered (wire `processing`); a non-empty list makes `success` into `processed`. */
export type Processing =
  | 'renamed'
  | 'deduplicated'
  | 'truncated'
  | 'converted'
  | 'permissions_narrowed'
  | 'owners_lost'
  | 'times_left_out'
  | 'conflict_copy'

export interface Decision {
  action: Action
  reason: Reason
  /** Particulars in words, when the reason's own sentence does not say enough. */
  why?: string
  /** With `overwrite`: the destination's item is first renamed to this, so nobody's work is lost. */
  keepAs?: string
  processing?: Processing[]
  /**
   * The item of that side is taken for somebody's edit because of its change time alone. Asked again with its hash, the
   * planner may decide otherwise.
   */
  wantsHash?: Side
  /** It goes from the destination to the source; everything said of the two is to be read with them exchanged. */
  toSource?: true
  /** The item is to be removed from the side that it would go from: it was deleted on the other. */
  removes?: true
  /** What stands at the destination was neither written nor read by us: the hash recorded before is not that of its content. */
  forgetHash?: true
}

/** The destination's item of the planned name. */
export interface Counterpart extends Facts {
  kind: ItemKind
  name: string
  /** Of kind `link`. */
  linkTarget?: string
  /** More than 1: it has other names (hard links). */
  linkCount?: number
}

/** What the ledger remembers of an item: the facts of both sides after our own last write. */
export interface Tracked {
  /** What was decided last went from the destination to the source. */
  toSource?: boolean
  source: Facts
  /** Absent while nothing was ever written. */
  destination?: Facts
  /** SHA-256 of the content last written. */
  hash?: string
  /** A reset was asked for since. */
  forgotten?: boolean
  /** Owners and permissions are to be set again. */
  permissionsAnew?: boolean
  /** True when the last decision was carried out; false for pending, retry, flagged and skipped rows. */
  settled: boolean
  /** Of rows that are not settled: it was to be carried out and was not, or arrived and was flagged. */
  failed?: boolean
}

/** A policy's objection to an item; the first one counts. */
export interface Verdict {
  action: 'skip' | 'fail'
  reason: Reason
  why: string
}
