import { createHash } from 'node:crypto'
import { closeSync, fsyncSync, linkSync, openSync, readSync, renameSync } from 'node:fs'
import type { Staged, Target } from '../connector.ts'
import { ConnectorError } from '../errors.ts'
import type { Item } from '../item.ts'
import { changing } from './changing.ts'
import { claim, isClaimed, remove, retract, unclaim } from './claim.ts'
import { flags } from '../local/flags.ts'
import type { Folder } from './folders.ts'
import { childId, join } from './ids.ts'
import { describe, statsOf, type Found } from './look.ts'
import type { Place } from './place.ts'
import { stagingName } from './stage.ts'
import { takeOver } from './take_over.ts'
import { errno, knowsNoLinks, refusesLink } from '../local/trouble.ts'

/**
 * Gives a staged content its name, at once and whole. Doing it again after a death half-way ends the same.
 *
 * Where nothing may be there: a hard link, which fails if somebody got there first; without hard links a `Claim`, and a
 * rename over it. Where something is replaced: rename, right after a last look; a write in the microseconds between the two
 * is lost, as Linux offers no conditional rename to Node.
 */
export function publish(place: Place, staged: Staged, target: Target): Item {
  const { container, name, condition } = target
  const temporary = stagingName(staged.key)
  const id = childId(container, name)
  if (staged.container !== container)
    throw new ConnectorError('PreconditionFailed', 'staged in another container than it is published in', { id })
  place.checkName(name)
  const item = changing(place, container, id, (folder) => {
    const way = { staged, temporary, folder, name, id }
    place.caseCollisions?.refuse(folder, name)
    if (condition === 'absent') create(place, way)
    else {
      const there = statsOf(folder, name)
      if (there && isStaged(place, way, there)) removeOurs(place, way)
      else {
        place.shape.require(condition, there, id)
        if (!there.isFile()) throw new ConnectorError('Conflict', 'is no file', { id })
        const ready = statsOf(folder, temporary)
        if (!ready || !isStaged(place, way, ready))
          throw new ConnectorError('IntegrityMismatch', 'what was staged is gone or no longer the same', { id })
        // Of a staging from before a death it is known only what the job asks for.
        const brought = place.stagings.get(staged.key) ?? { owner: true, access: wantsAcl(target) }
        takeOver(place, folder, [temporary, ready], [name, there], brought)
        renameSync(folder.base + temporary, join(folder.base, name))
      }
    }
    return confirmed(place, way, target)
  })
  place.stagings.delete(staged.key)
  return item
}

interface Way {
  staged: Staged
  temporary: string
  folder: Folder
  name: string
  id: string
}

function create(place: Place, way: Way): void {
  const { folder, temporary, name } = way
  if (!place.hardLinks) return createUnlessThere(place, way)
  try {
    linkSync(folder.base + temporary, join(folder.base, name))
  } catch (error) {
    const number = errno(error)
    if (number === 'EEXIST' || number === 'ENOENT') {
      // Linked already, by a process that died before it could unlink or tell.
      if (isThere(place, way)) return removeOurs(place, way)
      // That the name is taken is found out before that there are no hard links.
      if (isClaimed(place, { folder, name, key: way.staged.key })) return createByPlaceholder(place, way)
      throw error
    }
    if (!refusesLink(number)) throw error
    place.hardLinks = !knowsNoLinks(number)
    return createUnlessThere(place, way)
  }
  remove(folder.base + temporary)
}

function isThere(place: Place, way: Way): boolean {
  const there = statsOf(way.folder, way.name)
  return there !== undefined && isStaged(place, way, there)
}

function createUnlessThere(place: Place, way: Way): void {
  if (isThere(place, way)) removeOurs(place, way)
  else createByPlaceholder(place, way)
}

/** Until the rename the placeholder can be seen; somebody who replaces it in just that moment is overwritten. */
function createByPlaceholder(place: Place, { folder, temporary, name, id, staged: { key } }: Way): void {
  if (!statsOf(folder, temporary)) throw new ConnectorError('NotFound', 'what was staged is gone', { id })
  claim(place, { folder, name, key })
  if (!isClaimed(place, { folder, name, key }))
    throw new ConnectorError('Conflict', 'somebody else took the name', { id })
  renameSync(folder.base + temporary, join(folder.base, name))
  retract(folder, key)
}

/** What has the name now must be what was staged; anything else was put under the temporary name by somebody. */
function confirmed(place: Place, way: Way, target: Target): Item {
  const { folder, name, id, staged } = way
  const stats = statsOf(folder, name)
  // Left where it is: it may as well be the work of somebody who was quick.
  if (!stats || !isStaged(place, way, stats))
    throw new ConnectorError('IntegrityMismatch', 'what was published is not what was staged', { id })
  place.caseCollisions?.made(folder, name)
  const how = place.stagings.get(staged.key)
  if (how?.power) syncFolder(folder)
  return published(place, { folder, name, stats }, how?.acl ?? wantsAcl(target))
}

/** For what another session staged, which alone knows whether there is an ACL. */
function wantsAcl({ want }: Target): boolean {
  return want?.includes('permissions') ?? false
}

/** Its fingerprint tells of the ACL that was asked for, as the listing of a job with permissions will. */
function published(place: Place, found: Found, acl: boolean): Item {
  const item = describe(place, found, [])
  const print = acl ? place.access.print(found.folder, found.name, found.stats) : ''
  if (print !== '') item.facets += `+${print}`
  return item
}

function isStaged(place: Place, { staged }: Way, stats: Found['stats']): boolean {
  if (!stats.isFile() || stats.size !== staged.sizeBytes) return false
  return staged.identity === undefined || place.shape.identity(stats) === staged.identity
}

/** The second name of what is published already, or what announced it. */
function removeOurs(place: Place, way: Way): void {
  const there = statsOf(way.folder, way.temporary)
  if (there && isStaged(place, way, there)) remove(way.folder.base + way.temporary)
  retract(way.folder, way.staged.key)
}

export function syncFolder(folder: Folder): void {
  const fd = openSync(folder.base, flags.folder)
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

/**
 * What a death left of a staging. Neither answer is believed without reading the content: a power cut leaves files of the
 * right size and inode full of zeros. Something else under the target's name is not ours to judge: it stays, and the
 * condition of the next `publish` meets it.
 */
export function reconcile(
  place: Place,
  staged: Staged,
  target: Target,
): { state: 'staged' } | { state: 'published'; item: Item } | { state: 'gone' } {
  const { container, name } = target
  const temporary = stagingName(staged.key)
  const id = childId(container, name)
  try {
    return changing(place, container, id, (folder) => {
      const way = { staged, temporary, folder, name, id }
      const there = statsOf(folder, name)
      if (there && isStaged(place, way, there) && hashOf(folder, name) === staged.hash) {
        removeOurs(place, way)
        const stats = statsOf(folder, name)
        if (stats) return { state: 'published', item: published(place, { folder, name, stats }, wantsAcl(target)) }
      }
      const left = statsOf(folder, temporary)
      if (left && isStaged(place, way, left) && hashOf(folder, temporary) === staged.hash) return { state: 'staged' }
      if (isClaimed(place, { folder, name, key: staged.key })) remove(join(folder.base, name))
      retract(folder, staged.key)
      return { state: 'gone' }
    })
  } catch (error) {
    if (errno(error) === 'NotFound') return { state: 'gone' }
    throw error
  }
}

const chunk = Buffer.allocUnsafeSlow(1 << 18)

function hashOf(folder: Folder, name: string): string {
  const fd = openSync(join(folder.base, name), flags.read)
  try {
    const hash = createHash('sha256')
    for (let n = readSync(fd, chunk); n > 0; n = readSync(fd, chunk)) hash.update(chunk.subarray(0, n))
    return hash.digest('hex')
  } finally {
    closeSync(fd)
  }
}

/** Exactly the file of that key, and the name it had claimed; a folder of such a name is not ours. */
export function discard(place: Place, container: string, key: string): void {
  const name = stagingName(key)
  try {
    changing(place, container, childId(container, name), (folder) => {
      // First, as what was staged tells whether an empty file is the placeholder.
      unclaim(place, folder, key)
      if (statsOf(folder, name)?.isDirectory() === false) remove(folder.base + name)
    })
  } catch (error) {
    if (errno(error) !== 'NotFound') throw error
  }
  place.stagings.delete(key)
}
