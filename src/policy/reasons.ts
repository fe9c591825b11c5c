import type { Reason } from './decision.ts'

/** Wire status of an item once its decision was carried out. */
type WireStatus = 'success' | 'processed' | 'skipped' | 'retry' | 'remediation'

interface ReasonText {
  /** One sentence for reports and `explain`. */
  sentence: string
  /** What the item's status becomes. `success` turns into `processed` when it arrives altered; `retry` into `remediation` after its strikes. */
  status: readonly WireStatus[]
}

const done: readonly WireStatus[] = ['success']
const left: readonly WireStatus[] = ['skipped']
const failing: readonly WireStatus[] = ['retry', 'remediation']

/** Each reason in a sentence, and where it leads. */
export const reasons: Readonly<Record<Reason, ReasonText>> = {
  new: { sentence: 'It was not at the destination.', status: done },
  changed: { sentence: 'It changed at the source since it was last transferred.', status: done },
  attributes_changed: { sentence: 'Its times, owner or permissions changed; its content did not.', status: done },
  permissions_anew: { sentence: 'A reset has its owner and permissions set again.', status: done },
  unsure: {
    sentence: 'Something about it changed that size and times do not show, so its content is compared.',
    status: done,
  },
  unchanged: { sentence: 'Nothing changed on either side.', status: done },
  matched: { sentence: 'The destination had the same already.', status: done },
  restored: { sentence: 'It was deleted at the destination, and delete_propagation ignores that.', status: done },
  left_deleted: { sentence: 'It was deleted at the destination, and stays so.', status: done },
  source_gone: { sentence: 'It is gone from the source; the destination keeps it.', status: done },
  destination_gone: {
    sentence: 'It was deleted at the destination; it stays at the source until its removal is approved.',
    status: done,
  },
  not_at_source: {
    sentence: 'The destination has it and the source does not; it stays until its removal is approved.',
    status: done,
  },
  removed: { sentence: 'The source does not have it, or no more; it was removed at the destination.', status: done },
  moved: { sentence: 'It arrived whole, was read back, and was removed from the source.', status: done },
  taxonomy: { sentence: 'Only folders are made (transfer_type: taxonomy).', status: left },
  not_initial: {
    sentence: 'It was not there when the folder was looked at first, and migrate looks for nothing new.',
    status: left,
  },
  not_followed: { sentence: 'It changed since it arrived, and migrate follows no changes.', status: done },
  filtered: { sentence: 'A filter leaves it out.', status: left },
  too_large: {
    sentence: 'It is larger than the destination takes; large_item: skip leaves such files out.',
    status: ['skipped', 'retry', 'remediation'],
  },
  too_many_items: {
    sentence: 'The folder holds more items than max_items_per_container, or the destination, allows.',
    status: failing,
  },
  name_refused: {
    sentence: 'The destination refuses its name; segment_transform renames what can be renamed.',
    status: failing,
  },
  name_too_long: {
    sentence: 'Its name or path is longer than the destination takes; segment_truncate shortens names of files.',
    status: failing,
  },
  name_taken: { sentence: 'No name is free for it at the destination.', status: failing },
  duplicate_name: { sentence: 'Another item of its folder has that name at the destination.', status: left },
  exists: {
    sentence: 'The destination has a file of that name, and item_overwrite forbids to replace it.',
    status: ['success', 'skipped', 'retry', 'remediation'],
  },
  conflict: {
    sentence: 'Both sides changed, or differ and were never compared; conflict_resolution says which one stays.',
    status: ['success', 'retry', 'remediation'],
  },
  conflict_copy: {
    sentence: "Both sides changed; the destination's own version is kept beside it.",
    status: ['processed'],
  },
  conflict_of_copy: {
    sentence: 'Both sides changed, and it is named like a conflict copy, which is never kept as another one.',
    status: ['remediation'],
  },
  kept_copy: { sentence: 'It is a conflict copy, which stays on the side that it was kept on.', status: left },
  destination_kept: { sentence: "The destination's own version stays.", status: ['success', 'skipped'] },
  destination_newer: { sentence: 'The destination has a newer version, which stays.', status: left },
  kind_differs: {
    sentence: 'The two sides have items of different kinds under its name: file, folder or link.',
    status: failing,
  },
  hard_linked: {
    sentence:
      'Its file at the destination has other names (hard links), which new times, owner or permissions would reach too.',
    status: failing,
  },
  special: {
    sentence: 'It is a device, socket or pipe, which is never read.',
    status: failing,
  },
  dead_link: {
    sentence: 'It is a symbolic link that leads nowhere, in circles or out of the root, and links are followed here.',
    status: failing,
  },
  link: { sentence: 'It is a symbolic link, and the destination has none.', status: left },
  restricted_content: {
    sentence: 'The destination refuses files of its type; restricted_content: skip leaves them out.',
    status: ['skipped', 'retry', 'remediation'],
  },
  empty_container: {
    sentence: 'The folder has no content that is transferred, and empty_containers leaves it out.',
    status: left,
  },
  flagged_before: {
    sentence: 'It was flagged in an earlier execution and has not changed since: a person is asked, once.',
    status: ['remediation'],
  },
  ignored: { sentence: 'It failed, and a person said to leave it out.', status: left },
  incomplete_listing: {
    sentence: 'The listing of its folder ended early, so nothing is concluded from it.',
    status: failing,
  },
  permissions_lost: {
    sentence: 'A denial or a broken inheritance could not be carried.',
    status: ['processed', ...failing],
  },
}
