import type { Page } from '../connector.ts'
import { ConnectorError } from '../errors.ts'
import type { Facts, Item } from '../item.ts'
import { container, itemOf, unnameable, type Listed } from './facts.ts'
import { childId, nameOf, twinNameOf } from './keys.ts'
import type { Objects } from './objects.ts'

/** How many items are looked at side by side for what listings do not tell. */
const looksAtOnce = 32

/** Children in the order of their keys. */
export async function* list(objects: Objects, id: string): AsyncGenerator<Page> {
  const prefix = objects.keys.prefixOf(id)
  const files = new Nested()
  for (let after: string | undefined, first = true; ; first = false) {
    const page = await objects.page(prefix, { after })
    if (first && prefix !== '' && page.objects.length + page.folders.length === 0) await refuseToList(objects, id)
    const items: Item[] = []
    const isTold = (segment: string) => page.encoded || !segment.includes('\uFFFD')
    const listed = page.objects.flatMap((object) => {
      const segment = object.key.slice(prefix.length)
      // The container's own marker, unless somebody put content into it.
      return segment === '' && object.sizeBytes === 0n ? [] : [{ segment, object }]
    })
    const folders = page.folders.map((folder) => folder.slice(prefix.length, -1))
    const told = listed.filter(({ segment }) => isTold(segment))
    const facts = await factsOfAll(
      objects,
      told.map(({ object }) => object),
    )
    for (const [i, { segment }] of told.entries()) {
      const known = facts[i]
      if (known) items.push(itemOf(childId(id, nameOf(segment)), known))
    }
    for (const { segment, isFile } of inOrder(
      listed.map(({ segment }) => segment),
      folders,
    )) {
      const name = !isFile && files.has(segment) ? twinNameOf(segment) : nameOf(segment)
      if (!isTold(segment)) items.push(unnameable(childId(id, name)))
      else if (!isFile) items.push(container(childId(id, name)))
      if (isFile) files.add(segment)
    }
    yield { items, complete: page.next === undefined }
    if (page.next === undefined) return
    after = page.next
  }
}

/** As the server has them: each kind comes in a list of its own. */
function inOrder(files: readonly string[], folders: readonly string[]): { segment: string; isFile: boolean }[] {
  const all = [
    ...files.map((segment) => ({ segment, isFile: true, key: Buffer.from(segment) })),
    ...folders.map((segment) => ({ segment, isFile: false, key: Buffer.from(`${segment}/`) })),
  ]
  return folders.length === 0 ? all : all.sort((a, b) => Buffer.compare(a.key, b.key))
}

async function refuseToList(objects: Objects, id: string): Promise<never> {
  if (await objects.item(id)) throw new ConnectorError('NotAContainer', 'is a file', { id })
  throw new ConnectorError('NotFound', 'there is no key below it', { id })
}

/** In the order given; nothing for one that is gone since. */
async function factsOfAll(objects: Objects, listed: readonly Listed[]): Promise<(Facts | undefined)[]> {
  if (objects.settings.times === 'stored') return listed.map(({ facts }) => facts)
  const facts: (Facts | undefined)[] = []
  let next = 0
  const look = async () => {
    while (next < listed.length) {
      const i = next++
      facts[i] = (await objects.head(listed[i]!.key))?.facts
    }
  }
  await Promise.all(Array.from({ length: Math.min(looksAtOnce, listed.length) }, look))
  return facts
}

/**
 * The names of files that what comes now may begin with. `x/` comes after `x`, and in between only what begins with `x`: to
 * know the twins of a whole listing takes no more than one path of names.
 */
class Nested {
  #names: string[] = []

  add(name: string): void {
    this.#names = [...this.#names.filter((shorter) => name.startsWith(shorter)), name]
  }

  has(name: string): boolean {
    return this.#names.includes(name)
  }
}
