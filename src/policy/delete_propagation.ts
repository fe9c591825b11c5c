import type { Settings } from '../job/settings.ts'
import type { Decision } from './decision.ts'

const leftDeleted: Decision = { action: 'none', reason: 'left_deleted' }
const deleted: Decision = { action: 'none', reason: 'destination_gone', removes: true }
const restored: Decision = { action: 'create', reason: 'restored' }

/**
 * An item we once wrote is gone from the destination and unchanged at the source. A one-way copy never deletes at the
 * source, so for it a delete at the destination either stands or is ignored, which means restoring the item. `publish` makes
 * the destination what the source is, and `move` carries whatever is at the source: both bring it back. Under `sync` it is
 * deleted at the source as well, or stays where it is.
 *
 * @see reference: job-policies 1, 3
 */
export function destinationDeleted({
  transferType,
  deletePropagation: setting,
}: Pick<Settings, 'transferType' | 'deletePropagation'>): Decision {
  if (transferType === 'publish' || transferType === 'move') return restored
  if (transferType === 'sync') return setting === 'mirror' || setting === 'ignore_source' ? deleted : leftDeleted
  switch (setting) {
    case 'ignore_source':
    case 'ignore_both':
    case 'mirror':
      return leftDeleted
    case 'ignore_destination':
      return restored
    default:
      return setting satisfies never
  }
}
