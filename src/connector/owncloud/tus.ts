import { ConnectorError } from '../errors.ts'
import { secondsOf } from './facts.ts'
import type { Server } from './server.ts'
import type { Beginning, Completion, LongUpload, LongUploads } from './long_uploads.ts'

const version = { 'tus-resumable': '1.0.0' }

/**
 * TUS as Infinite Scale speaks it: an upload has an address of its own that lets in whoever knows it, for a day, and the last
 * byte makes it the item. What that replaces it does not ask, so the last byte waits until we have.
 */
export class Tus implements LongUploads {
  readonly tailBytes = 1
  readonly #server: Server

  constructor(server: Server) {
    this.#server = server
  }

  async begin({ container, name, sizeBytes, modifiedNs }: Beginning): Promise<string> {
    const metadata = [`filename ${base64(name)}`]
    if (modifiedNs !== undefined) metadata.push(`mtime ${base64(String(secondsOf(modifiedNs)))}`)
    const { status, headers } = await this.#server.headers({
      method: 'POST',
      path: this.#server.at.path(container),
      headers: { ...version, 'upload-length': String(sizeBytes), 'upload-metadata': metadata.join(',') },
      id: container,
      accept: [412],
    })
    // Which other requests take.
    if (status === 412 && (name.trim() === '' || /[\f\r\n\\]/.test(name)))
      throw new ConnectorError('NameInvalid', `${JSON.stringify(name)} cannot be replaced by a long upload`)
    if (status === 412) throw new ConnectorError('NotFound', 'its container is gone', { id: container })
    const { location } = headers
    if (!location) throw new ConnectorError('Unreachable', 'the server began an upload and gave it no address')
    return this.#server.addressOf(location)
  }

  async received(upload: LongUpload): Promise<bigint> {
    const { status, headers } = await this.#server.headers({
      method: 'HEAD',
      path: upload.address,
      headers: version,
      repeats: true,
      // Its address is good for a day.
      accept: [403, 404, 410],
    })
    const offset = headers['upload-offset']
    if (status >= 300 || offset === undefined) throw new ConnectorError('NotFound', 'the upload is gone')
    return BigInt(offset)
  }

  async send(upload: LongUpload, at: bigint, body: Uint8Array): Promise<void> {
    const end = at + BigInt(body.length)
    for (let from = at; from < end;) {
      try {
        await this.#patch(upload, from, body.subarray(Number(from - at)))
        return
      } catch (error) {
        if (!(error instanceof ConnectorError) || error.code !== 'Conflict') throw error
        // Of an earlier try that had no answer some has arrived, or all.
        const received = await this.received(upload)
        if (received <= from || received > end) throw error
        from = received
      }
    }
  }

  async complete(upload: LongUpload, { sizeBytes, tail }: Completion): Promise<void> {
    try {
      await this.#patch(upload, sizeBytes - BigInt(tail.length), tail)
    } catch (error) {
      if (!(error instanceof ConnectorError) || error.code !== 'Conflict') throw error
      // The last byte has come by an earlier try; what is large is copied and summed up before it is there.
      throw new ConnectorError('Unreachable', 'the server has not yet put together what it got', { cause: error })
    }
  }

  /** The gateway of Infinite Scale 2 knows no DELETE, what is behind it does. */
  async abandon({ address: path }: LongUpload): Promise<void> {
    const gone = { path, headers: version, repeats: true, accept: [403, 404, 405, 410, 501] }
    const { status } = await this.#server.headers({ ...gone, method: 'DELETE' })
    if (status !== 405 && status !== 501) return
    await this.#server.headers({
      ...gone,
      method: 'PATCH',
      headers: { ...version, 'x-http-method-override': 'DELETE' },
    })
  }

  async #patch(upload: LongUpload, at: bigint, body: Uint8Array): Promise<void> {
    await this.#server.headers({
      method: 'PATCH',
      path: upload.address,
      headers: { ...version, 'upload-offset': String(at), 'content-type': 'application/offset+octet-stream' },
      body,
      // Where it was taken, the same is refused: it stands elsewhere by then.
      repeats: true,
    })
  }
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}
