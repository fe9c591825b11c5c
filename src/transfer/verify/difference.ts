import type { ItemState } from '../../ledger/item_state.ts'

/** One thing in which the two sides, or a side and the ledger, are not as they should be; or that the job has still to do. */
export interface Difference {
  /** From the job's root with a leading slash, as at the source. */
  path: string
  /** Where that is at the destination; absent where nothing is planned there. */
  destinationPath?: string
  kind: DifferenceKind
  /** A sentence with both values. */
  message: string
  /** Of what is owed: what has become of it so far, and why. */
  status?: ItemState
  reason?: string
}

export type DifferenceKind =
  /** Failed, flagged, or not done yet. */
  | 'owed'
  /** Was transferred, and is not at the destination. */
  | 'missing'
  /** Was transferred, left the source since, and is at the destination still. */
  | 'extra'
  | 'content'
  | 'size'
  | 'times'
  | 'permissions'
  | 'owner'
  | 'kind'
  /** A symbolic link leads elsewhere. */
  | 'link'
  /** A side is not as the ledger recorded it, whatever the other side is. */
  | 'ledger'
  /** At the source, and no execution has seen it yet. */
  | 'untracked'
  /** Could not be listed or read, so nothing is known of it. */
  | 'unreadable'
  /** Unfinished content of ours in the destination. */
  | 'staging'

export type Finding = Omit<Difference, 'path' | 'destinationPath'>

/** An item that policy decided to leave as it is, or out: it is not owed. */
export interface Left {
  path: string
  destinationPath: string
  status: ItemState
  reason: string
}

/** What a verification looked at, and what it came to. */
export interface Verified {
  /** Pairs compared: files with every byte, and links. */
  files: number
  folders: number
  /** Bytes read on each side. */
  read: { source: bigint; destination: bigint }
  differences: number
  /** What policy decided to leave, by why; none of it is a difference. */
  left: { status: ItemState; reason: string; items: number }[]
  /** Left the source, as an execution noticed, and kept by the destination. */
  gone: number
  /** Have the owner and permissions they arrived with, under other maps or settings than now; they get others when they change. */
  accessBefore: number
  /** Entries of the destination that the ledger knows nothing of; a copy merges into folders, so they are nobody's fault. */
  foreign: number
}
