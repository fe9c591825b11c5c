import mime from 'mime'
import type { Left, Staged, StageSpec, Staging, Target } from '../connector.ts'
import { ConnectorError } from '../errors.ts'
import type { Facts, Item } from '../item.ts'
import { largestBytes, mostParts } from './capabilities.ts'
import type { Headers } from './client.ts'
import { isAsExpected, itemOf, markOf, metadataHeaders, refuseAttributes, writtenFacts } from './facts.ts'
import { childId } from './keys.ts'
import { MemoryStaging } from '../http/memory_staging.ts'
import type { Names } from './names.ts'
import type { Found, Objects } from './objects.ts'
import { PartStaging } from './part_staging.ts'
import { textOfUpload, uploadOf, type Part, type Uploads } from './uploads.ts'

type Reconciled = { state: 'staged' } | { state: 'published'; item: Item } | { state: 'gone' }

/** A content between `finish` and `publish`. */
interface Ready {
  hash: string
  attributes: StageSpec['attributes']
  content: Buffer | undefined
  /** Of an upload. */
  parts: Part[]
}

/**
 * Contents on their way in. One that fits into a part is held here, and a PUT with a condition is its publishing. A larger
 * one is uploaded in parts under an id of the server's, which the ledger knows before the first part is sent; completing it
 * is the publishing. What was published says in its metadata from which staging it came, so that after a death it is known.
 */
export class Publishing {
  readonly #objects: Objects
  readonly #uploads: Uploads
  readonly #names: Names
  readonly #ready = new Map<string, Ready>()
  /** Uploads that this session began or took up, by staging key. */
  readonly #open = new Map<string, string>()

  constructor(objects: Objects, uploads: Uploads, names: Names) {
    this.#objects = objects
    this.#uploads = uploads
    this.#names = names
  }

  async stage(spec: StageSpec): Promise<Staging> {
    const { settings } = this.#objects
    const { key, sizeBytes, attributes } = spec
    refuseAttributes(attributes, settings)
    if (sizeBytes > largestBytes) {
      throw new ConnectorError('TooLarge', `${sizeBytes} bytes; S3 takes at most ${largestBytes} in one object`)
    }
    this.#ready.delete(key)
    const ready = (rest: Partial<Ready> & Pick<Ready, 'hash'>) =>
      void this.#ready.set(key, { attributes, content: undefined, parts: [], ...rest })
    if (sizeBytes <= BigInt(settings.partBytes)) {
      if (spec.resumeAt !== undefined || spec.resume !== undefined)
        throw new ConnectorError('NotFound', 'what is sent in one request is not there in part')
      return new MemoryStaging(spec, (content, hash) => ready({ hash, content }))
    }
    const { upload, there } =
      spec.resume === undefined ? await this.#begin(spec) : await this.#takeUp(spec, spec.resume)
    this.#open.set(key, textOfUpload(upload))
    let hash = ''
    const staging = new PartStaging(this.#uploads, upload, { spec, there, finished: (parts) => ready({ hash, parts }) })
    if (spec.resumeAt !== undefined && spec.resumeAt > 0n && staging.resumesAt === 0n && spec.resume === undefined)
      throw new ConnectorError('NotFound', 'nothing says under which id its beginning was uploaded')
    const finish = staging.finish.bind(staging)
    staging.finish = (of) => finish((hash = of))
    return staging
  }

  async reconcile(staged: Staged, target: Target): Promise<Reconciled> {
    const item = await this.#published(staged, target)
    if (item) return { state: 'published', item }
    if (staged.resume === undefined) return { state: this.#ready.get(staged.key)?.content ? 'staged' : 'gone' }
    return { state: (await this.#partsOf(staged)) ? 'staged' : 'gone' }
  }

  async publish(staged: Staged, target: Target): Promise<Item> {
    this.#names.check(target.container, target.name)
    const conditions = await this.#conditions(staged, target)
    try {
      return await (staged.resume === undefined
        ? this.#put(staged, target, conditions)
        : this.#complete(staged, target, conditions))
    } catch (error) {
      if (!(error instanceof ConnectorError) || !mayBeOurs.has(error.code)) throw error
      // The answer to an earlier try may have been lost.
      const item = await this.#published(staged, target)
      if (item) return item
      if (error.code === 'PreconditionFailed' && target.condition === 'absent')
        throw new ConnectorError('Conflict', 'something of that name is there', { cause: error })
      if (error.code === 'NotFound' && target.condition !== 'absent')
        throw new ConnectorError('PreconditionFailed', 'what was to be replaced is not there any more', {
          cause: error,
        })
      throw error
    }
  }

  /** @param left what the ledger knows of it */
  async discard(container: string, key: string, left: Left = {}): Promise<void> {
    this.#ready.delete(key)
    const known = left.resume ?? this.#open.get(key)
    this.#open.delete(key)
    if (known !== undefined) return this.#uploads.abort(uploadOf(known))
    if (left.name === undefined || left.sizeBytes === undefined) return
    if (left.sizeBytes <= BigInt(this.#objects.settings.partBytes)) return
    // Who died before the ledger had its id had sent no part of it.
    const object = this.#objects.keys.keyOf(childId(container, left.name))
    for (const uploadId of await this.#uploads.under(object)) {
      const upload = { key: object, uploadId }
      if ((await this.#uploads.parts(upload)).length === 0) await this.#uploads.abort(upload)
    }
  }

  async #begin(spec: StageSpec) {
    const { keys, settings } = this.#objects
    const { container, key, name, sizeBytes, attributes } = spec
    if (name === undefined)
      throw new ConnectorError('Unsupported', 'an upload in parts has to know from the start under which name')
    this.#names.check(container, name)
    const smallest = Math.ceil(Number(sizeBytes) / mostParts)
    const partBytes = Math.max(settings.partBytes, Math.ceil(smallest / mib) * mib)
    const object = keys.keyOf(childId(container, name))
    const headers = { ...this.#storedWith(name), ...metadataHeaders(attributes, key) }
    return { upload: { key: object, uploadId: await this.#uploads.create(object, headers), partBytes }, there: [] }
  }

  async #takeUp({ container, name }: StageSpec, resume: string) {
    const upload = uploadOf(resume)
    if (name === undefined || this.#objects.keys.keyOf(childId(container, name)) !== upload.key)
      throw new ConnectorError('PreconditionFailed', 'it was begun under another name')
    return { upload, there: await this.#uploads.parts(upload) }
  }

  async #put(staged: Staged, { container, name }: Target, conditions: Headers): Promise<Item> {
    const ready = this.#ready.get(staged.key)
    if (!ready?.content || ready.hash !== staged.hash) throw new ConnectorError('NotFound', 'the staging is gone')
    const { content, attributes, hash } = ready
    const id = childId(container, name)
    const { headers } = await this.#objects.client.headers({
      method: 'PUT',
      key: this.#objects.keys.keyOf(id),
      headers: { ...this.#storedWith(name), ...metadataHeaders(attributes, staged.key), ...conditions },
      body: content,
      bodyHash: hash,
      id,
    })
    this.#ready.delete(staged.key)
    return this.#written(id, headers['etag'], { sizeBytes: staged.sizeBytes, modifiedNs: attributes.modifiedNs })
  }

  async #complete(staged: Staged, { container, name }: Target, conditions: Headers): Promise<Item> {
    const upload = uploadOf(staged.resume ?? '')
    const id = childId(container, name)
    if (this.#objects.keys.keyOf(id) !== upload.key)
      throw new ConnectorError('PreconditionFailed', 'it was begun under another name', { id })
    const ready = this.#ready.get(staged.key)
    const parts = ready?.parts ?? (await this.#partsOf(staged))
    if (!parts) throw new ConnectorError('NotFound', 'the upload is gone', { id })
    const etag = await this.#uploads.complete(upload, parts, conditions)
    this.#ready.delete(staged.key)
    this.#open.delete(staged.key)
    return this.#written(id, etag, { sizeBytes: staged.sizeBytes, modifiedNs: ready?.attributes.modifiedNs })
  }

  /** All parts of an upload; undefined when it is gone, or not whole. */
  async #partsOf({ resume, sizeBytes }: Staged): Promise<Part[] | undefined> {
    try {
      const parts = await this.#uploads.parts(uploadOf(resume ?? ''))
      const there = parts.reduce((sum, part) => sum + BigInt(part.sizeBytes), 0n)
      return there === sizeBytes ? parts : undefined
    } catch (error) {
      if (error instanceof ConnectorError && error.code === 'NotFound') return undefined
      throw error
    }
  }

  /** What stands at the target, if it came from this staging. */
  async #published({ key, sizeBytes }: Staged, { container, name }: Target): Promise<Item | undefined> {
    const found = await this.#objects.item(childId(container, name))
    const isOurs = found && markOf(found.headers) === key && found.facts.sizeBytes === sizeBytes
    return isOurs ? itemOf(childId(container, name), found.facts) : undefined
  }

  async #conditions(staged: Staged, { container, name, condition }: Target): Promise<Headers> {
    if (condition === 'absent') return { 'if-none-match': '*' }
    if (condition.version !== undefined) return { 'if-match': `"${condition.version}"` }
    // A server that names no etags: as good as a look just before can be.
    const now = await this.#objects.item(childId(container, name))
    if (now && markOf(now.headers) === staged.key) return { 'if-match': etagOf(now) }
    if (!now || !isAsExpected(now.facts, condition))
      throw new ConnectorError('PreconditionFailed', 'what was to be replaced is not what it was')
    return now.facts.version === undefined ? {} : { 'if-match': etagOf(now) }
  }

  /** How the connection wants things stored. */
  #storedWith(name: string): Headers {
    const { storageClass, encryption } = this.#objects.settings
    return {
      'content-type': mime.getType(name) ?? 'application/octet-stream',
      ...(storageClass === undefined ? {} : { 'x-amz-storage-class': storageClass }),
      ...(encryption === undefined ? {} : { 'x-amz-server-side-encryption': encryption.algorithm }),
      ...(encryption?.key === undefined ? {} : { 'x-amz-server-side-encryption-aws-kms-key-id': encryption.key }),
    }
  }

  /** When the server has stored it, only asking tells. */
  async #written(
    id: string,
    etag: string | undefined,
    { sizeBytes, modifiedNs }: { sizeBytes: bigint; modifiedNs: bigint | undefined },
  ): Promise<Item> {
    const version = etag?.replaceAll('"', '')
    if (version && modifiedNs !== undefined) return itemOf(id, writtenFacts(version, sizeBytes, modifiedNs))
    const found = await this.#objects.item(id)
    if (!found || (version && found.facts.version !== version))
      throw new ConnectorError('PreconditionFailed', 'somebody replaced it as soon as it was there', { id })
    return itemOf(id, found.facts)
  }
}

const mib = 1024 * 1024
const mayBeOurs: ReadonlySet<string> = new Set(['PreconditionFailed', 'NotFound', 'Conflict'])

function etagOf({ facts }: { facts: Facts } | Found): string {
  return `"${facts.version}"`
}
