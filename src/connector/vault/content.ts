import { ConnectorError } from '../errors.ts'
import { errno } from '../local/trouble.ts'
import type { Facts } from '../item.ts'
import { idOf, type Node } from './nodes.ts'
import { VaultReading } from './reading.ts'
import type { Store } from './store.ts'
import { guarded } from './trouble.ts'

export function openContent(store: Store, id: string, expected?: Facts): VaultReading {
  return guarded(id, () => {
    const { fd, node } = openBlob(store, id)
    return new VaultReading(fd, {
      id,
      sizeBytes: node.size,
      ...(expected && { expectedBytes: expected.sizeBytes }),
      verify: () => expected && verify(store, id, expected),
    })
  })
}

function openBlob(store: Store, id: string): { fd: number; node: Node } {
  for (let lost: string | undefined; ;) {
    const node = store.read(id, () => store.known(id))
    if (node.hash === null) throw new ConnectorError('Unsupported', 'a folder has no content', { id })
    try {
      return { fd: store.blobs.open(node.hash), node }
    } catch (error) {
      if (errno(error) !== 'ENOENT') throw error
      store.place.check()
      // Replaced between the look and the opening: then its new content is there.
      if (lost === node.hash) {
        throw new ConnectorError('ItemFailed', 'the vault has lost this content', { id, cause: error })
      }
      lost = node.hash
    }
  }
}

function verify(store: Store, id: string, expected: Facts): void {
  const changed = (why: string) => new ConnectorError('ChangedWhileRead', why, { id })
  const node = store.read(id, () => store.nodes.byId(idOf(id)))
  if (!node) throw changed('was removed while it was read')
  try {
    store.nodes.expect(node, expected)
  } catch (error) {
    throw changed((error as Error).message)
  }
}
