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
import { RangeReading, readWhole } from '../http/range_reading.ts'
import type { Facet, Facts, Item, ItemKind } from '../item.ts'
import { nameGate } from '../local/names.ts'
import { Addresses, childId, idOfPath, splitId } from './addresses.ts'
import { requireSame, timed } from './attributes.ts'
import { capabilitiesOf, notesOf } from './capabilities.ts'
import { makeContainer, move, remove } from './change.ts'
import { DavClient } from './client.ts'
import { refuseAttributes, Shape } from './facts.ts'
import { list } from './list.ts'
import { contentOf, itemAt, type Place } from './place.ts'
import { Publishing } from './publish.ts'
import { quota, roomIn } from './quota.ts'
import { serverAt } from './server.ts'
import type { WebdavSettings } from './settings.ts'
import { Transactions } from './transactions.ts'

/** Apache writes what it is just getting under such a name, and lists none. */
const apacheAtWork = '.davfs.tmp'

/** A collection of a WebDAV server, or of a Subversion repository. Any number of calls at once: what one of them needs is its own. */
export class WebdavSession implements Session {
  readonly capabilities: Capabilities
  readonly notes: readonly CapabilityNote[]
  readonly account = undefined
  readonly #place: Place
  readonly #publishing: Publishing

  /** @throws ConnectorError */
  static async open(settings: WebdavSettings, limiter?: Limiter): Promise<WebdavSession> {
    const { collection, username, password, token } = settings
    const addresses = new Addresses(collection)
    const connection = { ...settings, origin: addresses.origin, credentials: { user: username, password, token } }
    const client = new DavClient(connection, limiter)
    try {
      const server = await serverAt(client, addresses, settings)
      const shape = new Shape(server, settings)
      const told = await client.look(addresses.path(''), [...shape.asked, ...quota])
      if (!told) throw new ConnectorError('RootGone', `there is nothing at ${addresses.path('')}`)
      if (shape.item('', told).kind !== 'container')
        throw new ConnectorError('Misconfigured', `url: ${addresses.path('')} is no collection`)
      const room = roomIn(told)
      const capabilities = capabilitiesOf(server, settings)
      const isOfRules = nameGate(capabilities.names)
      const place: Place = {
        ...{ client, addresses, server, shape, settings, hasQuota: room !== undefined },
        transactions: server.kind === 'svn' ? new Transactions(client, addresses, server.repository) : undefined,
        checkName(name) {
          isOfRules(name)
          if (server.kind === 'apache' && name.startsWith(apacheAtWork))
            throw new ConnectorError('NameInvalid', `${JSON.stringify(name)} is how Apache calls what it is at work on`)
        },
      }
      return new WebdavSession(place, capabilities, notesOf(server, settings, room))
    } catch (error) {
      await client.close()
      throw error
    }
  }

  private constructor(place: Place, capabilities: Capabilities, notes: readonly CapabilityNote[]) {
    this.#place = place
    this.#publishing = new Publishing(place)
    this.capabilities = capabilities
    this.notes = notes
  }

  async resolve(path: string): Promise<ResolvedRoot> {
    const id = idOfPath(path)
    const { addresses } = this.#place
    const segments = addresses.segments(id)
    const { host } = new URL(addresses.origin)
    const at = (depth: number): string => `webdav:${host}/${segments.slice(0, depth).join('/')}`
    const above = segments.map((_, n) => at(segments.length - 1 - n))
    return { place: at(segments.length), above, exists: (await itemAt(this.#place, id)) !== null }
  }

  async root(path: string): Promise<Item | null> {
    const id = idOfPath(path)
    const found = await itemAt(this.#place, id)
    if (!found && id !== '') await this.#requireRoot()
    if (found && found.kind !== 'container') throw new ConnectorError('NotAContainer', 'is a file', { id })
    if (!found && id === '') throw new ConnectorError('RootGone', 'the collection of the connection is gone')
    return found
  }

  async makeRoot(path: string): Promise<Item> {
    const id = idOfPath(path)
    const there = await this.root(id).catch((error: unknown) => {
      // Of its parents one may be a file; that is told on the way down.
      if (id !== '' && error instanceof ConnectorError && error.code === 'ItemFailed') return null
      throw error
    })
    if (there) return there
    const { parent, name } = splitId(id)
    await this.makeRoot(parent)
    try {
      return await makeContainer(this.#place, parent, name)
    } catch (error) {
      // Somebody else made it just now.
      if (error instanceof ConnectorError && error.code === 'Conflict') return this.makeRoot(path)
      throw error
    }
  }

  childId(parent: string, name: string): string {
    return childId(parent, name)
  }

  async *list(id: string, want: readonly Facet[]): AsyncGenerator<Page> {
    refuseFacets(want)
    yield* list(this.#place, id)
  }

  async stat(id: string, want: readonly Facet[]): Promise<Item | null> {
    refuseFacets(want)
    return itemAt(this.#place, id)
  }

  async open(id: string, expected?: Facts): Promise<Reading> {
    const source = contentOf(this.#place, id)
    if (expected) {
      // Nothing is asked before the first byte is, but whether it is there.
      const reading = new RangeReading(source, expected.sizeBytes, expected)
      await reading.begin()
      return reading
    }
    const found = await source.look()
    if (!found) throw new ConnectorError('NotFound', 'there is no such file', { id })
    return new RangeReading(source, found.sizeBytes)
  }

  readWhole(id: string, expected: Facts, into: Uint8Array): Promise<void> {
    return readWhole(contentOf(this.#place, id), expected, into)
  }

  stage(spec: StageSpec): Promise<Staging> {
    return this.#publishing.stage(spec)
  }

  reconcile(staged: Staged, target: Target): ReturnType<Publishing['reconcile']> {
    return this.#publishing.reconcile(staged, target)
  }

  publish(staged: Staged, target: Target): Promise<Item> {
    refuseFacets(target.want ?? [])
    return this.#publishing.publish(staged, target)
  }

  discard(container: string, key: string, _left?: Left): Promise<void> {
    return this.#publishing.discard(container, key)
  }

  makeContainer(container: string, name: string): Promise<Item> {
    return makeContainer(this.#place, container, name)
  }

  makeLink(): never {
    throw new ConnectorError('Unsupported', 'WebDAV holds no links')
  }

  move(id: string, container: string, name: string, expected: Facts): Promise<Item> {
    return move(this.#place, id, { container, name }, expected)
  }

  remove(id: string, expected: Facts & { kind: ItemKind }): Promise<void> {
    return remove(this.#place, id, expected)
  }

  async setAttributes(id: string, attributes: Attributes, expected?: Facts): Promise<Item> {
    refuseAttributes(attributes, this.#place.settings)
    return timed(this.#place, id, attributes.modifiedNs, (item) => {
      if (expected) requireSame(item, expected)
      if (item.kind === 'container' && attributes.modifiedNs !== undefined && !this.capabilities.times.containers)
        throw new ConnectorError('Unsupported', 'a folder here has no time of its own', { id })
    })
  }

  async close(): Promise<void> {
    await this.#place.client.close()
  }

  async #requireRoot(): Promise<void> {
    if (!(await itemAt(this.#place, '')))
      throw new ConnectorError('RootGone', 'the collection of the connection is gone')
  }
}

function refuseFacets(want: readonly Facet[]): void {
  const [lacking] = want
  if (lacking) throw new ConnectorError('Unsupported', `WebDAV tells no ${lacking} in a listing`)
}
