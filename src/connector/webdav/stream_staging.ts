import { PassThrough } from 'node:stream'
import type { Staged, StageSpec, Staging } from '../connector.ts'
import { ConnectorError } from '../errors.ts'
import type { DavClient } from './client.ts'

interface Sending {
  /** Where it goes, encoded: a name of ours, or a transaction. */
  path: string
  id: string
  spec: StageSpec
  finished: (hash: string) => Promise<Staged>
}

/** A large content on its way in one request, to where nobody looks for it. */
export class StreamStaging implements Staging {
  /** So that it is on record before its first byte: a death leaves it under a name that its key alone leads to. */
  readonly resume = 'stream'
  readonly #sending: Sending
  readonly #body = new PassThrough({ highWaterMark: 4 * 1024 * 1024 })
  readonly #answered: Promise<unknown>
  #failed: unknown
  #next = 0n

  constructor(client: DavClient, sending: Sending) {
    this.#sending = sending
    const { path, id, spec } = sending
    this.#body.on('error', () => undefined)
    this.#answered = client
      .headers({
        method: 'PUT',
        path,
        headers: { 'content-length': String(spec.sizeBytes) },
        body: this.#body,
        id,
      })
      .catch((error: unknown) => {
        this.#failed = error
        this.#body.destroy()
      })
  }

  async write(chunk: Uint8Array, at: bigint): Promise<void> {
    const { sizeBytes } = this.#sending.spec
    if (at !== this.#next) throw new ConnectorError('Unsupported', `it goes on at ${this.#next}, not at ${at}`)
    this.#next += BigInt(chunk.length)
    if (this.#next > sizeBytes)
      throw new ConnectorError('IntegrityMismatch', `more than ${sizeBytes} bytes were staged`)
    this.#throwFailed()
    if (!this.#body.write(Buffer.from(chunk))) await this.#drained()
    this.#throwFailed()
  }

  async finish(hash: string): Promise<Staged> {
    const { spec, finished } = this.#sending
    if (this.#next !== spec.sizeBytes)
      throw new ConnectorError('IntegrityMismatch', `${this.#next} bytes were staged of ${spec.sizeBytes}`)
    this.#body.end()
    await this.#answered
    this.#throwFailed()
    return finished(hash)
  }

  async suspend(): Promise<void> {
    this.#body.destroy()
    await this.#answered
  }

  /** Or the server has answered, or gone. */
  async #drained(): Promise<void> {
    let drained = (): void => undefined
    const drain = new Promise<void>((resolve) => this.#body.once('drain', (drained = resolve)))
    await Promise.race([drain, this.#answered])
    this.#body.off('drain', drained)
  }

  #throwFailed(): void {
    if (this.#failed !== undefined) throw this.#failed
  }
}
