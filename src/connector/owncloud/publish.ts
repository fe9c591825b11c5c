import { randomUUID } from 'node:crypto'
import type { Attributes, Left, Staged, StageSpec, Staging, Target } from '../connector.ts'
import { ConnectorError } from '../errors.ts'
import { MemoryStaging } from '../http/memory_staging.ts'
import type { Facts, Item } from '../item.ts'
import { splitId } from '../webdav/addresses.ts'
import { etagOf, factsOf, isAsExpected, itemOf, sha1Of, type Entry } from './facts.ts'
import { LongStaging, type Sent } from './long_staging.ts'
import { textOfUpload, uploadOf, type LongUpload, type LongUploads } from './long_uploads.ts'
import { stagingName } from './names.ts'
import type { Puts } from './puts.ts'
import { copied } from './reading.ts'
import type { Server } from './server.ts'

type Reconciled = { state: 'staged' } | { state: 'published'; item: Item } | { state: 'gone' }

/** A content between `finish` and `publish`. */
interface Ready {
  modifiedNs: bigint | undefined
  /** Of a replacement that goes in one request. */
  bytes?: Buffer
  /** Of what is new: as it lies under its key. */
  there?: Entry
}

/**
 * Contents on their way in. What is new lies under its key in the folder it will be in, and moves to its name when nothing has
 * that. A replacement goes onto the item itself, on condition of its etag, so that its id, its versions and its shares stay: it
 * waits here until then, or in an upload of which the end is withheld.
 */
export class Publishing {
  readonly #server: Server
  readonly #uploads: LongUploads
  readonly #puts: Puts
  readonly #ready = new Map<string, Ready>()

  constructor(server: Server, uploads: LongUploads, puts: Puts) {
    this.#server = server
    this.#uploads = uploads
    this.#puts = puts
  }

  async stage(spec: StageSpec): Promise<Staging> {
    const { key, sizeBytes, attributes } = spec
    const { modifiedNs } = attributes
    this.#ready.delete(key)
    stagingName(key)
    if (sizeBytes <= BigInt(this.#server.settings.partBytes)) {
      if (spec.resumeAt !== undefined || spec.resume !== undefined)
        throw new ConnectorError('NotFound', 'what is sent in one request is not there in part')
      let bytes: Buffer = Buffer.alloc(0)
      const staging = new MemoryStaging(spec, (content) => void (bytes = content))
      const finish = staging.finish.bind(staging)
      return Object.assign(staging, { finish: async (hash: string) => this.#small(spec, finish(hash), bytes) })
    }
    const { upload, received } =
      spec.resume === undefined ? await this.#begin(spec) : await this.#takeUp(spec, uploadOf(spec.resume))
    return new LongStaging(this.#uploads, upload, {
      spec,
      received,
      finished: async (hash, { sha1, tail }) => {
        const { container } = spec
        const end = { tail: Buffer.from(tail).toString('base64'), sha1 }
        if (upload.onto) {
          this.#ready.set(key, { modifiedNs })
          return { container, key, hash, sizeBytes, resume: textOfUpload({ ...upload, end }) }
        }
        const id = this.#server.childId(container, stagingName(key))
        const there = await this.#completed(upload, { id, sizeBytes, modifiedNs, sha1, tail })
        this.#ready.set(key, { modifiedNs, there })
        return { container, key, hash, sizeBytes, ...identityOf(there) }
      },
    })
  }

  async reconcile(staged: Staged, target: Target): Promise<Reconciled> {
    const item = await this.#published(staged, target)
    if (item) return { state: 'published', item }
    if (staged.identity !== undefined) {
      const there = await this.#server.entry(this.#server.childId(staged.container, stagingName(staged.key)))
      return { state: there?.fileId === staged.identity ? 'staged' : 'gone' }
    }
    if (staged.resume === undefined) return { state: this.#ready.get(staged.key)?.bytes ? 'staged' : 'gone' }
    const received = await this.#received(uploadOf(staged.resume), staged.sizeBytes)
    const owed = staged.sizeBytes - BigInt(this.#uploads.tailBytes)
    return { state: received !== undefined && received >= owed ? 'staged' : 'gone' }
  }

  async publish(staged: Staged, target: Target): Promise<Item> {
    this.#server.checkName(target.name)
    try {
      if (target.condition === 'absent') return await this.#create(staged, target)
      return await this.#replace(staged, target, target.condition)
    } catch (error) {
      if (!(error instanceof ConnectorError)) throw error
      // The answer to an earlier try may have been lost.
      const item = await this.#published(staged, target)
      if (item) return item
      throw error
    }
  }

  /** @param left what the ledger knows of it */
  async discard(container: string, key: string, left: Left = {}): Promise<void> {
    this.#ready.delete(key)
    if (left.resume !== undefined) await this.#uploads.abandon(uploadOf(left.resume))
    await this.#server.removeForGood(this.#server.childId(container, stagingName(key)))
  }

  /** Puts an item's own content onto it, with these attributes. */
  async again(item: Item, attributes: Attributes): Promise<Item> {
    const { parent: container, name } = splitId(item.id)
    const key = `again-${randomUUID().slice(0, 8)}`
    const { sizeBytes } = item
    const staging = await this.stage({
      container,
      key,
      name,
      sizeBytes,
      attributes,
      replaces: true,
      durability: 'process',
    })
    try {
      const hash = await copied(this.#server, item, (chunk, at) => staging.write(chunk, at))
      return await this.publish(await staging.finish(hash), { container, name, condition: item })
    } catch (error) {
      await staging.suspend()
      await this.discard(container, key, staging.resume === undefined ? {} : { resume: staging.resume })
      throw error
    }
  }

  /** One request: what is new under its key, a replacement only when it is published. */
  async #small({ container, key, replaces, attributes }: StageSpec, staged: Staged, bytes: Buffer): Promise<Staged> {
    const { modifiedNs } = attributes
    if (replaces) {
      this.#ready.set(key, { modifiedNs, bytes })
      return staged
    }
    const there = await this.#puts.put(this.#server.childId(container, stagingName(key)), { bytes, modifiedNs })
    this.#ready.set(key, { modifiedNs, there })
    return { ...staged, ...identityOf(there) }
  }

  async #begin(spec: StageSpec): Promise<{ upload: LongUpload; received: bigint }> {
    const { container, key, name, sizeBytes, replaces = false } = spec
    if (replaces && name === undefined)
      throw new ConnectorError('Unsupported', 'an upload has to know from the start onto which item')
    if (replaces) this.#server.checkName(name ?? '')
    const address = await this.#uploads.begin({
      container,
      name: replaces ? (name ?? '') : stagingName(key),
      sizeBytes,
      modifiedNs: spec.attributes.modifiedNs,
    })
    return { upload: { address, partBytes: this.#server.settings.partBytes, onto: replaces }, received: 0n }
  }

  async #takeUp(spec: StageSpec, upload: LongUpload): Promise<{ upload: LongUpload; received: bigint }> {
    if (upload.onto !== (spec.replaces ?? false))
      throw new ConnectorError('PreconditionFailed', 'it was begun for another purpose')
    const received = await this.#received(upload, spec.sizeBytes)
    if (received !== undefined) return { upload, received }
    // Who died, or waited no longer, may not have been told that it was whole.
    const id = this.#server.childId(spec.container, stagingName(spec.key))
    const there = upload.onto ? null : await this.#server.entry(id)
    if (there?.sizeBytes !== spec.sizeBytes) throw new ConnectorError('NotFound', 'the upload is gone', { id })
    return { upload, received: spec.sizeBytes }
  }

  /** What is new, under its key; the server's own checksum says that it is whole. */
  async #completed(
    upload: LongUpload,
    { id, ...rest }: { id: string; sizeBytes: bigint; modifiedNs: bigint | undefined } & Sent,
  ): Promise<Entry> {
    let failed: unknown
    try {
      await this.#uploads.complete(upload, { id, etag: undefined, ...rest })
    } catch (error) {
      failed = error
    }
    const there = await this.#server.entry(id)
    if (!there) throw failed ?? new ConnectorError('NotFound', 'what was uploaded is gone', { id })
    if (there.sizeBytes === rest.sizeBytes && isSame(there.sha1, rest.sha1)) return there
    throw new ConnectorError('IntegrityMismatch', 'what the server has is not what was sent', { id })
  }

  /** A MOVE that does not replace. */
  async #create(staged: Staged, { container, name }: Target): Promise<Item> {
    const from = this.#server.childId(staged.container, stagingName(staged.key))
    const id = this.#server.childId(container, name)
    if (staged.identity === undefined)
      throw new ConnectorError('PreconditionFailed', 'it was staged to replace something')
    const etag = await this.#server.move(from, id)
    const there = this.#ready.get(staged.key)?.there
    this.#ready.delete(staged.key)
    if (there && etag !== undefined) return itemOf(id, { ...there, name: splitId(id).name, etag })
    return this.#known(id, staged.identity)
  }

  async #replace(staged: Staged, target: Target, expected: Facts): Promise<Item> {
    const id = this.#server.childId(target.container, target.name)
    if (staged.identity !== undefined)
      throw new ConnectorError('PreconditionFailed', 'it was staged as something new', { id })
    const now = await this.#server.entry(id)
    if (!now || now.isContainer || !isAsExpected(factsOf(now), expected))
      throw new ConnectorError('PreconditionFailed', 'what was to be replaced is not what it was', { id })
    const ready = this.#ready.get(staged.key)
    if (staged.resume === undefined) {
      if (!ready?.bytes) throw new ConnectorError('NotFound', 'the staging is gone', { id })
      const { bytes, modifiedNs } = ready
      const item = itemOf(id, await this.#puts.put(id, { bytes, modifiedNs, etag: etagOf(expected) ?? now.etag }))
      this.#ready.delete(staged.key)
      return item
    }
    const upload = uploadOf(staged.resume)
    const { tail = '', sha1 } = upload.end ?? {}
    await this.#uploads.complete(upload, {
      ...{ id, sizeBytes: staged.sizeBytes, modifiedNs: ready?.modifiedNs, sha1 },
      ...{ tail: Buffer.from(tail, 'base64'), etag: now.etag },
    })
    this.#ready.delete(staged.key)
    const written = await this.#known(id, expected.identity)
    if (!isSame(sha1Of(written), sha1))
      throw new ConnectorError('IntegrityMismatch', 'what the server has is not what was sent', { id })
    return written
  }

  /** What stands at the target, if it came from this staging: by its id where it is new, else by what is in it. */
  async #published(staged: Staged, { container, name, condition }: Target): Promise<Item | undefined> {
    const id = this.#server.childId(container, name)
    const there = await this.#server.entry(id)
    if (!there || there.isContainer || there.sizeBytes !== staged.sizeBytes) return undefined
    const item = itemOf(id, there)
    if (condition === 'absent')
      return staged.identity !== undefined && there.fileId === staged.identity ? item : undefined
    if (there.fileId !== condition.identity || isAsExpected(item, condition)) return undefined
    const sha1 = staged.resume === undefined ? undefined : uploadOf(staged.resume).end?.sha1
    const isOurs =
      sha1 !== undefined && there.sha1 !== undefined
        ? there.sha1 === sha1
        : (await copied(this.#server, item)) === staged.hash
    return isOurs ? item : undefined
  }

  async #received(upload: LongUpload, sizeBytes: bigint): Promise<bigint | undefined> {
    try {
      return await this.#uploads.received(upload, sizeBytes)
    } catch (error) {
      if (error instanceof ConnectorError && error.code === 'NotFound') return undefined
      throw error
    }
  }

  async #known(id: string, identity: string | undefined): Promise<Item> {
    const there = await this.#server.entry(id)
    if (!there || there.fileId !== identity)
      throw new ConnectorError('PreconditionFailed', 'somebody replaced it as soon as it was there', { id })
    return itemOf(id, there)
  }
}

/** Where both are known. */
function isSame(one: string | undefined, other: string | undefined): boolean {
  return one === undefined || other === undefined || one === other
}

function identityOf({ fileId }: Entry): { identity?: string } {
  return fileId === undefined ? {} : { identity: fileId }
}
