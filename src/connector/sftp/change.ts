import type { Access, Attributes } from '../connector.ts'
import { ConnectorError } from '../errors.ts'
import type { Facts, Item, ItemKind } from '../item.ts'
import { modeCapOf, modeToMake } from '../fs/at_most.ts'
import { childId, nameOf, parentOf } from '../fs/ids.ts'
import { asRequest, planOf } from './attributes.ts'
import { list } from './list.ts'
import { itemAt, pathOf, requireStill, statsOf, type Place } from './place.ts'

export async function makeContainer(
  place: Place,
  container: string,
  name: string,
  access: Access = 'closed',
): Promise<Item> {
  const id = childId(container, name)
  place.checkName(name)
  const channel = await place.channel()
  return made(place, id, channel.mkdir(pathOf(place, id), modeFor(access, place.directory), id))
}

/** What was just made. The protocol has no word for a name that is taken: it is looked for. */
async function made(place: Place, id: string, making: Promise<void>): Promise<Item> {
  try {
    await making
  } catch (error) {
    if (await statsOf(place, id)) throw new ConnectorError('Conflict', 'something of that name exists', { id })
    throw error
  }
  return itemAt(place, id)
}

/** What the server makes of no mode at all is its own affair. */
function modeFor(access: Access, directory: string): { mode?: number } {
  if (access === 'platform') return {}
  return { mode: access === 'closed' ? 0o700 : modeToMake(modeCapOf(access, true, directory), true) }
}

/** The root of a job, with its missing parents; those hold nothing but the root, and nobody comes back to open them. */
export async function makeRoot(place: Place, id: string, access?: Access): Promise<Item> {
  const there = await statsOf(place, id)
  if (there) {
    if (place.shape.kind(there) === 'container') return itemAt(place, id)
    throw new ConnectorError('NotAContainer', `${JSON.stringify(nameOf(id))} is no folder`, { id })
  }
  if (id === '') throw new ConnectorError('RootGone', 'the root is gone')
  const parent = parentOf(id)
  await makeRoot(place, parent, 'platform')
  try {
    return await makeContainer(place, parent, nameOf(id), access)
  } catch (error) {
    // Somebody else made it just now.
    if (error instanceof ConnectorError && error.code === 'Conflict') return makeRoot(place, id, access)
    throw error
  }
}

export async function makeLink(place: Place, container: string, name: string, linkTarget: string): Promise<Item> {
  const id = childId(container, name)
  if (!place.capabilities.tree.links)
    throw new ConnectorError('Unsupported', 'links are not made on this server', { id })
  place.checkName(name)
  if (linkTarget === '' || linkTarget.includes('\0') || !linkTarget.isWellFormed() || linkTarget.includes('\uFFFD'))
    throw new ConnectorError('NameInvalid', 'is no target for a symbolic link', { id })
  const channel = await place.channel()
  return made(place, id, channel.symlink(linkTarget, pathOf(place, id), id))
}

/** Renames; never replaces: OpenSSH refuses a name that is taken, other servers are asked first. */
export async function move(
  place: Place,
  id: string,
  to: { container: string; name: string },
  expected: Facts,
): Promise<Item> {
  const newId = childId(to.container, to.name)
  place.checkName(to.name)
  if (newId === id) throw new ConnectorError('Conflict', 'has that name already', { id })
  if (newId.startsWith(`${id}/`)) throw new ConnectorError('Conflict', 'a folder cannot go into itself', { id })
  await requireStill(place, id, expected)
  if (await statsOf(place, newId)) throw new ConnectorError('Conflict', `${JSON.stringify(to.name)} exists`, { id })
  const channel = await place.channel()
  await channel.rename(pathOf(place, id), pathOf(place, newId), id)
  return itemAt(place, newId)
}

/** Neither request takes a folder with something in it, nor what a link leads to. */
export async function remove(place: Place, id: string, expected: Facts & { kind: ItemKind }): Promise<void> {
  if (id === '') throw new ConnectorError('AccessDenied', 'the root stays', { id })
  const stats = await statsOf(place, id)
  if (!stats) return
  const kind = place.shape.kind(stats)
  if (kind !== expected.kind)
    throw new ConnectorError('PreconditionFailed', `is a ${kind} now, not a ${expected.kind}`, { id })
  const difference = place.shape.difference(expected, stats)
  if (difference !== undefined)
    throw new ConnectorError('PreconditionFailed', `is no longer what was planned against: ${difference}`, { id })
  const channel = await place.channel()
  const path = pathOf(place, id)
  try {
    await (kind === 'container' ? channel.rmdir(path, id) : channel.unlink(path, id))
  } catch (error) {
    // The protocol has no word for a folder that holds something, and an answer that was lost may have been yes.
    if (!(await statsOf(place, id))) return
    if (kind === 'container' && (await holdsSomething(place, id)))
      throw new ConnectorError('Conflict', 'a folder with content is there', { id, cause: error })
    throw error
  }
}

async function holdsSomething(place: Place, id: string): Promise<boolean> {
  for await (const { items } of list(place, id, { want: [], requireRoot: async () => undefined }))
    if (items.length > 0) return true
  return false
}

export async function setAttributes(place: Place, id: string, attributes: Attributes, expected?: Facts): Promise<Item> {
  const { shape, directory } = place
  const there = await statsOf(place, id)
  if (!there) throw new ConnectorError('NotFound', 'does not exist', { id })
  const kind = shape.kind(there)
  const now = expected ? await requireStill(place, id, expected) : there
  if (kind === 'special') throw new ConnectorError('Unsupported', 'a special file is left as it is', { id })
  const plan = planOf(place, attributes, { container: kind === 'container', directory })
  const request = asRequest(plan, now)
  const channel = await place.channel()
  if (request && kind === 'link') {
    if (plan.mode !== undefined) throw new ConnectorError('Unsupported', 'a symbolic link has no permissions', { id })
    if (!channel.has('lsetstat@openssh.com'))
      throw new ConnectorError('Unsupported', 'this server would follow the link', { id })
    await channel.lsetstat(pathOf(place, id), request, id)
  } else if (request) await channel.setstat(pathOf(place, id), request, id)
  return itemAt(place, id)
}
