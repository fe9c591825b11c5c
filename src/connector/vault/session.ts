import type { Capabilities } from '../capabilities.ts'
import type { Attributes, Page, ResolvedRoot, Session, Staged, StageSpec, Target } from '../connector.ts'
import { ConnectorError } from '../errors.ts'
import type { Facet, Facts, Item, ItemKind } from '../item.ts'
import { flush } from './blobs.ts'
import { openContent } from './content.ts'
import { list } from './list.ts'
import { idOf, type Node } from './nodes.ts'
import { placeOf } from './place.ts'
import { beginStaging, discard, publish, reconcile, type Reconciled } from './publish.ts'
import type { VaultReading } from './reading.ts'
import type { VaultStaging } from './staging.ts'
import type { Store } from './store.ts'
import { guarded } from './trouble.ts'

/** One open vault in one thread. It answers at once. */
export class VaultSession implements Session {
  readonly capabilities: Capabilities
  readonly notes = []
  readonly account = undefined
  readonly #store: Store

  constructor(store: Store) {
    this.#store = store
    this.capabilities = store.capabilities
  }

  resolve(path: string): ResolvedRoot {
    const names = segments(path)
    const exists = this.#store.read(path, () => this.#store.descend(names)) !== undefined
    return guarded(path, () => ({ ...placeOf(this.#store.place.folder, names), exists }))
  }

  root(path: string): Item | null {
    const names = segments(path)
    return this.#store.read(path, () => this.#itemOrNull(this.#store.descend(names)))
  }

  makeRoot(path: string): Item {
    const names = segments(path)
    return this.#store.write(path, () => this.#store.nodes.item(this.#store.makePath(names)))
  }

  list(container: string, want: readonly Facet[]): Generator<Page> {
    refuseFacets(want)
    return list(this.#store, container)
  }

  stat(id: string, want: readonly Facet[]): Item | null {
    refuseFacets(want)
    return this.#store.read(id, () => this.#itemOrNull(this.#store.nodes.byId(idOf(id))))
  }

  open(id: string, expected?: Facts): VaultReading {
    return openContent(this.#store, id, expected)
  }

  stage(spec: StageSpec): VaultStaging {
    refuseAttributes(spec.attributes)
    return beginStaging(this.#store, spec)
  }

  reconcile(staged: Staged, _target: Target): Reconciled {
    return reconcile(this.#store, staged)
  }

  publish(staged: Staged, target: Target): Item {
    return publish(this.#store, staged, target)
  }

  discard(container: string, key: string): void {
    discard(this.#store, container, key)
  }

  makeContainer(container: string, name: string, key: string): Item {
    const { nodes } = this.#store
    return this.#store.write(container, () => {
      const made = nodes.byKey(key)
      if (made?.kind === 'container') return nodes.item(made)
      const parent = this.#store.container(container)
      if (made) nodes.forgetKey(key)
      return nodes.item(this.#store.newContainer(parent.id, name, key))
    })
  }

  makeLink(): never {
    throw new ConnectorError('Unsupported', 'a vault holds no links')
  }

  move(id: string, container: string, name: string, expected: Facts): Item {
    const { nodes } = this.#store
    return this.#store.write(id, () => {
      this.#store.checkName(name)
      const node = this.#store.known(id)
      const parent = this.#store.container(container)
      // A repeat after a death finds it moved, at the version that the move made.
      if (node.parent === parent.id && node.name === name) {
        const { version: _version, changedNs: _changedNs, ...lasting } = expected
        nodes.expect(node, lasting)
        return nodes.item(node)
      }
      nodes.expect(node, expected)
      if (node.parent === null) throw new ConnectorError('AccessDenied', 'the root stays where it is', { id })
      if (nodes.isBelow(parent.id, node.id)) {
        throw new ConnectorError('Conflict', 'a folder cannot be moved into itself', { id })
      }
      return nodes.item(nodes.change(node.id, { parent: parent.id, name }))
    })
  }

  remove(id: string, expected: Facts & { kind: ItemKind }): void {
    const { nodes, stagings } = this.#store
    const loosened = this.#store.write(id, () => {
      const node = nodes.byId(idOf(id))
      if (!node) return false
      if (node.parent === null) throw new ConnectorError('AccessDenied', 'the root stays', { id })
      if (node.kind !== expected.kind)
        throw new ConnectorError('PreconditionFailed', `is a ${node.kind} now, not a ${expected.kind}`, { id })
      // Of a folder only who it is: its times are moved by what is in it.
      const { identity, sizeBytes } = expected
      nodes.expect(
        node,
        node.kind === 'container' ? { sizeBytes, ...(identity === undefined ? {} : { identity }) } : expected,
      )
      if (nodes.children(node.id, 0n, 1).length > 0)
        throw new ConnectorError('Conflict', 'a folder with content is there', { id })
      nodes.remove(node.id)
      if (node.hash !== null) stagings.loosen(node.hash)
      return node.hash !== null
    })
    if (loosened) guarded(id, () => stagings.sweep())
  }

  setAttributes(id: string, attributes: Attributes, expected?: Facts): Item {
    refuseAttributes(attributes)
    const { nodes } = this.#store
    return this.#store.write(id, () => {
      const node = this.#store.known(id)
      if (expected) nodes.expect(node, expected)
      const { modifiedNs: modified = node.modified, createdNs: created = node.created } = attributes
      const same = modified === node.modified && created === node.created
      return nodes.item(same ? node : nodes.change(node.id, { modified, created }))
    })
  }

  flush(id: string, _container: string): void {
    guarded(id, () => {
      const { hash } = this.#store.read(id, () => this.#store.known(id))
      if (hash !== null) flush(this.#store.blobs.path(hash))
      this.#store.flush()
    })
  }

  /** Removes blobs that nothing refers to any more; the number removed. Any number of sessions may do so at once. */
  sweep(): number {
    return guarded('', () => this.#store.stagings.sweep())
  }

  close(): void {
    this.#store.close()
  }

  #itemOrNull(node: Node | undefined): Item | null {
    return node ? this.#store.nodes.item(node) : null
  }
}

/** A path of a root: names between slashes. What could mean something else than a name is refused, not interpreted. */
function segments(path: string): string[] {
  const inner = path.replace(/^\//, '').replace(/\/$/, '')
  const names = inner === '' ? [] : inner.split('/')
  if (names.some((name) => name === '' || name === '.' || name === '..')) {
    throw new ConnectorError('Escapes', `${JSON.stringify(path)} has a part that is no name`)
  }
  return names
}

function refuseFacets(want: readonly Facet[]): void {
  const lacking = want.find((facet) => facet !== 'hash')
  if (lacking) throw new ConnectorError('Unsupported', `a vault keeps no ${lacking}`)
}

function refuseAttributes(attributes: Attributes): void {
  const lacking = (['accessedNs', 'owner', 'group', 'permissions', 'atMost', 'metadata'] as const).find(
    (part) => attributes[part] !== undefined,
  )
  if (lacking) throw new ConnectorError('Unsupported', `a vault keeps no ${lacking}`)
  const { modifiedNs = 0n, createdNs = 0n } = attributes
  if (BigInt.asIntN(64, modifiedNs) !== modifiedNs || BigInt.asIntN(64, createdNs) !== createdNs) {
    throw new ConnectorError('Unsupported', 'a vault keeps times from 1677 to 2262')
  }
}
