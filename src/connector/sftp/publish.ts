import { createHash } from 'node:crypto'
import type { Left, Session, Staged, Target } from '../connector.ts'
import { ConnectorError } from '../errors.ts'
import type { Item } from '../item.ts'
import { childId } from '../fs/ids.ts'
import type { Stats } from './channel.ts'
import { isNotFound, itemAt, pathOf, requireStill, statsOf, type Place } from './place.ts'
import { SftpReading } from './reading.ts'
import { stagingId } from './stage.ts'

/**
 * Gives a staged content its name, at once and whole. Where nothing may be: a rename, which OpenSSH refuses when the name is
 * taken; other servers are asked first, and a file made in that moment may be replaced by some of them. Where something is
 * replaced: a look, and `posix-rename` right after it. Without that extension the old one moves aside first and goes when
 * its successor has the name.
 */
export async function publish(place: Place, staged: Staged, target: Target): Promise<Item> {
  const { container, name, condition } = target
  const id = childId(container, name)
  if (staged.container !== container)
    throw new ConnectorError('PreconditionFailed', 'staged in another container than it is published in', { id })
  place.checkName(name)
  const way: Way = { staged, staging: stagingId(container, staged.key), id }
  if (condition === 'absent') await create(place, way)
  else {
    const ready = await statsOf(place, way.staging)
    if (!ready) {
      await requireOurs(place, way)
      // The answer to an earlier try may have been lost.
      await remove(place, asideOf(staged))
    } else {
      const there = await requireStill(place, id, condition)
      if (place.shape.kind(there) !== 'item') throw new ConnectorError('Conflict', 'is no file', { id })
      await takeOver(place, way, { ready, there, wantsAccess: target.want?.includes('permissions') ?? false })
      await replace(place, way)
    }
  }
  place.stagings.delete(staged.key)
  const item = await itemAt(place, id)
  if (item.kind === 'item' && item.sizeBytes === staged.sizeBytes) return item
  throw new ConnectorError('IntegrityMismatch', 'what was published is not what was staged', { id })
}

interface Way {
  staged: Staged
  staging: string
  id: string
}

/** Nothing is staged any more: it has its name already, or it is gone. */
async function requireOurs(place: Place, { staged, id }: Way): Promise<void> {
  if (!(await isOurs(place, id, staged)))
    throw new ConnectorError('IntegrityMismatch', 'what was staged is gone', { id })
}

async function create(place: Place, way: Way): Promise<void> {
  const { staging, id } = way
  const channel = await place.channel()
  const isFree = channel.has('hardlink@openssh.com') || !(await statsOf(place, id))
  try {
    if (isFree) return await channel.rename(pathOf(place, staging), pathOf(place, id), id)
  } catch (error) {
    if ((await statsOf(place, staging)) && !(await statsOf(place, id))) throw error
  }
  if (!(await statsOf(place, staging))) return requireOurs(place, way)
  throw new ConnectorError('Conflict', 'something of that name exists', { id })
}

async function replace(place: Place, { staging, id, staged }: Way): Promise<void> {
  const channel = await place.channel()
  const [from, to] = [pathOf(place, staging), pathOf(place, id)]
  if (channel.has('posix-rename@openssh.com')) return channel.posixRename(from, to, id)
  const aside = pathOf(place, asideOf(staged))
  await channel.rename(to, aside, id)
  try {
    await channel.rename(from, to, id)
  } catch (error) {
    // By way of a new connection, if it was this one that broke.
    await putBack(place, staged, id)
    throw error
  }
  await channel.unlink(aside, id)
}

function asideOf({ container, key }: Pick<Staged, 'container' | 'key'>): string {
  return childId(container, `.~${key}-old`)
}

/** What is replaced hands its owner and rights on, those aside that came with the content. Owners go first: giving away drops rights. */
async function takeOver(
  place: Place,
  { staged, staging }: Way,
  { ready, there, wantsAccess }: { ready: Stats; there: Stats; wantsAccess: boolean },
): Promise<void> {
  const channel = await place.channel()
  // Of a staging from before a death it is known only what the job asks for.
  const brought = place.stagings.get(staged.key) ?? { access: wantsAccess, owner: true }
  const isOwned = there.uid === ready.uid && there.gid === ready.gid
  if (!brought.owner && !isOwned && place.capabilities.owners.owner === 'readwrite')
    await channel.setstat(pathOf(place, staging), { uid: there.uid, gid: there.gid }, staging)
  const mode = there.mode & 0o777
  if (!brought.access && mode !== (ready.mode & 0o7777))
    await channel.setstat(pathOf(place, staging), { mode }, staging)
}

/**
 * What a death left of a staging. There is no identity to go by, so contents are read: neither a size nor a name says that
 * something is ours. A version that had been moved aside goes back to its name, if that is free.
 */
export async function reconcile(
  place: Place,
  staged: Staged,
  { container, name }: Target,
): Promise<Awaited<ReturnType<Session['reconcile']>>> {
  const id = childId(container, name)
  const staging = stagingId(container, staged.key)
  const isStaged = await isOurs(place, staging, staged)
  if (!isStaged && (await isOurs(place, id, staged))) {
    await remove(place, asideOf(staged))
    return { state: 'published', item: await itemAt(place, id) }
  }
  await putBack(place, staged, id)
  return { state: isStaged ? 'staged' : 'gone' }
}

async function putBack(place: Place, staged: Pick<Staged, 'container' | 'key'>, id: string): Promise<void> {
  const aside = asideOf(staged)
  if (!(await statsOf(place, aside)) || (await statsOf(place, id))) return
  const channel = await place.channel()
  await channel.rename(pathOf(place, aside), pathOf(place, id), id)
}

async function isOurs(place: Place, id: string, { sizeBytes, hash }: Staged): Promise<boolean> {
  const stats = await statsOf(place, id)
  if (!stats || place.shape.kind(stats) !== 'item' || BigInt(stats.size) !== sizeBytes) return false
  return (await hashOf(place, id)) === hash
}

async function hashOf(place: Place, id: string): Promise<string> {
  const channel = await place.channel()
  const reading = await SftpReading.open(channel, pathOf(place, id), { id, shape: place.shape, expected: undefined })
  const hash = createHash('sha256')
  try {
    const chunk = Buffer.allocUnsafe(256 * 1024)
    let at = 0n
    for (let n = await reading.read(chunk, at); n > 0; n = await reading.read(chunk, at)) {
      hash.update(chunk.subarray(0, n))
      at += BigInt(n)
    }
  } finally {
    await reading.close(true)
  }
  return hash.digest('hex')
}

/** Exactly the file of that key; a folder of such a name is not ours. */
export async function discard(place: Place, container: string, key: string, left: Left = {}): Promise<void> {
  // What was to be replaced, and moved aside right before the server went, goes back to its name.
  if (left.name !== undefined) await putBack(place, { container, key }, childId(container, left.name))
  await remove(place, stagingId(container, key))
  place.stagings.delete(key)
}

async function remove(place: Place, id: string): Promise<void> {
  const stats = await statsOf(place, id)
  if (!stats || place.shape.kind(stats) === 'container') return
  const channel = await place.channel()
  await channel.unlink(pathOf(place, id), id).catch((error: unknown) => {
    if (!isNotFound(error)) throw error
  })
}
