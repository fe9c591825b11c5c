import type { Page } from '../connector.ts'
import { ConnectorError } from '../errors.ts'
import type { Facet, Item } from '../item.ts'
import { childId } from '../fs/ids.ts'
import type { Channel, FileEntryWithStats } from './channel.ts'
import { isNotFound, pathOf, statsOf, type Place } from './place.ts'

const pageItems = 1_000

/**
 * Children in pages, in the server's order. `complete` only when the server said that there are no more, of a folder that
 * is still there under a root that is.
 */
export async function* list(
  place: Place,
  id: string,
  { want, requireRoot }: { want: readonly Facet[]; requireRoot: () => Promise<void> },
): AsyncGenerator<Page> {
  const channel = await place.channel()
  const handle = await open(place, channel, id, requireRoot)
  try {
    let entries: FileEntryWithStats[] = []
    const unreadable = new Map<string, number>()
    for (let more = await channel.entries(handle, id); more; more = await channel.entries(handle, id)) {
      for (const entry of more) if (!isSelfOrParent(entry)) entries.push(told(entry, unreadable))
      while (entries.length > pageItems) {
        yield { items: await describe(place, channel, id, entries.slice(0, pageItems), want), complete: false }
        entries = entries.slice(pageItems)
      }
    }
    const items = await describe(place, channel, id, entries, want)
    await requireRoot()
    if (!(await statsOf(place, id))) throw new ConnectorError('NotFound', 'removed while it was listed', { id })
    yield { items, complete: true }
  } finally {
    if (!channel.isLost) await channel.closeHandle(handle, id)
  }
}

async function open(place: Place, channel: Channel, id: string, requireRoot: () => Promise<void>): Promise<Buffer> {
  try {
    const stats = await statsOf(place, id)
    if (!stats) throw new ConnectorError('NotFound', 'does not exist', { id })
    if (place.shape.kind(stats) !== 'container') throw new ConnectorError('NotAContainer', 'is not a folder', { id })
    return await channel.opendir(pathOf(place, id), id)
  } catch (error) {
    if (isNotFound(error)) await requireRoot()
    throw error
  }
}

/** Links are asked where they lead, side by side; one that is gone meanwhile is no child any more. */
async function describe(
  place: Place,
  channel: Channel,
  container: string,
  entries: readonly FileEntryWithStats[],
  want: readonly Facet[],
): Promise<Item[]> {
  const items = await Promise.all(
    entries.map(async ({ filename, attrs }) => {
      const id = childId(container, filename)
      try {
        return await place.shape.item(channel, pathOf(place, id), { id, stats: attrs }, want)
      } catch (error) {
        if (isNotFound(error)) return undefined
        throw error
      }
    }),
  )
  return items.filter((item) => item !== undefined)
}

function isSelfOrParent({ filename }: FileEntryWithStats): boolean {
  return filename === '.' || filename === '..'
}

/** Names that are no UTF-8 come with the same sign for each wrong byte; several may come as one, and are told apart by number. */
function told(entry: FileEntryWithStats, unreadable: Map<string, number>): FileEntryWithStats {
  const { filename } = entry
  if (!filename.includes('\uFFFD')) return entry
  const nth = (unreadable.get(filename) ?? 0) + 1
  unreadable.set(filename, nth)
  return nth === 1 ? entry : { ...entry, filename: `${filename} (${nth})` }
}
