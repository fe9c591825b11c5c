import { openDatabase } from '../../database/sqlite.ts'
import type { Page } from '../connector.ts'
import { Nodes, type Node } from './nodes.ts'
import { applicationId, migrations } from './schema.ts'
import type { Store } from './store.ts'
import { guarded } from './trouble.ts'

const pageItems = 1_000

/** Children in the order they were made. */
export function* list(store: Store, container: string): Generator<Page> {
  const first = store.read(container, () => childrenAfter(store, container, 0n, store.nodes))
  if (first.length <= pageItems) {
    yield { items: first.map((node) => store.nodes.item(node)), complete: true }
    return
  }
  yield* listLong(store, container)
}

/** More than a page: listed from one state of the tree, however long it takes, so that nothing moved meanwhile is missed. */
function* listLong(store: Store, container: string): Generator<Page> {
  const reader = guarded(container, () => openDatabase(store.place.file, { applicationId, migrations, readOnly: true }))
  try {
    reader.exec('BEGIN')
    const nodes = guarded(container, () => new Nodes(reader))
    for (let after = 0n; ;) {
      const some = guarded(container, () => childrenAfter(store, container, after, nodes))
      const complete = some.length <= pageItems
      if (!complete) some.pop()
      yield { items: some.map((node) => nodes.item(node)), complete }
      if (complete) return
      after = some.at(-1)!.id
    }
  } finally {
    reader.close()
  }
}

/** One more than a page, to know whether it is the last. */
function childrenAfter(store: Store, container: string, after: bigint, nodes: Nodes): Node[] {
  return nodes.children(store.container(container, nodes).id, after, pageItems + 1)
}
