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
import { capabilitiesOf, largestSingleBytes, type Bucket } from './capabilities.ts'
import { Client } from './client.ts'
import { copyObject } from './copy.ts'
import { container as containerItem, isAsExpected, itemOf, keptHeaders, refuseAttributes } from './facts.ts'
import { childId, idOfPath, Keys, splitId } from './keys.ts'
import { list } from './list.ts'
import { Names } from './names.ts'
import { Objects, type Found } from './objects.ts'
import { Publishing } from './publish.ts'
import { contentOf } from './reading.ts'
import type { S3Settings } from './settings.ts'
import { Uploads } from './uploads.ts'
import { parseXml, textOf } from './xml.ts'

/** Of what was moved: where it was. A copy that is there although its origin is too was made by who died in between. */
const movedFrom = 'x-amz-meta-stevedore-moved-from'

/** One bucket, or what is under a prefix of it. Any number of calls at once: what one of them needs is its own. */
export class S3Session implements Session {
  readonly capabilities: Capabilities
  readonly notes: readonly CapabilityNote[]
  readonly account = undefined
  readonly #client: Client
  readonly #objects: Objects
  readonly #keys: Keys
  readonly #names: Names
  readonly #uploads: Uploads
  readonly #publishing: Publishing

  /** @throws ConnectorError */
  static async open(settings: S3Settings, limiter?: Limiter): Promise<S3Session> {
    const client = await Client.open(settings, limiter)
    try {
      const keys = new Keys(settings.prefix)
      const objects = new Objects(client, keys, settings)
      // Says what HEAD could not: whether the bucket is there and open to us. What it is not is told here.
      const { encoded } = await objects.page(settings.prefix, { most: 1 })
      return new S3Session(objects, { tellsControls: encoded, keepsVersions: await keepsVersions(client) })
    } catch (error) {
      await client.close()
      throw error
    }
  }

  private constructor(objects: Objects, bucket: Bucket) {
    const { client, keys, settings } = objects
    this.capabilities = capabilitiesOf(settings, bucket)
    this.notes = notesOf(settings, bucket)
    this.#client = client
    this.#keys = keys
    this.#objects = objects
    this.#names = new Names(this.capabilities.names, keys)
    this.#uploads = new Uploads(client, settings.checksums)
    this.#publishing = new Publishing(objects, this.#uploads, this.#names)
  }

  async resolve(path: string): Promise<ResolvedRoot> {
    const id = idOfPath(path)
    const whole = this.#keys.prefixOf(id).split('/').slice(0, -1)
    const at = (depth: number): string => [this.#client.place, ...whole.slice(0, depth)].join('/')
    const above = Array.from({ length: whole.length }, (_, n) => at(whole.length - 1 - n))
    return { place: at(whole.length), above, exists: await this.#objects.isContainer(id) }
  }

  async root(path: string): Promise<Item | null> {
    const id = idOfPath(path)
    const found =
      id === '' ? ((await this.#objects.isContainer(id)) ? containerItem(id) : null) : await this.#objects.stat(id)
    if (found?.kind === 'item') throw new ConnectorError('NotAContainer', 'is a file', { id })
    return found
  }

  async makeRoot(path: string): Promise<Item> {
    const names = idOfPath(path).split('/').filter(Boolean)
    let id = ''
    if (!(await this.root(''))) await this.#mark('')
    for (const name of names) {
      const parent = id
      id = childId(parent, name)
      if (await this.root(id)) continue
      this.#names.check(parent, name)
      await this.#mark(id)
    }
    return containerItem(id)
  }

  childId(parent: string, name: string): string {
    return childId(parent, name)
  }

  async *list(id: string, want: readonly Facet[]): AsyncGenerator<Page> {
    refuseFacets(want)
    yield* list(this.#objects, id)
  }

  async stat(id: string, want: readonly Facet[]): Promise<Item | null> {
    refuseFacets(want)
    return this.#objects.stat(id)
  }

  async open(id: string, expected?: Facts): Promise<Reading> {
    if (expected) {
      // Nothing is asked before the first byte is, but whether it is there.
      const reading = new RangeReading(contentOf(this.#objects, id, expected), expected.sizeBytes, expected)
      await reading.begin()
      return reading
    }
    const found = await this.#objects.item(id)
    if (!found) throw new ConnectorError('NotFound', 'there is no such file', { id })
    return new RangeReading(contentOf(this.#objects, id), found.facts.sizeBytes)
  }

  readWhole(id: string, expected: Facts, into: Uint8Array): Promise<void> {
    return readWhole(contentOf(this.#objects, id, expected), expected, into)
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

  discard(container: string, key: string, left?: Left): Promise<void> {
    return this.#publishing.discard(container, key, left)
  }

  async makeContainer(container: string, name: string): Promise<Item> {
    this.#names.check(container, name)
    const id = childId(container, name)
    const [isParentThere, there] = await Promise.all([
      container === '' || this.#objects.isContainer(container),
      this.#objects.stat(id),
    ])
    if (!isParentThere) throw new ConnectorError('NotFound', 'its container is gone', { id: container })
    if (there) throw new ConnectorError('Conflict', 'something of that name is there', { id })
    try {
      await this.#mark(id)
    } catch (error) {
      if (!(error instanceof ConnectorError) || error.code !== 'PreconditionFailed') throw error
      throw new ConnectorError('Conflict', 'something of that name is there', { id, cause: error })
    }
    return containerItem(id)
  }

  makeLink(): never {
    throw new ConnectorError('Unsupported', 'S3 holds no links')
  }

  /** A copy on the server, and then the end of the origin: between the two both are there, and a repeat goes on. */
  async move(id: string, container: string, name: string, expected: Facts): Promise<Item> {
    this.#names.check(container, name)
    const target = childId(container, name)
    const found = await this.#objects.item(id)
    const there = await this.#objects.item(target)
    const isCopied = there?.headers[movedFrom] === mark(id, expected)
    if (!found) {
      if (isCopied) return itemOf(target, there.facts)
      if (await this.#objects.isContainer(id))
        throw new ConnectorError('Unsupported', 'S3 cannot move a folder', { id })
      throw new ConnectorError('NotFound', 'there is no such file', { id })
    }
    if (!isAsExpected(found.facts, expected))
      throw new ConnectorError('PreconditionFailed', 'is not what it was', { id })
    if (target === id) return itemOf(id, found.facts)
    if (there && !isCopied) throw new ConnectorError('Conflict', 'something of that name is there', { id: target })
    if (!there) {
      if (await this.#objects.isContainer(target))
        throw new ConnectorError('Conflict', 'something of that name is there', { id: target })
      await this.#copy(found, target, { [movedFrom]: mark(id, expected) })
    }
    await this.#delete(found.key, id, found.facts.version)
    return this.#known(target)
  }

  /** A folder is there by what it holds; one that holds nothing is its marker. */
  async remove(id: string, expected: Facts & { kind: ItemKind }): Promise<void> {
    if (id === '') throw new ConnectorError('AccessDenied', 'the root stays', { id })
    const found = await this.#objects.item(id)
    if (found) {
      requireKind('item', expected, id)
      if (!isAsExpected(found.facts, expected))
        throw new ConnectorError('PreconditionFailed', 'is not what it was', { id })
      return this.#delete(found.key, id, found.facts.version)
    }
    const key = this.#keys.prefixOf(id)
    const { objects, folders } = await this.#objects.page(key, { most: 2 })
    if (objects.length + folders.length === 0) return
    requireKind('container', expected, id)
    // Content under the marker's own key is a file in it.
    if (folders.length > 0 || objects.some((object) => object.key !== key || object.sizeBytes > 0n))
      throw new ConnectorError('Conflict', 'a folder with content is there', { id })
    await this.#delete(key, id, objects[0]?.facts.version)
  }

  /** On condition of what was seen right before; a server that has no conditions here has to do with that look. */
  async #delete(key: string, id: string, version?: string): Promise<void> {
    const request = { method: 'DELETE', key, id } as const
    const condition = version === undefined ? {} : { headers: { 'if-match': `"${version}"` } }
    try {
      await this.#client.headers({ ...request, ...condition })
    } catch (error) {
      const code = error instanceof ConnectorError ? error.code : undefined
      if (code === 'NotFound') return
      if (code !== 'Unsupported' || version === undefined) throw error
      await this.#client.headers(request)
    }
  }

  async setAttributes(id: string, attributes: Attributes, expected?: Facts): Promise<Item> {
    refuseAttributes(attributes, this.#objects.settings)
    const found = await this.#objects.item(id)
    if (!found) {
      if (!(await this.#objects.isContainer(id))) throw new ConnectorError('NotFound', 'is gone', { id })
      if (attributes.modifiedNs !== undefined)
        throw new ConnectorError('Unsupported', 'a folder of S3 has no times', { id })
      return containerItem(id)
    }
    if (expected && !isAsExpected(found.facts, expected))
      throw new ConnectorError('PreconditionFailed', 'is not what it was', { id })
    const { modifiedNs } = attributes
    if (modifiedNs === undefined || modifiedNs === found.facts.modifiedNs) return itemOf(id, found.facts)
    await this.#copy(found, id, {}, attributes)
    return this.#known(id)
  }

  async close(): Promise<void> {
    await this.#client.close()
  }

  async #copy(found: Found & { key: string }, to: string, marks: Record<string, string>, attributes: Attributes = {}) {
    const isMove = Object.keys(marks).length > 0
    await copyObject(this.#objects, this.#uploads, {
      from: found.key,
      found,
      to: this.#keys.keyOf(to),
      headers: { ...keptHeaders(found.headers, attributes), ...marks },
      conditions: isMove ? { 'if-none-match': '*' } : {},
      largestBytes: largestSingleBytes,
    })
  }

  async #known(id: string): Promise<Item> {
    const item = await this.#objects.stat(id)
    if (!item) throw new ConnectorError('NotFound', 'is gone', { id })
    return item
  }

  /** An empty object with a slash at its end keeps a folder that has nothing in it. */
  async #mark(id: string): Promise<void> {
    const key = this.#keys.prefixOf(id)
    if (key === '') return
    await this.#client.headers({
      method: 'PUT',
      key,
      headers: { 'content-type': 'application/x-directory', 'if-none-match': '*' },
      body: Buffer.alloc(0),
      id,
    })
  }
}

function requireKind(kind: ItemKind, expected: { kind: ItemKind }, id: string): void {
  if (kind !== expected.kind)
    throw new ConnectorError('PreconditionFailed', `is a ${kind} now, not a ${expected.kind}`, { id })
}

/** Not known is no: nobody is to rely on it. */
async function keepsVersions(client: Client): Promise<boolean> {
  try {
    const { text } = await client.text({ method: 'GET', query: { versioning: '' } })
    return textOf(parseXml(text, 'VersioningConfiguration'), 'Status') === 'Enabled'
  } catch (error) {
    if (error instanceof ConnectorError) return false
    throw error
  }
}

function notesOf({ insecure }: S3Settings, { tellsControls, keepsVersions }: Bucket): CapabilityNote[] {
  const notes: CapabilityNote[] = []
  if (insecure)
    notes.push({ capability: 'transport', why: 'insecure is set: whoever answers is believed to be the server' })
  if (!tellsControls)
    notes.push({ capability: 'names', why: 'this server cannot list names with control characters in them' })
  if (!keepsVersions)
    notes.push({
      capability: 'tree.removal',
      why: 'what is removed or replaced is gone: the bucket keeps no versions, or this account may not see whether it does',
    })
  return notes
}

function mark(id: string, { version = '' }: Facts): string {
  return encodeURIComponent(`${splitId(id).name} ${version}`).slice(0, 512)
}

function refuseFacets(want: readonly Facet[]): void {
  const [lacking] = want
  if (lacking) throw new ConnectorError('Unsupported', `S3 tells no ${lacking} in a listing`)
}
