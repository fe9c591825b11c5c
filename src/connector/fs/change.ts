import {
  lchownSync,
  linkSync,
  lutimesSync,
  renameSync,
  rmdirSync,
  symlinkSync,
  unlinkSync,
  type BigIntStats,
} from 'node:fs'
import type { Access, Attributes } from '../connector.ts'
import { ConnectorError } from '../errors.ts'
import type { Facts, Item, ItemKind } from '../item.ts'
import { applyTo, currently, planOf, type Plan } from './attributes.ts'
import { changing } from './changing.ts'
import { bytesOfName, leadIn } from '../local/escape.ts'
import type { Folder } from './folders.ts'
import { childId, join, nameOf, parentOf } from './ids.ts'
import { describe, lookAt, rootItem, statsOf } from './look.ts'
import { makeFolder } from './new_folder.ts'
import { within, type Place } from './place.ts'
import { syncFolder } from './publish.ts'
import { foldCase } from '../local/names.ts'
import { errno, knowsNoLinks, refusesLink } from '../local/trouble.ts'

/** A folder that only its owner can enter until its permissions are set, or one with the host's default mode. */
export function makeContainer(place: Place, container: string, name: string, access: Access = 'closed'): Item {
  const id = childId(container, name)
  place.checkName(name)
  return changing(place, container, id, (folder) => {
    place.caseCollisions?.refuse(folder, name)
    makeFolder(place, join(folder.base, name), access)
    place.caseCollisions?.made(folder, name)
    return made(place, folder, name)
  })
}

export function makeLink(place: Place, container: string, name: string, linkTarget: string): Item {
  const id = childId(container, name)
  if (place.settings.symlinks === 'follow')
    throw new ConnectorError('Unsupported', 'symbolic links are followed here, so none are made', { id })
  place.checkName(name)
  if (linkTarget === '' || linkTarget.includes('\0') || !linkTarget.isWellFormed())
    throw new ConnectorError('NameInvalid', 'is no target for a symbolic link', { id })
  const target = linkTarget.includes(leadIn) ? bytesOfName(linkTarget) : linkTarget
  return changing(place, container, id, (folder) => {
    place.caseCollisions?.refuse(folder, name)
    symlinkSync(target, join(folder.base, name))
    place.caseCollisions?.made(folder, name)
    return made(place, folder, name)
  })
}

function made(place: Place, folder: Folder, name: string): Item {
  const item = lookAt(place, folder, name, [])
  if (item) return item
  throw new ConnectorError('NotFound', 'was removed as soon as it was made', { id: childId(folder.id, name) })
}

/** The root of a job, with its missing parents. */
export function makeRoot(place: Place, id: string, access?: Access): Item {
  if (id === '') return within(place, '', '', (root) => rootItem(place, root, []))
  let parent = ''
  let item: Item | undefined
  const names = id.split('/')
  for (const [depth, name] of names.entries()) {
    // Folders on the way hold nothing but the root, and nobody comes back to open them.
    item = makeOrKeep(place, { parent, name }, depth < names.length - 1 ? 'platform' : access)
    parent = item.id
  }
  if (item) return item
  throw new ConnectorError('Escapes', 'names nothing', { id })
}

function makeOrKeep(place: Place, { parent, name }: { parent: string; name: string }, access?: Access): Item {
  const id = childId(parent, name)
  const look = () => within(place, parent, id, (folder) => lookAt(place, folder, name, []))
  let there = look()
  if (!there) {
    if (place.settings.readOnly) throw new ConnectorError('ReadOnly', 'the connection is read-only')
    try {
      const item = makeContainer(place, parent, name, access)
      // Everything the job brings hangs on it, and it is made once.
      within(place, parent, id, syncFolder)
      return item
    } catch (error) {
      if (errno(error) !== 'Conflict') throw error
      there = look()
    }
  }
  if (there?.kind === 'container') return there
  throw new ConnectorError('NotAContainer', `${JSON.stringify(name)} is no folder`, { id })
}

/**
 * Renames; never replaces a file. A file goes by a second hard link, which fails if the name is taken. For a folder there is
 * only a look before the rename: should somebody make the name in between, rename still refuses anything but an empty
 * folder.
 */
export function move(place: Place, id: string, to: { container: string; name: string }, expected: Facts): Item {
  const newId = childId(to.container, to.name)
  const name = nameOf(id)
  place.checkName(to.name)
  if (newId === id) throw new ConnectorError('Conflict', 'has that name already', { id })
  if (newId.startsWith(`${id}/`)) throw new ConnectorError('Conflict', 'a folder cannot go into itself', { id })
  return changing(place, to.container, newId, (into) =>
    changing(place, parentOf(id), id, (from) =>
      moveBetween(place, { from, name }, { folder: into, name: to.name }, expected),
    ),
  )
}

interface Spot {
  folder: Folder
  name: string
}

function moveBetween(place: Place, { from, name }: { from: Folder; name: string }, to: Spot, expected: Facts): Item {
  const id = childId(from.id, name)
  const [oldPath, newPath] = [join(from.base, name), join(to.folder.base, to.name)]
  const stats = statsOf(from, name)
  const taken = statsOf(to.folder, to.name)
  if (isRespelled(place, { from, name }, to))
    return respell(place, { id, stats, taken, oldPath, newPath }, to, expected)
  if (taken && isHalfMoved(place, stats, taken, expected)) {
    if (stats) unlinkSync(oldPath)
    return made(place, to.folder, to.name)
  }
  place.shape.require(expected, stats, id)
  if (taken) throw new ConnectorError('Conflict', `${JSON.stringify(to.name)} exists`, { id })
  place.caseCollisions?.refuse(to.folder, to.name, from.id === to.folder.id ? name : undefined)
  if (stats.isDirectory() || !place.hardLinks) renameSync(oldPath, newPath)
  else linkThenUnlink(place, oldPath, newPath)
  place.folders.forget(id)
  place.folders.forget(childId(to.folder.id, to.name))
  place.caseCollisions?.made(to.folder, to.name)
  return made(place, to.folder, to.name)
}

/** The same name in other case. */
function isRespelled(place: Place, { from, name }: { from: Folder; name: string }, to: Spot): boolean {
  return place.caseCollisions !== undefined && from.id === to.folder.id && foldCase(name) === foldCase(to.name)
}

interface Respelling {
  id: string
  stats: BigIntStats | undefined
  taken: BigIntStats | undefined
  oldPath: string | Buffer
  newPath: string | Buffer
}

/** One step, and no second name at any time: where case counts for nothing on the disk too, that would be the only one. */
function respell(
  place: Place,
  { id: oldId, stats, taken, oldPath, newPath }: Respelling,
  to: Spot,
  expected: Facts,
): Item {
  const { folder, name } = to
  const id = childId(folder.id, name)
  // Done by somebody who died before he could tell.
  const isDone = !stats && taken !== undefined && place.shape.identity(taken) === expected.identity
  if (!isDone) {
    place.shape.require(expected, stats, id)
    if (taken && (taken.ino !== stats.ino || taken.dev !== stats.dev))
      throw new ConnectorError('Conflict', `${JSON.stringify(name)} exists`, { id })
    renameSync(oldPath, newPath)
  }
  for (const path of [oldId, id]) place.folders.forget(path)
  place.caseCollisions?.made(folder, name)
  return made(place, folder, name)
}

/** Both names are the one file that was to be moved: an earlier try died between link and unlink. Its change time is new since. */
function isHalfMoved(place: Place, stats: BigIntStats | undefined, taken: BigIntStats, expected: Facts): boolean {
  if (taken.isDirectory() || expected.identity === undefined || place.shape.identity(taken) !== expected.identity)
    return false
  return stats === undefined || (stats.ino === taken.ino && stats.dev === taken.dev)
}

function linkThenUnlink(place: Place, oldPath: string | Buffer, newPath: string | Buffer): void {
  try {
    linkSync(oldPath, newPath)
  } catch (error) {
    const number = errno(error)
    if (!refusesLink(number)) throw error
    place.hardLinks = !knowsNoLinks(number)
    // No hard link: the look just now has to do.
    renameSync(oldPath, newPath)
    return
  }
  unlinkSync(oldPath)
}

/** One step for each kind: neither takes a folder with something in it, nor what a link leads to. */
export function remove(place: Place, id: string, expected: Facts & { kind: ItemKind }): void {
  if (id === '') throw new ConnectorError('AccessDenied', 'the root stays', { id })
  const name = nameOf(id)
  try {
    changing(place, parentOf(id), id, (folder) => {
      const path = join(folder.base, name)
      const stats = statsOf(folder, name)
      if (!stats) return
      const kind = place.shape.kind(stats)
      if (kind !== expected.kind)
        throw new ConnectorError('PreconditionFailed', `is a ${kind} now, not a ${expected.kind}`, { id })
      place.shape.require(expected, stats, id)
      if (kind === 'container') rmdirSync(path)
      else unlinkSync(path)
      place.folders.forget(id)
    })
  } catch (error) {
    // Gone with its folder, or in this moment.
    if (errno(error) !== 'NotFound' && errno(error) !== 'NotAContainer') throw error
  }
}

/** Works on a descriptor that was checked, so a link swapped in is never followed, and nothing is opened for reading. */
export function setAttributes(place: Place, id: string, attributes: Attributes, expected?: Facts): Item {
  if (id === '') return setRootAttributes(place, attributes, expected)
  const name = nameOf(id)
  return within(place, parentOf(id), id, (folder) => {
    const stats = statsOf(folder, name)
    if (!stats) throw new ConnectorError('NotFound', 'does not exist', { id })
    if (expected) place.shape.require(expected, stats, id)
    const kind = place.shape.kind(stats)
    if (kind === 'special') throw new ConnectorError('Unsupported', 'a special file is left as it is', { id })
    if (kind === 'item' && stats.nlink > 1n)
      throw new ConnectorError('Unsupported', `has ${stats.nlink} names (hard links), which it would change too`, {
        id,
      })
    const plan = planOf(place, attributes, kind === 'container')
    if (kind === 'link') setOnLink(join(folder.base, name), plan, stats, id)
    else applyTo(place, { folder, name, stats }, plan)
    return afterwards(place, folder, name, attributes, expected)
  })
}

function setRootAttributes(place: Place, attributes: Attributes, expected: Facts | undefined): Item {
  return within(place, '', '', (root) => {
    const stats = statsOf(root, '.')
    if (expected) place.shape.require(expected, stats, '')
    const plan = planOf(place, attributes, true)
    if (stats) applyTo(place, { folder: root, name: '.', stats }, plan)
    return rootItem(place, root, attributes.permissions ? ['permissions'] : [])
  })
}

function setOnLink(path: string | Buffer, plan: Plan, stats: BigIntStats, id: string): void {
  if (plan.access) throw new ConnectorError('Unsupported', 'a symbolic link has no permissions', { id })
  if (plan.properties) throw new ConnectorError('Unsupported', 'a symbolic link has no extended attributes', { id })
  const { uid = -1, gid = -1, modified, accessed } = plan
  if (uid >= 0 || gid >= 0) lchownSync(path, uid, gid)
  if (modified === undefined && accessed === undefined) return
  const now = currently(stats)
  lutimesSync(path, accessed ?? now.accessed(), modified ?? now.modified())
}

/** The fingerprint tells of an ACL when permissions are part of what is being done, as the listing of such a job does. */
function afterwards(place: Place, folder: Folder, name: string, attributes: Attributes, expected?: Facts): Item {
  const stats = statsOf(folder, name)
  if (!stats) throw new ConnectorError('NotFound', 'was removed just now', { id: childId(folder.id, name) })
  const item = describe(place, { folder, name, stats }, [])
  if (item.kind === 'link' || !(attributes.permissions || expected?.facets?.includes('+'))) return item
  const print = place.access.print(folder, name, stats)
  if (print !== '') item.facets += `+${print}`
  return item
}
