/**
 * Loaded before anything else (`--import`), in threads too: below the folder that `DENIED_BELOW` names, whatever is called
 * `denied…` denies somebody something, as no file system here can.
 */
import { resolveRoot } from '../../src/connector/local/resolve.ts'
import { FsSession } from '../../src/connector/fs/session.ts'
import { Right } from '../../src/connector/item.ts'

const { place } = resolveRoot(process.env['DENIED_BELOW'] ?? '')
const { stat } = FsSession.prototype

FsSession.prototype.stat = function (this: FsSession, id, want) {
  const item = stat.call(this, id, want)
  const isDenied = item?.name.startsWith('denied') === true && this.resolve('/').place === place
  if (isDenied)
    item.permissions?.entries.push({ who: 'everyone', rights: Right.read, access: 'deny', origin: 'direct' })
  return item
}
