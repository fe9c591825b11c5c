import type { Capabilities, CapabilityNote } from '../capabilities.ts'
import type {
  Access,
  Attributes,
  Directory,
  Left,
  Page,
  ResolvedRoot,
  Session,
  Staged,
  StageSpec,
  Target,
} from '../connector.ts'
import { ConnectorError } from '../errors.ts'
import type { Facet, Facts, Item, ItemKind } from '../item.ts'
import { childId, idOfPath } from '../fs/ids.ts'
import { nameGate } from '../local/names.ts'
import { Accounts } from './accounts.ts'
import { capabilitiesOf } from './capabilities.ts'
import { makeContainer, makeLink, makeRoot, move, remove, setAttributes } from './change.ts'
import { Channel } from './channel.ts'
import { list } from './list.ts'
import { ifNotFound, pathOf, statsOf, type Place } from './place.ts'
import { discard, publish, reconcile } from './publish.ts'
import { SftpReading } from './reading.ts'
import type { SftpSettings } from './settings.ts'
import { Shape } from './shape.ts'
import { stage, type SftpStaging } from './stage.ts'

/** A folder on an SFTP server. One connection serves all that is under way; a lost one is opened again by whoever comes next. */
export class SftpSession implements Session {
  readonly capabilities: Capabilities
  readonly notes: readonly CapabilityNote[]
  readonly account = undefined
  readonly directory: Directory
  readonly flush?: (id: string) => Promise<void>
  readonly #place: Place
  readonly #hostKey: string
  readonly #connect: () => Promise<Channel>
  #channel: Promise<Channel>

  private constructor(
    settings: SftpSettings,
    channel: Channel,
    { base, accounts }: { base: string; accounts: Accounts },
  ) {
    const { capabilities, notes } = capabilitiesOf(channel, accounts, settings.username)
    this.capabilities = capabilities
    this.notes = notes
    this.directory = accounts
    this.#hostKey = channel.hostKey
    this.#channel = Promise.resolve(channel)
    this.#connect = () => Channel.open(settings)
    this.#place = {
      channel: () => this.#connected(),
      base,
      capabilities,
      shape: new Shape(accounts),
      directory: accounts.name,
      checkName: nameGate(capabilities.names),
      stagings: new Map(),
    }
    if (channel.has('fsync@openssh.com')) this.flush = (id) => this.#flush(id)
  }

  /** @throws ConnectorError `RootGone`, and those of {@link Channel.open} */
  static async open(settings: SftpSettings): Promise<SftpSession> {
    const channel = await Channel.open(settings)
    try {
      const { root } = settings
      const real = await channel.realpath(root, '').catch(ifNotFound(undefined))
      const stats = real === undefined ? undefined : await channel.lstat(real, '').catch(ifNotFound(undefined))
      if (real === undefined || !stats) throw new ConnectorError('RootGone', `the root ${root} does not exist`)
      const accounts = await Accounts.of(channel, `sftp:${channel.hostKey}`)
      return new SftpSession(settings, channel, { base: real === '/' ? '' : real, accounts })
    } catch (error) {
      channel.close()
      throw error
    }
  }

  async resolve(path: string): Promise<ResolvedRoot> {
    const id = idOfPath(path)
    const exists = (await statsOf(this.#place, id)) !== undefined
    const segments = pathOf(this.#place, id)
      .split('/')
      .filter((segment) => segment !== '')
    const placeOf = (depth: number): string => `sftp:${this.#hostKey}:/${segments.slice(0, depth).join('/')}`
    const above = segments.map((_, i) => placeOf(segments.length - 1 - i))
    return { place: placeOf(segments.length), above, exists }
  }

  async root(path: string): Promise<Item | null> {
    const id = idOfPath(path)
    await this.#requireRoot()
    const item = await this.stat(id, [])
    if (!item || item.kind === 'container') return item
    throw new ConnectorError(item.kind === 'link' ? 'Escapes' : 'NotAContainer', `${path} is no folder`, { id })
  }

  makeRoot(path: string, access?: Access): Promise<Item> {
    return makeRoot(this.#place, idOfPath(path), access)
  }

  childId(parent: string, name: string): string {
    return childId(parent, name)
  }

  list(container: string, want: readonly Facet[]): AsyncGenerator<Page> {
    refuseFacets(want)
    return list(this.#place, container, { want, requireRoot: () => this.#requireRoot() })
  }

  async stat(id: string, want: readonly Facet[]): Promise<Item | null> {
    refuseFacets(want)
    const stats = await statsOf(this.#place, id)
    if (!stats) return null
    return this.#place.shape.item(await this.#connected(), pathOf(this.#place, id), { id, stats }, want)
  }

  async open(id: string, expected?: Facts): Promise<SftpReading> {
    const { shape } = this.#place
    return SftpReading.open(await this.#connected(), pathOf(this.#place, id), { id, shape, expected })
  }

  stage(spec: StageSpec): Promise<SftpStaging> {
    return stage(this.#place, spec)
  }

  reconcile(staged: Staged, target: Target) {
    return reconcile(this.#place, staged, target)
  }

  publish(staged: Staged, target: Target): Promise<Item> {
    return publish(this.#place, staged, target)
  }

  discard(container: string, key: string, left?: Left): Promise<void> {
    return discard(this.#place, container, key, left)
  }

  makeContainer(container: string, name: string, _key: string, access?: Access): Promise<Item> {
    return makeContainer(this.#place, container, name, access)
  }

  makeLink(container: string, name: string, linkTarget: string): Promise<Item> {
    return makeLink(this.#place, container, name, linkTarget)
  }

  move(id: string, container: string, name: string, expected: Facts): Promise<Item> {
    return move(this.#place, id, { container, name }, expected)
  }

  remove(id: string, expected: Facts & { kind: ItemKind }): Promise<void> {
    return remove(this.#place, id, expected)
  }

  setAttributes(id: string, attributes: Attributes, expected?: Facts): Promise<Item> {
    return setAttributes(this.#place, id, attributes, expected)
  }

  async close(): Promise<void> {
    const channel = await this.#channel.catch(() => undefined)
    channel?.close()
  }

  /** Of a file; what else there is lies in its folder, which the protocol can't flush. */
  async #flush(id: string): Promise<void> {
    const stats = await statsOf(this.#place, id)
    if (!stats || this.#place.shape.kind(stats) !== 'item') return
    const channel = await this.#connected()
    const handle = await channel.open(pathOf(this.#place, id), 'r', id)
    try {
      await channel.fsync(handle, id)
    } finally {
      await channel.closeHandle(handle, id)
    }
  }

  async #requireRoot(): Promise<void> {
    if (!(await statsOf(this.#place, ''))) throw new ConnectorError('RootGone', 'the root is gone')
  }

  /** Of all who find it lost, the first opens it again. */
  async #connected(): Promise<Channel> {
    const opened = this.#channel
    const channel = await opened.catch(() => undefined)
    if (channel && !channel.isLost) return channel
    if (this.#channel === opened) this.#channel = this.#connect()
    return this.#channel
  }
}

function refuseFacets(want: readonly Facet[]): void {
  for (const facet of want)
    if (facet === 'hash' || facet === 'metadata')
      throw new ConnectorError('Unsupported', `SFTP says nothing of ${facet === 'hash' ? 'hashes' : 'properties'}`)
}
