import { createHash } from 'node:crypto'
import mime from 'mime'
import type { Attributes, Staged, StageSpec, Staging, Target } from '../connector.ts'
import { ConnectorError } from '../errors.ts'
import { MemoryStaging } from '../http/memory_staging.ts'
import { RangeReading } from '../http/range_reading.ts'
import type { Item } from '../item.ts'
import { childId } from './addresses.ts'
import { timed } from './attributes.ts'
import type { Headers } from './client.ts'
import { isSame, refuseAttributes } from './facts.ts'
import { PieceStaging } from './piece_staging.ts'
import { contentOf, ifRefused, itemAt, known, requireStill, type Place } from './place.ts'
import { ifMatches } from './server.ts'
import { quota, roomIn } from './quota.ts'
import { StreamStaging } from './stream_staging.ts'
import type { Transactions } from './transactions.ts'

type Reconciled = { state: 'staged' } | { state: 'published'; item: Item } | { state: 'gone' }

/** A content between `finish` and `publish`. */
interface Ready {
  hash: string
  attributes: Attributes
  /** Small enough to be held here; else it lies under a name of ours, or in a transaction. */
  content: Buffer | undefined
}

/**
 * Contents on their way in. A small one is held here. Apache takes it under its name, on a condition, whole or not at all. Other
 * servers, and Apache for large ones, get it under a name of ours, and a rename is the publishing. In a Subversion repository
 * that is a transaction, and its commit.
 *
 * What a death left is ours when its bytes are: nothing else tells. Its time may be lacking still; what is on record says it.
 */
export class Publishing {
  readonly #place: Place
  readonly #ready = new Map<string, Ready>()

  constructor(place: Place) {
    this.#place = place
  }

  async stage(spec: StageSpec): Promise<Staging> {
    const { client, server, settings, addresses, transactions } = this.#place
    const { container, key, sizeBytes, attributes, resumeAt = 0n, name } = spec
    refuseAttributes(attributes, settings)
    this.#ready.delete(key)
    const isSmall = sizeBytes <= BigInt(settings.partBytes)
    if (resumeAt > 0n && server.kind !== 'apache')
      throw new ConnectorError('Unsupported', 'only Apache goes on with a part')
    if (isSmall && resumeAt === 0n) {
      const staging = new MemoryStaging(spec, (content, hash) => this.#ready.set(key, { hash, attributes, content }))
      const finish = staging.finish.bind(staging)
      staging.finish = (hash) => ({ ...finish(hash), ...resumeOf(attributes) })
      return staging
    }
    await this.#requireRoom(container, sizeBytes)
    const id = stagingId(container, key)
    const finished = async (hash: string): Promise<Staged> => {
      this.#ready.set(key, { hash, attributes, content: undefined })
      if (!transactions) await this.#requireSize(id, sizeBytes)
      return { container, key, hash, sizeBytes, ...resumeOf(attributes) }
    }
    if (server.kind === 'apache') {
      if (resumeAt > 0n) await this.#requireAtLeast(id, resumeAt)
      return new PieceStaging(this.#place, id, { spec, finished })
    }
    if (!transactions) return new StreamStaging(client, { path: addresses.path(id), id, spec, finished })
    if (name === undefined)
      throw new ConnectorError('Unsupported', 'what is committed has to know from the start under which name')
    this.#place.checkName(name)
    // Of a former holder of the same key.
    await transactions.giveUp(key)
    await transactions.begin(key)
    const path = transactions.path(key, childId(container, name))
    return new StreamStaging(client, { path, id, spec, finished })
  }

  async reconcile(staged: Staged, { container, name }: Target): Promise<Reconciled> {
    const { key } = staged
    if (this.#ready.get(key)?.content) return { state: 'staged' }
    if (!this.#place.transactions && (await this.#isOurs(stagingId(container, key), staged))) return { state: 'staged' }
    const id = childId(container, name)
    if (await this.#isOurs(id, staged)) return { state: 'published', item: await this.#timed(id, staged) }
    return { state: 'gone' }
  }

  async publish(staged: Staged, target: Target): Promise<Item> {
    const { container, name, condition } = target
    const id = childId(container, name)
    this.#place.checkName(name)
    try {
      await this.#arrive(staged, id, condition)
    } catch (error) {
      if (!ifRefused(error, 'PreconditionFailed', 'NotFound', 'Conflict', 'ItemFailed')) throw error
      // The answer to an earlier try may have been lost.
      if (!(await this.#isOurs(id, staged))) throw await this.#whyNot(error, container, { id, condition })
    }
    const item = await this.#timed(id, staged)
    this.#ready.delete(staged.key)
    return item
  }

  /** Exactly what is of that key; a folder of such a name is not ours. */
  async discard(container: string, key: string): Promise<void> {
    this.#ready.delete(key)
    const { transactions } = this.#place
    if (transactions) return transactions.giveUp(key)
    const id = stagingId(container, key)
    const there = await itemAt(this.#place, id)
    if (there?.kind !== 'item') return
    await this.#place.client.headers({ method: 'DELETE', path: this.#place.addresses.path(id), accept: [404], id })
  }

  async #arrive(staged: Staged, id: string, condition: Target['condition']): Promise<void> {
    const { server, transactions } = this.#place
    const ready = this.#ready.get(staged.key)
    const content = ready?.hash === staged.hash ? ready.content : undefined
    if (transactions) return this.#commit(transactions, { staged, id, condition, content })
    if (content && server.kind === 'apache') return this.#put(id, content, this.#conditions(id, condition))
    const staging = stagingId(staged.container, staged.key)
    if (content) await this.#put(staging, content, {})
    await this.#rename(staging, id, condition)
  }

  async #put(id: string, body: Buffer, headers: Headers): Promise<void> {
    const type = mime.getType(id) ?? 'application/octet-stream'
    const { client, addresses } = this.#place
    const path = addresses.path(id)
    await client.headers({ method: 'PUT', path, headers: { ...headers, 'content-type': type }, body, id })
  }

  /** A server that heeds no condition is asked right before. */
  async #rename(from: string, id: string, condition: Target['condition']): Promise<void> {
    const { client, addresses, server } = this.#place
    const isNew = condition === 'absent'
    if (!isNew) {
      const there = await requireStill(this.#place, id, condition)
      if (there.kind !== 'item') throw new ConnectorError('Conflict', 'is no file', { id })
    }
    await client.headers({
      method: 'MOVE',
      path: addresses.path(from),
      headers: {
        destination: addresses.url(id),
        overwrite: isNew ? 'F' : 'T',
        ...(server.kind === 'apache' ? this.#conditions(id, condition, { isNewSaid: true }) : {}),
      },
      id,
    })
  }

  async #commit(
    transactions: Transactions,
    {
      staged,
      id,
      condition,
      content,
    }: { staged: Staged; id: string; condition: Target['condition']; content: Buffer | undefined },
  ): Promise<void> {
    const { key } = staged
    const { client } = this.#place
    const path = transactions.path(key, id)
    if (!content) {
      if (!this.#ready.has(key)) throw new ConnectorError('NotFound', 'the transaction is gone', { id })
      // It is of the time when it began; what was changed since is met by the commit.
      await this.#requireCondition(id, condition)
      await this.#setTimeIn(path, id, staged)
      return transactions.commit(key, id)
    }
    await transactions.during(key, id, async () => {
      if (condition !== 'absent') await this.#requireCondition(id, condition, path)
      const headers: Headers = condition === 'absent' ? { 'if-none-match': '*' } : {}
      await client.headers({ method: 'PUT', path, headers, body: content, id })
      await this.#setTimeIn(path, id, staged)
    })
  }

  async #requireCondition(id: string, condition: Target['condition'], path?: string): Promise<void> {
    const { client, addresses, shape } = this.#place
    const told = await client.look(path ?? addresses.path(id), shape.asked, id)
    const there = told && shape.item(id, told)
    const isAsPlanned = condition === 'absent' ? !there : there?.kind === 'item' && isSame(there, condition)
    if (!isAsPlanned) throw new ConnectorError('PreconditionFailed', 'is not what was planned against', { id })
  }

  /** In a transaction, so that content and time are one revision. */
  async #setTimeIn(path: string, id: string, staged: Staged): Promise<void> {
    const { client, shape } = this.#place
    const modifiedNs = timeIn(staged)
    if (modifiedNs === undefined) return
    const told = await client.look(path, shape.asked, id)
    if (!told || shape.item(id, told).sizeBytes !== staged.sizeBytes)
      throw new ConnectorError('IntegrityMismatch', 'is not what was staged', { id })
    shape.requireTaken(await client.setProperties(path, shape.timeProperty(modifiedNs, told.properties), { id }), id)
  }

  #conditions(id: string, condition: Target['condition'], { isNewSaid = false } = {}): Headers {
    if (condition === 'absent') return isNewSaid ? {} : { 'if-none-match': '*' }
    const { server, addresses } = this.#place
    return condition.version === undefined ? {} : ifMatches(server, addresses.url(id), condition.version)
  }

  /** What is refused tells by its status alone; what stands there tells why. */
  async #whyNot(
    error: ConnectorError,
    container: string,
    { id, condition }: { id: string; condition: Target['condition'] },
  ): Promise<ConnectorError> {
    const there = await itemAt(this.#place, id)
    const because = { id, cause: error }
    if (there && condition === 'absent')
      return new ConnectorError('Conflict', 'something of that name is there', because)
    if (condition !== 'absent' && (there?.kind !== 'item' || !isSame(there, condition)))
      return new ConnectorError('PreconditionFailed', 'what was to be replaced is not what it was', because)
    if (!there && container !== '' && !(await itemAt(this.#place, container)))
      return new ConnectorError('NotFound', 'its container is gone', because)
    return error
  }

  /** The item with its time, which is set now where it is not yet. */
  async #timed(id: string, staged: Staged): Promise<Item> {
    return timed(this.#place, id, timeIn(staged), (item) => {
      if (item.kind === 'item' && item.sizeBytes === staged.sizeBytes) return
      throw new ConnectorError('PreconditionFailed', 'somebody replaced it as soon as it was there', { id })
    })
  }

  async #isOurs(id: string, { sizeBytes, hash }: Staged): Promise<boolean> {
    const there = await itemAt(this.#place, id)
    if (there?.kind !== 'item' || there.sizeBytes !== sizeBytes) return false
    const reading = new RangeReading(contentOf(this.#place, id), sizeBytes, there)
    const sum = createHash('sha256')
    const chunk = Buffer.allocUnsafe(1024 * 1024)
    try {
      for (let at = 0n; at < sizeBytes;) {
        const n = await reading.read(chunk, at)
        sum.update(chunk.subarray(0, n))
        at += BigInt(n)
      }
    } finally {
      await reading.close(true)
    }
    return sum.digest('hex') === hash
  }

  /** Before the first byte is sent, where it is known. */
  async #requireRoom(container: string, sizeBytes: bigint): Promise<void> {
    const { client, addresses, hasQuota } = this.#place
    if (!hasQuota) return
    const room = roomIn(await client.look(addresses.path(container, 'container'), quota, container))
    if (room !== undefined && room < sizeBytes)
      throw new ConnectorError('QuotaExceeded', `the server has room for ${room} bytes, not for ${sizeBytes}`)
  }

  async #requireSize(id: string, sizeBytes: bigint): Promise<void> {
    const there = await known(this.#place, id)
    if (there.sizeBytes !== sizeBytes)
      throw new ConnectorError('IntegrityMismatch', `${there.sizeBytes} bytes were staged, not ${sizeBytes}`, { id })
  }

  async #requireAtLeast(id: string, bytes: bigint): Promise<void> {
    const there = await itemAt(this.#place, id)
    if (there?.kind !== 'item' || there.sizeBytes < bytes)
      throw new ConnectorError('NotFound', 'less is there than was put on record', { id })
  }
}

/**
 * The name a content has until it is published, in the folder it will be in: `.~` and the key. Only whoever recorded the key may
 * take a file of such a name for a staging.
 */
function stagingId(container: string, key: string): string {
  if (/^[a-z0-9.-]{1,38}$/.test(key) && !key.endsWith('.')) return childId(container, `.~${key}`)
  throw new ConnectorError('NameInvalid', `${JSON.stringify(key)} is no staging key: 1 to 38 of a-z, 0-9, ".", "-"`)
}

/** What goes on record with a staging: who dies right after the content has its name leaves it without its time. */
function resumeOf({ modifiedNs }: Attributes): Pick<Staged, 'resume'> {
  return modifiedNs === undefined ? {} : { resume: String(modifiedNs) }
}

function timeIn({ resume }: Staged): bigint | undefined {
  return resume === undefined ? undefined : BigInt(resume)
}
