import type { Capabilities, CapabilityNote } from '../capabilities.ts'
import type {
  Attributes,
  Left,
  Limiter,
  Page,
  Reading,
  ResolvedRoot,
  Session,
  Staged,
  StageSpec,
  Staging,
  Target,
} from '../connector.ts'
import { ConnectorError } from '../errors.ts'
import type { Facet, Facts, Item, ItemKind } from '../item.ts'
import { idOfPath, splitId } from '../webdav/addresses.ts'
import { Chunks } from './chunks.ts'
import { isAsExpected, itemOf, secondsOf } from './facts.ts'
import { NewFolders } from './new_folders.ts'
import { Publishing } from './publish.ts'
import { Puts } from './puts.ts'
import { OwncloudReading, readWhole } from './reading.ts'
import { Server } from './server.ts'
import type { OwncloudSettings } from './settings.ts'
import { Tus } from './tus.ts'

const pageItems = 1000

/** A space, or what is below a folder of it. Any number of calls at once: what one of them needs is its own. */
export class OwncloudSession implements Session {
  readonly capabilities: Capabilities
  readonly notes: readonly CapabilityNote[]
  readonly account = undefined
  readonly newContainers?: NewFolders
  readonly #server: Server
  readonly #publishing: Publishing

  /** @throws ConnectorError */
  static async open(settings: OwncloudSettings, limiter?: Limiter): Promise<OwncloudSession> {
    const server = await Server.open(settings, limiter)
    try {
      const root = await server.entry('')
      if (!root?.isContainer) throw new ConnectorError('RootGone', 'root: there is no such folder')
      return new OwncloudSession(server)
    } catch (error) {
      await server.client.close()
      throw error
    }
  }

  private constructor(server: Server) {
    const { dialect, insecure } = server.settings
    this.capabilities = server.capabilities
    this.notes = insecure
      ? [{ capability: 'transport', why: 'insecure is set: whoever answers is believed to be the server' }]
      : []
    this.#server = server
    const puts = new Puts(server)
    this.#publishing = new Publishing(server, dialect === 'ocis' ? new Tus(server) : new Chunks(server), puts)
    if (dialect === 'ocis') this.newContainers = new NewFolders(server, puts)
  }

  async resolve(path: string): Promise<ResolvedRoot> {
    const id = idOfPath(path)
    const names = [this.#server.place, id].filter(Boolean).join('/').split('/')
    const [place = '', ...above] = Array.from({ length: names.length - 1 }, (_, n) =>
      names.slice(0, names.length - n).join('/'),
    )
    return { place, above, exists: (await this.#server.entry(id))?.isContainer ?? false }
  }

  async root(path: string): Promise<Item | null> {
    const found = await this.stat(idOfPath(path), [])
    if (found?.kind === 'item') throw new ConnectorError('NotAContainer', 'is a file', { id: found.id })
    return found
  }

  async makeRoot(path: string): Promise<Item> {
    let id = ''
    for (const name of idOfPath(path).split('/').filter(Boolean)) {
      const parent = id
      id = this.#server.childId(parent, name)
      if (await this.root(id)) continue
      await this.makeContainer(parent, name).catch(unlessThere)
    }
    const made = await this.root(id)
    if (!made) throw new ConnectorError('NotFound', 'is gone', { id })
    return made
  }

  childId(parent: string, name: string): string {
    return this.#server.childId(parent, name)
  }

  async *list(id: string, want: readonly Facet[]): AsyncGenerator<Page> {
    refuseFacets(want)
    let items: Item[] = []
    for await (const entry of this.#server.children(id)) {
      if (items.length === pageItems) {
        yield { items, complete: false }
        items = []
      }
      items.push(itemOf(this.#server.childId(id, entry.name), entry))
    }
    yield { items, complete: true }
  }

  async stat(id: string, want: readonly Facet[]): Promise<Item | null> {
    refuseFacets(want)
    const entry = await this.#server.entry(id)
    return entry && itemOf(id, entry)
  }

  async open(id: string, expected?: Facts): Promise<Reading> {
    const sizeBytes = expected?.sizeBytes ?? (await this.#file(id)).sizeBytes
    const reading = new OwncloudReading(this.#server, id, { sizeBytes, expected })
    if (expected) await reading.begin()
    return reading
  }

  readWhole(id: string, expected: Facts, into: Uint8Array): Promise<void> {
    return readWhole(this.#server, id, expected, into)
  }

  async stage(spec: StageSpec): Promise<Staging> {
    this.#server.refuse(spec.attributes)
    return this.#publishing.stage(spec)
  }

  reconcile(staged: Staged, target: Target): ReturnType<Publishing['reconcile']> {
    return this.#publishing.reconcile(staged, target)
  }

  publish(staged: Staged, target: Target): Promise<Item> {
    refuseFacets(target.want ?? [])
    return this.#publishing.publish(staged, target)
  }

  discard(container: string, key: string, left?: Left): Promise<void> {
    return this.#publishing.discard(container, key, left)
  }

  async makeContainer(container: string, name: string): Promise<Item> {
    this.#server.checkName(name)
    const id = this.#server.childId(container, name)
    await this.#server.makeFolder(id)
    return this.#known(id)
  }

  makeLink(): never {
    throw new ConnectorError('Unsupported', 'ownCloud holds no symbolic links')
  }

  async move(id: string, container: string, name: string, expected: Facts): Promise<Item> {
    this.#server.checkName(name)
    const to = this.#server.childId(container, name)
    await this.#require(id, expected)
    await this.#server.move(id, to)
    return this.#known(to)
  }

  /** What is removed lies in the trash, with all that came into it in the meantime: the server asks no condition. */
  async remove(id: string, expected: Facts & { kind: ItemKind }): Promise<void> {
    if (id === '') throw new ConnectorError('AccessDenied', 'the root stays', { id })
    const now = await this.stat(id, [])
    if (!now) return
    if (now.kind !== expected.kind)
      throw new ConnectorError('PreconditionFailed', `is a ${now.kind} now, not a ${expected.kind}`, { id })
    if (!isStill(now, expected)) throw new ConnectorError('PreconditionFailed', 'is not what it was', { id })
    if (now.kind === 'container')
      for await (const { name } of this.#server.children(id))
        throw new ConnectorError('Conflict', `holds something, ${JSON.stringify(name)} for one`, { id })
    await this.#server.remove(id)
  }

  /** A time comes with a content and in no other way, so the content is sent once more; the former is kept as its version. */
  async setAttributes(id: string, attributes: Attributes, expected?: Facts): Promise<Item> {
    this.#server.refuse(attributes)
    const now = expected ? await this.#require(id, expected) : await this.#known(id)
    const { modifiedNs } = attributes
    if (
      modifiedNs === undefined ||
      (now.modifiedNs !== undefined && secondsOf(modifiedNs) === secondsOf(now.modifiedNs))
    )
      return now
    if (now.kind === 'container') throw new ConnectorError('Unsupported', 'a folder takes no time', { id })
    return this.#publishing.again(now, attributes)
  }

  async close(): Promise<void> {
    await this.#server.client.close()
  }

  async #require(id: string, expected: Facts): Promise<Item> {
    const now = await this.stat(id, [])
    if (!now || !isStill(now, expected)) throw new ConnectorError('PreconditionFailed', 'is not what it was', { id })
    return now
  }

  async #known(id: string): Promise<Item> {
    const item = await this.stat(id, [])
    if (!item) throw new ConnectorError('NotFound', 'is gone', { id })
    return item
  }

  async #file(id: string): Promise<Item> {
    const item = await this.#known(id)
    if (item.kind !== 'item')
      throw new ConnectorError('NotFound', `${JSON.stringify(splitId(id).name)} is no file`, { id })
    return item
  }
}

/** A folder is itself whatever is in it. */
function isStill(now: Item, expected: Facts): boolean {
  return now.kind === 'container' ? now.identity === expected.identity : isAsExpected(now, expected)
}

function unlessThere(error: unknown): void {
  if (!(error instanceof ConnectorError) || error.code !== 'Conflict') throw error
}

function refuseFacets(want: readonly Facet[]): void {
  const [lacking] = want
  if (lacking) throw new ConnectorError('Unsupported', `ownCloud tells no ${lacking} in a listing`)
}
