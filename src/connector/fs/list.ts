import type { Page } from '../connector.ts'
import { ConnectorError } from '../errors.ts'
import type { Facet, Item } from '../item.ts'
import type { Folder } from './folders.ts'
import { describe, lookAt, statsOf } from './look.ts'
import { namesIn } from './names_in.ts'
import { isStale, troubleIn, type Place } from './place.ts'
import { errno } from '../local/trouble.ts'

/**
 * Children in pages, in no order. `complete` only when every name was read and looked at, in the folder that still has this
 * id under the root that still is the root. A name that vanishes between the two is no child any more.
 */
export function* list(place: Place, id: string, want: readonly Facet[]): Generator<Page> {
  let folder: Folder
  try {
    folder = place.folders.fresh(id)
  } catch (error) {
    throw troubleIn(place, error, id)
  }
  const { folders } = place
  folders.hold(folder)
  try {
    let page: Item[] | undefined
    for (const names of namesIn(folder)) {
      if (page) yield { items: page, complete: false }
      page = describeAll(place, folder, names, want)
    }
    if (isStale(folder)) throw Object.assign(new Error('removed while it was listed'), { code: 'ENOENT' })
    place.root.check()
    yield { items: page ?? [], complete: true }
  } catch (error) {
    throw troubleIn(place, error, id)
  } finally {
    folders.release(folder)
  }
}

function describeAll(place: Place, folder: Folder, names: readonly string[], want: readonly Facet[]): Item[] {
  const items: Item[] = []
  for (const name of names) {
    const stats = statsOf(folder, name)
    if (!stats) continue
    try {
      items.push(describe(place, { folder, name, stats }, want))
    } catch (error) {
      const item = again(place, folder, name, want, error)
      if (item) items.push(item)
    }
  }
  return items
}

/** Gone, no link any more, without the ACL it had a moment ago, another file. */
const seenElsewhere: ReadonlySet<string> = new Set(['ENOENT', 'EINVAL', 'ENODATA', 'ChangedWhileRead'])

/** A second look at a child that was replaced or removed between two looks; its loss is not the folder's. */
function again(place: Place, folder: Folder, name: string, want: readonly Facet[], error: unknown): Item | undefined {
  const number = errno(error)
  const moved = seenElsewhere.has(number ?? '')
  if (!moved || isStale(folder)) throw error
  try {
    return lookAt(place, folder, name, want)
  } catch (second) {
    if (errno(second) !== 'ENOENT') throw second
    throw new ConnectorError('ItemFailed', `${JSON.stringify(name)} keeps changing while it is listed`, {
      id: folder.id,
    })
  }
}
