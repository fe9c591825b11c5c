import type { ErrorCode } from '../connector/errors.ts'
import type { Reason } from '../policy/decision.ts'

const look = 'Look at both sides and decide'
const wait = 'It changed while it was read: wait until nobody writes to it'
const name = 'Give it another name at the source, or let segment_transform change it'
const room = 'Rename or remove what has its name at the destination'
const permitted =
  'Let the account that Stevedore runs as read it at the source and write it at the destination; attributes (immutable) and locks of the file system deny it as well'

const remedies: Partial<Record<Reason | ErrorCode | 'crashed_worker' | 'unfinished', string>> = {
  AccessDenied: permitted,
  Locked: 'Have it closed by whoever has it open',
  Conflict: room,
  PreconditionFailed: 'Look at what became of it at the destination; another try goes by that',
  NotFound: 'It is gone; another try looks again',
  NameInvalid: name,
  NameTooLong: name,
  TooLarge: 'Let the destination take larger files, or set large_item to skip',
  ExtensionRefused: 'Let the destination take files of its type, or set restricted_content to convert or skip',
  ShortRead: wait,
  GrewWhileRead: wait,
  ChangedWhileRead: wait,
  IntegrityMismatch: 'One of the two disks, or the way between, changes bytes: find out which before trying again',
  ItemFailed: 'See its message; a damaged disk or file system is what it is mostly',
  NotAContainer: look,
  Escapes: 'It leads out of the job’s folder: put what it leads to inside, or leave it out',
  name_taken: room,
  name_refused: name,
  name_too_long: 'Give it, or a folder above it, a shorter name, or let segment_transform shorten it',
  too_large: 'Let the destination take larger files, or set large_item to skip',
  too_many_items: 'Split the folder, or set max_items_per_container higher',
  restricted_content: 'Let the destination take files of its type, or set restricted_content to convert or skip',
  kind_differs: 'Rename or remove one of the two: a file and a folder cannot share a name',
  hard_linked: 'Make it a file of its own at the destination, or leave its times, owner and permissions as they are',
  special: 'Leave it out by a filter: devices, sockets and pipes are not transferred',
  conflict: look,
  conflict_of_copy: look,
  exists: 'Remove the destination’s, or let item_overwrite replace it',
  permissions_lost: 'It is there, open to its owner alone: set its permissions at the destination by hand',
  incomplete_listing: 'Another try lists the folder again',
  crashed_worker: 'It ended the worker’s process each time: read the log, and try it again when the cause is gone',
  unfinished: 'Let the run come to its end',
}

const remediesByWord = new Map(Object.entries(remedies))

/** What a person can do about an item that failed for a reason, without a full stop; nothing where nobody knows. */
export function whatToDo(reason: string): string | undefined {
  return remediesByWord.get(reason)
}
