import type { Staged, StageSpec, Target } from '../connector.ts'
import { ConnectorError } from '../errors.ts'
import type { Facts, Item } from '../item.ts'
import { idOf, nowNs, type Node } from './nodes.ts'
import { VaultStaging } from './staging.ts'
import type { StagedRow } from './stagings.ts'
import type { Store } from './store.ts'
import { guarded } from './trouble.ts'

/**
 * A content on its way in: a file under its staging key → that, and a row that says it is whole → under one write lock, the
 * file takes its hash for a name, the item its place in the tree, and the row goes. A death between any two of these leaves
 * what the key is enough to continue or clear away.
 */
export function beginStaging(store: Store, spec: StageSpec): VaultStaging {
  const { key, container, sizeBytes, resumeAt } = spec
  const { maxBytes } = store.capabilities.content
  if (maxBytes !== undefined && sizeBytes > maxBytes) {
    throw new ConnectorError('TooLarge', `${sizeBytes} bytes; this connection takes at most ${maxBytes}`)
  }
  return guarded(container, () => {
    store.place.check()
    store.read(container, () => store.container(container))
    // Begun again after it was whole: it isn't whole any more.
    if (store.stagings.find(key)) store.write(container, () => store.stagings.remove(key))
    const fd = resumeAt ? store.blobs.resumeStaging(key, resumeAt) : store.blobs.beginStaging(key)
    return new VaultStaging(fd, spec, (hash) => store.write(container, () => store.stagings.insert(rowOf(spec, hash))))
  })
}

export type Reconciled = { state: 'staged' } | { state: 'published'; item: Item } | { state: 'gone' }

export function reconcile(store: Store, staged: Staged): Reconciled {
  return store.read(staged.container, () => {
    const published = store.nodes.byKey(staged.key)
    if (published?.hash === staged.hash) return { state: 'published', item: store.nodes.item(published) }
    const row = store.stagings.find(staged.key)
    const whole = row?.hash === staged.hash && hasContent(store, row)
    return { state: whole ? 'staged' : 'gone' }
  })
}

export function publish(store: Store, staged: Staged, target: Target): Item {
  const attempt = () => {
    const { item, loosened } = store.write(staged.container, () => publishOnce(store, staged, target))
    // After the commit: before it, a death would leave an item without its content.
    if (loosened) guarded(staged.container, () => store.stagings.sweep())
    return item
  }
  const row = guarded(staged.container, () => store.stagings.find(staged.key))
  return row?.power === 1n ? store.durably(attempt) : attempt()
}

export function discard(store: Store, container: string, key: string): void {
  guarded(container, () => {
    const there = store.blobs.removeStaging(key)
    const row = store.stagings.find(key)
    if (!row) return
    store.write(container, () => {
      store.stagings.remove(key)
      // A death in the middle of publishing has named the blob already.
      if (!there) store.stagings.loosen(row.hash)
    })
    if (!there) store.stagings.sweep()
  })
}

function publishOnce(store: Store, staged: Staged, target: Target): { item: Item; loosened: boolean } {
  const { nodes, blobs, stagings } = store
  const published = nodes.byKey(staged.key)
  if (published?.hash === staged.hash) return { item: nodes.item(published), loosened: false }
  const row = stagings.find(staged.key)
  if (!row || row.hash !== staged.hash) throw new ConnectorError('NotFound', 'the staging is gone')
  store.checkName(target.name)
  const parent = store.container(target.container)
  const replaced = target.condition === 'absent' ? undefined : toReplace(store, parent, target.name, target.condition)
  if (!blobs.adopt(row.key, row.hash, row.power === 1n) && !blobs.has(row.hash, row.size)) {
    throw new ConnectorError('NotFound', 'the staged content is gone')
  }
  if (published) nodes.forgetKey(staged.key)
  stagings.remove(row.key)
  const now = nowNs()
  const content = { name: target.name, hash: row.hash, size: row.size, modified: row.modified ?? now, key: row.key }
  if (!replaced) {
    const node = nodes.insert({ parent: parent.id, kind: 'item', created: row.created ?? now, ...content })
    return { item: nodes.item(node), loosened: false }
  }
  const loosened = replaced.hash !== null && replaced.hash !== row.hash
  if (loosened) stagings.loosen(replaced.hash!)
  const node = nodes.change(replaced.id, { created: row.created ?? replaced.created, ...content })
  return { item: nodes.item(node), loosened }
}

/** The one item that was planned against, if it is still that. */
function toReplace({ nodes }: Store, parent: Node, name: string, expected: Facts): Node {
  const { identity } = expected
  const id = identity === undefined ? undefined : nodes.idOfIdentity(identity)
  const node = identity === undefined ? nodes.byName(parent.id, name, 'item') : id && nodes.byId(id)
  if (!node || node.parent !== parent.id) {
    throw new ConnectorError('PreconditionFailed', 'what was to be replaced is not there any more')
  }
  if (node.kind !== 'item') throw new ConnectorError('Conflict', 'a folder is not replaced by a file')
  nodes.expect(node, expected)
  return node
}

function rowOf({ key, container, sizeBytes, attributes, durability }: StageSpec, hash: string): StagedRow {
  return {
    key,
    container: idOf(container),
    hash,
    size: sizeBytes,
    created: attributes.createdNs ?? null,
    modified: attributes.modifiedNs ?? null,
    power: durability === 'power' ? 1n : 0n,
  }
}

function hasContent({ blobs }: Store, { key, hash, size }: StagedRow): boolean {
  return blobs.hasStaging(key, size) || blobs.has(hash, size)
}
