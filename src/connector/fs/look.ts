import { lstatSync, readlinkSync, type BigIntStats } from 'node:fs'
import { ConnectorError } from '../errors.ts'
import type { Facet, Item } from '../item.ts'
import { nameOfBytes } from '../local/escape.ts'
import { idInside, leadsUp, type Folder } from './folders.ts'
import { childId, join, nameOf, parentOf } from './ids.ts'
import type { Place } from './place.ts'
import { errno } from '../local/trouble.ts'

const exact = { bigint: true, throwIfNoEntry: false } as const

/** What the system says of a child, links not followed; undefined when there is none. */
export function statsOf(folder: Folder, name: string): BigIntStats | undefined {
  return lstatSync(join(folder.base, name), exact)
}

/** A child as listed and answered everywhere; undefined when it is not there. */
export function lookAt(place: Place, folder: Folder, name: string, want: readonly Facet[]): Item | undefined {
  const stats = statsOf(folder, name)
  return stats && describe(place, { folder, name, stats }, want)
}

export interface Found {
  folder: Folder
  name: string
  stats: BigIntStats
}

export function describe(place: Place, found: Found, want: readonly Facet[]): Item {
  const { folder, name, stats } = found
  const item = place.shape.item(childId(folder.id, name), name, stats)
  if (item.kind === 'link') return describeLink(place, found, item, want)
  if (want.length > 0 && item.kind !== 'special') addFacets(place, found, item, want)
  return item
}

function addFacets(place: Place, { folder, name, stats }: Found, item: Item, want: readonly Facet[]): void {
  for (const facet of want) {
    switch (facet) {
      case 'owner':
        item.owner = place.access.owner(stats)
        item.group = place.access.group(stats)
        break
      case 'permissions': {
        const { permissions, print } = place.access.read(folder, name, stats)
        item.permissions = permissions
        if (print !== '') item.facets += `+${print}`
        break
      }
      case 'metadata':
        if (!place.properties) throw new ConnectorError('Unsupported', 'there are no extended attributes here')
        item.metadata = place.properties.read(folder, name, stats)
        break
      case 'hash':
        throw new ConnectorError('Unsupported', 'a file system states no hashes')
      default:
        facet satisfies never
    }
  }
}

function describeLink(place: Place, { folder, name, stats }: Found, item: Item, want: readonly Facet[]): Item {
  if (place.settings.symlinks === 'follow') return followed(place, folder, item, want)
  item.linkTarget = nameOfBytes(readlinkSync(join(folder.base, name), 'buffer'))
  if (want.includes('owner')) {
    item.owner = place.access.owner(stats)
    item.group = place.access.group(stats)
  }
  return item
}

/** The item under the link's own name and id, with the content and facts of what it leads to. */
function followed(place: Place, folder: Folder, link: Item, want: readonly Facet[]): Item {
  const { id, name } = link
  const target = targetOf(place, folder, name)
  if (typeof target === 'string') return { ...link, kind: 'special', special: target, deadLink: true }
  const { stats } = target
  const item = place.shape.item(id, name, stats)
  if (item.kind === 'container' && leadsUp(folder, stats.dev, stats.ino))
    return { ...link, kind: 'special', special: 'symbolic link to a folder above it', deadLink: true }
  if (want.length > 0 && item.kind !== 'special') addFacets(place, target, item, want)
  return item
}

/** Anything can be written into a link, a name that no file system takes too; `Escapes` is a link swapped in just now. */
const leadsNowhere: ReadonlySet<string> = new Set([
  ...['ENOENT', 'ELOOP', 'ENOTDIR', 'ENAMETOOLONG'],
  ...['Escapes', 'NotAContainer'],
])

/** Where a link inside the root leads, or why nowhere. The folder it leads to is held by nobody: good until the next look. */
export function targetOf(place: Place, folder: Folder, name: string): Found | string {
  try {
    const real = idInside(place.root, join(folder.base, name))
    if (real === undefined) return 'symbolic link outside the root'
    if (real === '') return 'symbolic link to a folder above it'
    const at = place.folders.get(parentOf(real))
    const stats = statsOf(at, nameOf(real))
    return stats ? { folder: at, name: nameOf(real), stats } : 'broken symbolic link'
  } catch (error) {
    const number = errno(error)
    if (number !== undefined && leadsNowhere.has(number)) return 'broken symbolic link'
    if (number === 'EACCES') return 'unreadable symbolic link'
    throw error
  }
}

export function rootItem(place: Place, root: Folder, want: readonly Facet[]): Item {
  const stats = lstatSync(`${root.base}.`, { bigint: true })
  const item = place.shape.item('', '', stats)
  if (want.length > 0) addFacets(place, { folder: root, name: '.', stats }, item, want)
  return item
}
