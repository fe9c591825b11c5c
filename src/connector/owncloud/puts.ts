import { createHash } from 'node:crypto'
import { ConnectorError } from '../errors.ts'
import { splitId } from '../webdav/addresses.ts'
import { secondsOf, type Entry } from './facts.ts'
import { unquoted, type Server } from './server.ts'

export interface Put {
  bytes: Uint8Array
  modifiedNs: bigint | undefined
  /** Of exactly what is there; without it, of that name there is nothing but what an earlier try has left. */
  etag?: string | undefined
}

/** Contents that go in one request, which the server compares with their SHA-1 before it takes them. */
export class Puts {
  readonly #server: Server

  constructor(server: Server) {
    this.#server = server
  }

  async put(id: string, { bytes, modifiedNs, etag }: Put): Promise<Entry> {
    const sha1 = createHash('sha1').update(bytes).digest('hex')
    const { status, headers } = await this.#server.headers({
      method: 'PUT',
      path: this.#server.at.path(id),
      headers: {
        'oc-checksum': `SHA1:${sha1}`,
        ...(modifiedNs === undefined ? {} : { 'x-oc-mtime': String(secondsOf(modifiedNs)) }),
        ...(etag === undefined ? {} : { 'if-match': `"${etag}"` }),
      },
      body: bytes,
      id,
      accept: [400, 409],
    })
    // What Infinite Scale says of an etag that is not the item's, and every server of a folder that is not there.
    if (status === 409 && etag !== undefined)
      throw new ConnectorError('PreconditionFailed', 'what was to be replaced is not what it was', { id })
    if (status === 409) throw new ConnectorError('NotFound', 'its container is gone', { id })
    if (status === 400)
      throw new ConnectorError('IntegrityMismatch', 'the server got other bytes than were sent', { id })
    const given = unquoted(headers['etag'])
    const fileId = headers['oc-fileid']
    if (this.#server.tellsAll && given !== undefined && fileId !== undefined && modifiedNs !== undefined) {
      const modified = secondsOf(modifiedNs) * 1_000_000_000n
      const sizeBytes = BigInt(bytes.length)
      const { name } = splitId(id)
      return { name, isContainer: false, sizeBytes, modifiedNs: modified, etag: given, fileId, sha1 }
    }
    const there = await this.#server.entry(id)
    if (!there) throw new ConnectorError('NotFound', 'is gone', { id })
    return there
  }
}
