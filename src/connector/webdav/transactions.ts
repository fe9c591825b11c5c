import { randomUUID } from 'node:crypto'
import { ConnectorError } from '../errors.ts'
import { encodeSegment } from '../http/encode.ts'
import type { Addresses } from './addresses.ts'
import type { DavClient } from './client.ts'
import type { Repository } from './server.ts'

const log = 'Stevedore'

/**
 * Transactions of a Subversion repository, under names of ours: what is written into one nobody sees, and its commit is one
 * revision. A key is enough to give one up.
 */
export class Transactions {
  readonly #client: DavClient
  readonly #addresses: Addresses
  readonly #repository: Repository

  constructor(client: DavClient, addresses: Addresses, repository: Repository) {
    this.#client = client
    this.#addresses = addresses
    this.#repository = repository
  }

  async begin(key: string): Promise<void> {
    await this.#client.headers({
      method: 'POST',
      path: this.#repository.me,
      headers: { 'content-type': 'application/vnd.svn-skel', 'svn-vtxn-name': key },
      body: Buffer.from(`( create-txn-with-props ( svn:log ${log.length} ${log} ) )`),
    })
  }

  /** Of an id in the transaction's tree, encoded. */
  path(key: string, id: string): string {
    return [this.#repository.transactionRoot, key, ...this.#below(id)].join('/')
  }

  /** Makes it the next revision. @throws ConnectorError `Conflict` when somebody changed the same meanwhile */
  async commit(key: string, id: string): Promise<void> {
    const href = [this.#repository.transaction, key].join('/')
    const body = `<?xml version="1.0" encoding="utf-8"?><D:merge xmlns:D="DAV:"><D:source><D:href>${href}</D:href></D:source><D:no-auto-merge/><D:no-checkout/><D:prop><D:version-name/></D:prop></D:merge>`
    const { text } = await this.#client.text({
      method: 'MERGE',
      path: `${this.#repository.root}/`,
      headers: { 'content-type': 'text/xml' },
      body: Buffer.from(body),
      id,
    })
    // It begins to answer before it is known how it ends.
    if (!text.includes('merge-response>') || text.includes(':error'))
      throw new ConnectorError('ItemFailed', 'the commit was not carried out', { id })
  }

  /** Idempotent. */
  async giveUp(key: string): Promise<void> {
    await this.#client.headers({
      method: 'DELETE',
      path: [this.#repository.transaction, key].join('/'),
      accept: [400, 404],
    })
  }

  /** Begins one, does something in it, and commits; when it fails nothing is left of it. */
  async during(key: string, id: string, act: () => Promise<void>): Promise<void> {
    try {
      await this.begin(key)
      await act()
      await this.commit(key, id)
    } catch (error) {
      await this.giveUp(key).catch(() => undefined)
      throw error
    }
  }

  /** In one revision, history and all. */
  rename(key: string, from: string, to: string): Promise<void> {
    return this.during(key, to, async () => {
      const destination = this.#addresses.origin + this.path(key, to)
      const path = this.#addresses.path(from)
      await this.#client.headers({ method: 'COPY', path, headers: { destination, overwrite: 'F' }, id: from })
      await this.#client.headers({ method: 'DELETE', path: this.path(key, from), id: from })
    })
  }

  #below(id: string): string[] {
    const root = this.#repository.root.split('/').filter(Boolean).length
    return this.#addresses.segments(id).slice(root).map(encodeSegment)
  }
}

/** Of a transaction that holds one change, and is over at once. */
export function freshKey(): string {
  return `change-${randomUUID().slice(0, 13)}`
}
