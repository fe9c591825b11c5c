import { createHash } from 'node:crypto'
import type { Staged, StageSpec, Staging } from '../connector.ts'
import { ConnectorError } from '../errors.ts'
import { textOfUpload, type LongUpload, type LongUploads } from './long_uploads.ts'

/** What is told when all has been sent. */
export interface Sent {
  /** Absent where nobody has told what the prefix is. */
  sha1: string | undefined
  tail: Uint8Array
}

/** A large content on its way, one request after another: while one is sent, the next is filled. */
export class LongStaging implements Staging {
  readonly resume: string
  readonly resumesAt: bigint
  readonly #uploads: LongUploads
  readonly #upload: LongUpload
  readonly #spec: StageSpec
  readonly #finished: (hash: string, sent: Sent) => Promise<Staged>
  /** All but what is withheld. */
  readonly #sendBytes: bigint
  readonly #sha1 = createHash('sha1')
  /** How far the SHA-1 has come: the source is read from its start, also where sending goes on later. */
  #hashed = 0n
  #next: bigint
  /** Up to here it was given away to be sent. */
  #sent: bigint
  #buffer: Buffer | undefined
  #filled = 0
  #tail: Uint8Array = new Uint8Array()
  #sending: Promise<void> = Promise.resolve()
  #failed: unknown

  /** @param received what the server has of it @param finished makes of it what the ledger keeps */
  constructor(
    uploads: LongUploads,
    upload: LongUpload,
    {
      spec,
      received,
      finished,
    }: { spec: StageSpec; received: bigint; finished: (hash: string, sent: Sent) => Promise<Staged> },
  ) {
    this.#uploads = uploads
    this.#upload = upload
    this.#spec = spec
    this.#finished = finished
    this.#sendBytes = spec.sizeBytes - BigInt(uploads.tailBytes)
    this.resume = textOfUpload(upload)
    this.resumesAt = received < this.#sendBytes ? received : this.#sendBytes
    this.#next = this.resumesAt
    this.#sent = this.resumesAt
  }

  async write(chunk: Uint8Array, at: bigint): Promise<void> {
    if (at !== this.#next) throw new ConnectorError('Unsupported', `an upload goes on at ${this.#next}, not at ${at}`)
    if (at + BigInt(chunk.length) > this.#spec.sizeBytes)
      throw new ConnectorError('IntegrityMismatch', `more than ${this.#spec.sizeBytes} bytes were staged`)
    this.#hash(chunk)
    const toSend = Math.max(0, Math.min(chunk.length, Number(this.#sendBytes - at)))
    for (let taken = 0; taken < toSend;) {
      this.#buffer ??= Buffer.allocUnsafeSlow(this.#upload.partBytes)
      const some = chunk.subarray(taken, Math.min(toSend, taken + this.#buffer.length - this.#filled))
      this.#buffer.set(some, this.#filled)
      this.#filled += some.length
      taken += some.length
      this.#next += BigInt(some.length)
      if (this.#filled === this.#buffer.length) await this.#send()
    }
    this.#tail = Buffer.concat([this.#tail, chunk.subarray(toSend)])
    this.#next += BigInt(chunk.length - toSend)
  }

  /** The server states no hash of a part: that the prefix was the same shows in that of the whole. */
  verify(chunk: Uint8Array): void {
    this.#hash(chunk)
  }

  async finish(hash: string): Promise<Staged> {
    const { sizeBytes } = this.#spec
    if (this.#next !== sizeBytes)
      throw new ConnectorError('IntegrityMismatch', `${this.#next} bytes were staged instead of ${sizeBytes}`)
    if (this.#filled > 0) await this.#send()
    await this.#settled()
    const sha1 = this.#hashed === sizeBytes ? this.#sha1.digest('hex') : undefined
    return this.#finished(hash, { sha1, tail: this.#tail })
  }

  async suspend(): Promise<void> {
    this.#buffer = undefined
    await this.#sending
  }

  #hash(chunk: Uint8Array): void {
    this.#sha1.update(chunk)
    this.#hashed += BigInt(chunk.length)
  }

  async #send(): Promise<void> {
    await this.#settled()
    const body = this.#buffer!.subarray(0, this.#filled)
    const at = this.#sent
    this.#sent += BigInt(this.#filled)
    this.#buffer = undefined
    this.#filled = 0
    this.#sending = this.#uploads.send(this.#upload, at, body).catch((error: unknown) => {
      this.#failed ??= error
    })
  }

  async #settled(): Promise<void> {
    await this.#sending
    if (this.#failed !== undefined) throw this.#failed as Error
  }
}
