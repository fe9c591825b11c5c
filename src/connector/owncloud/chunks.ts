import { randomUUID } from 'node:crypto'
import { ConnectorError } from '../errors.ts'
import { secondsOf } from './facts.ts'
import { Addresses } from '../webdav/addresses.ts'
import type { Server } from './server.ts'
import type { Beginning, Completion, LongUpload, LongUploads } from './long_uploads.ts'

/**
 * The chunked upload of ownCloud 10 and Nextcloud: a folder of the account's own, files in it that are put together in the order
 * of their names, and a MOVE of `.file` that makes them the item, on a condition and with a checksum.
 */
export class Chunks implements LongUploads {
  readonly tailBytes = 0
  readonly #server: Server

  constructor(server: Server) {
    this.#server = server
  }

  async begin({ container }: Beginning): Promise<string> {
    const address = `${this.#server.uploads}/${randomUUID()}`
    await this.#server.headers({ method: 'MKCOL', path: address, id: container })
    return address
  }

  async received({ address }: LongUpload): Promise<bigint> {
    const sizes = new Map<string, bigint>()
    for await (const { name, sizeBytes } of this.#server.children('', this.#at(address))) sizes.set(name, sizeBytes)
    let end = 0n
    for (let size: bigint | undefined; (size = sizes.get(nameOf(end))) !== undefined;) end += size
    return end
  }

  async send({ address }: LongUpload, at: bigint, body: Uint8Array): Promise<void> {
    await this.#server.headers({ method: 'PUT', path: `${address}/${nameOf(at)}`, body, repeats: true })
  }

  async complete({ address }: LongUpload, { id, etag, sizeBytes, sha1, modifiedNs }: Completion): Promise<void> {
    const destination = this.#server.at.url(id)
    const { status } = await this.#server.headers({
      method: 'MOVE',
      path: `${address}/.file`,
      headers: {
        destination,
        'oc-total-length': String(sizeBytes),
        ...(sha1 === undefined ? {} : { 'oc-checksum': `SHA1:${sha1}` }),
        ...(modifiedNs === undefined ? {} : { 'x-oc-mtime': String(secondsOf(modifiedNs)) }),
        // A condition of its own would be the chunks'.
        ...(etag === undefined ? { overwrite: 'F' } : { if: `<${destination}> (["${etag}"])` }),
      },
      id,
      accept: [400],
    })
    if (status === 400)
      throw new ConnectorError('IntegrityMismatch', 'the server got other bytes than were sent', { id })
  }

  #at(address: string): Addresses {
    return new Addresses(new URL(address, this.#server.at.origin))
  }

  async abandon({ address }: LongUpload): Promise<void> {
    await this.#server.headers({ method: 'DELETE', path: address, accept: [404], repeats: true })
  }
}

/** Where it begins: names sort as the content goes on. */
function nameOf(at: bigint): string {
  return String(at).padStart(16, '0')
}
