import {
  chmodSync,
  closeSync,
  fstatSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  renameSync,
  rmdirSync,
  unlinkSync,
} from 'node:fs'
import type { Access, Placing, StagedContainer } from '../connector.ts'
import { ConnectorError } from '../errors.ts'
import type { Item } from '../item.ts'
import { apply, justMade, planOf } from './attributes.ts'
import { modeCapOf, modeMade, modeToMake } from './at_most.ts'
import { changing } from './changing.ts'
import { flags } from '../local/flags.ts'
import type { Folder } from './folders.ts'
import { checkSegment, childId, join, parentOf } from './ids.ts'
import { statsOf } from './look.ts'
import { within, type Place } from './place.ts'
import { syncFolder } from './publish.ts'
import { stagingName, writeAll } from './stage.ts'
import { errno } from '../local/trouble.ts'

/** A new folder under a staging's name, beside where it will be: what is put in it is seen when it is published, all at once. */
export function stageContainer(place: Place, container: string, key: string, access: Access): StagedContainer {
  const name = stagingName(key)
  const id = childId(container, name)
  return changing(place, container, id, (folder) => {
    const path = folder.base + name
    try {
      makeFolder(place, path, access)
    } catch (error) {
      if (errno(error) !== 'EEXIST') throw error
      // Our own, of a process that died before it put anything in; with something in it, it is refused.
      rmdirSync(path)
      makeFolder(place, path, access)
    }
    place.folders.forget(id)
    const stats = statsOf(folder, name)
    if (!stats) throw new ConnectorError('NotFound', 'was removed as soon as it was made', { id })
    return { id, identity: place.shape.identity(stats) }
  })
}

/** @throws a system error: `EEXIST` most of all */
export function makeFolder(place: Place, path: string | Buffer, access: Access): void {
  if (typeof access === 'string') return void mkdirSync(path, access === 'closed' ? 0o700 : 0o777)
  const cap = modeCapOf(access, true, place.access.directory.name)
  mkdirSync(path, modeToMake(cap, true))
  if (cap.inGroup === undefined || cap.inGroup.mode === cap.mode) return
  const { mode, gid } = lstatSync(path)
  const now = mode & 0o7777
  const hasAcl = (): boolean => typeof path !== 'string' || place.access.hasAcl(path)
  const made = modeMade(cap, { mode: now, gid, container: true, hasAcl }) | (now & 0o700)
  if (made !== now) chmodSync(path, made)
}

/**
 * A whole small file under its final name. Five system calls: open, write, set times, look, close. What fails may leave
 * a part of it, so a folder in which this failed is not to be published.
 */
export function putInside(
  place: Place,
  container: string,
  name: string,
  { content, attributes, power }: Placing,
): Item {
  const id = childId(container, name)
  place.checkName(name)
  const { maxBytes } = place.settings
  if (maxBytes !== undefined && BigInt(content.length) > maxBytes)
    throw new ConnectorError('TooLarge', `${content.length} bytes; this connection takes at most ${maxBytes}`, { id })
  const plan = planOf(place, attributes, false)
  return within(place, container, id, (folder) => {
    // Nobody may read before the permissions are those asked for.
    const mode = plan.access ? 0o600 : plan.atMost ? modeToMake(plan.atMost, false) : 0o666
    const fd = openSync(join(folder.base, name), flags.create, mode)
    try {
      if (content.length > 0) writeAll(fd, content, 0)
      apply(place, fd, plan, justMade)
      if (power) fsyncSync(fd)
      const stats = fstatSync(fd, { bigint: true })
      if (stats.size !== BigInt(content.length))
        throw new ConnectorError('IntegrityMismatch', `${stats.size} bytes were staged, not ${content.length}`, { id })
      const item = place.shape.item(id, name, stats)
      // As the listing of a job with permissions will have it.
      const print = plan.access?.named === undefined ? '' : place.access.print(folder, name, stats)
      if (print !== '') item.facets += `+${print}`
      return item
    } finally {
      closeSync(fd)
    }
  })
}

/**
 * Gives a staged folder its name, unless something has it. rename replaces nothing but an empty folder, and for that there
 * is a look before it: an empty folder that somebody makes in the microseconds between the two is replaced.
 */
export function publishContainer(
  place: Place,
  { id, identity }: StagedContainer,
  { container, name, power }: { container: string; name: string; power: boolean },
): void {
  const newId = childId(container, name)
  place.checkName(name)
  if (parentOf(id) !== container)
    throw new ConnectorError('PreconditionFailed', 'staged in another container than it is published in', { id })
  const temporary = id.slice(id.lastIndexOf('/') + 1)
  changing(place, container, newId, (folder) => {
    if (statsOf(folder, name)) throw new ConnectorError('Conflict', `${JSON.stringify(name)} exists`, { id: newId })
    requireStaged(place, folder, temporary, identity)
    const path = join(folder.base, name)
    if (power) syncFolder({ id, base: `${folder.base}${temporary}/`, above: folder })
    try {
      renameSync(folder.base + temporary, path)
    } catch (error) {
      if (errno(error) === 'ENOTDIR')
        throw new ConnectorError('Conflict', `${JSON.stringify(name)} exists`, { id: newId })
      throw error
    }
    place.folders.forget(id)
    place.folders.forget(newId)
    requireStaged(place, folder, name, identity)
    if (power) syncFolder(folder)
  })
}

/** Something else under the name, a link most of all, was put there by somebody. */
function requireStaged(place: Place, folder: Folder, name: string, identity: string): void {
  const stats = statsOf(folder, name)
  if (stats?.isDirectory() && place.shape.identity(stats) === identity) return
  throw new ConnectorError('IntegrityMismatch', 'the folder that was staged is gone or another one', {
    id: childId(folder.id, name),
  })
}

/**
 * Removes these names from the staged folder of a key, then the folder. Whatever else is in it stays, and so does the
 * folder; a file or link that has the folder's name is not ours at all.
 *
 * @returns false when it stays
 */
export function discardContainer(place: Place, container: string, key: string, names: readonly string[]): boolean {
  const name = stagingName(key)
  const id = childId(container, name)
  try {
    return changing(place, container, id, (above) => {
      if (statsOf(above, name)?.isDirectory() !== true) return true
      place.folders.forget(id)
      if (names.length > 0) removeFrom(place, id, names)
      place.folders.forget(id)
      return removeEmpty(above.base + name)
    })
  } catch (error) {
    if (errno(error) === 'NotFound') return true
    throw error
  }
}

function removeFrom(place: Place, id: string, names: readonly string[]): void {
  for (const name of names) {
    checkSegment(name, childId(id, name))
    if (name.includes('/')) throw new ConnectorError('Escapes', 'is no name', { id })
    within(place, id, childId(id, name), (folder) => {
      if (statsOf(folder, name)?.isFile()) unlinkSync(join(folder.base, name))
    })
  }
}

function removeEmpty(path: string): boolean {
  try {
    rmdirSync(path)
    return true
  } catch (error) {
    if (errno(error) === 'ENOENT') return true
    if (errno(error) === 'ENOTEMPTY' || errno(error) === 'EEXIST') return false
    throw error
  }
}
