import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import type { Staged, StageSpec, Staging } from '../connector.ts'
import { ConnectorError } from '../errors.ts'
import { base64Crc32, textOfUpload, type Part, type Upload, type Uploads } from './uploads.ts'

/** Side by side, of one content; each is held in memory until the server has it. */
const partsInFlight = 4

/** A large content on its way in parts. Nobody sees it before its upload is completed, which is its publishing. */
export class PartStaging implements Staging {
  readonly resume: string
  /** Up to here the server has it whole, part after part. */
  readonly resumesAt: bigint
  readonly #uploads: Uploads
  readonly #upload: Upload
  readonly #spec: StageSpec
  readonly #finished: (parts: Part[]) => void
  readonly #parts: Part[]
  readonly #inFlight = new Set<Promise<void>>()
  #failed: unknown
  #buffer: Buffer | undefined
  #filled = 0
  #next: bigint
  #check: PrefixCheck

  /** @param there what the server has of it @param finished is told all parts */
  constructor(
    uploads: Uploads,
    upload: Upload,
    { spec, there, finished }: { spec: StageSpec; there: readonly Part[]; finished: (parts: Part[]) => void },
  ) {
    this.#uploads = uploads
    this.#upload = upload
    this.#spec = spec
    this.#finished = finished
    this.resume = textOfUpload(upload)
    this.#parts = wholeFromTheStart(there, upload.partBytes, Number(spec.sizeBytes))
    this.resumesAt = this.#parts.reduce((sum, { sizeBytes }) => sum + BigInt(sizeBytes), 0n)
    this.#next = this.resumesAt
    this.#check = new PrefixCheck(this.#parts)
  }

  async write(chunk: Uint8Array, at: bigint): Promise<void> {
    if (at !== this.#next) throw new ConnectorError('Unsupported', `an upload goes on at ${this.#next}, not at ${at}`)
    if (at + BigInt(chunk.length) > this.#spec.sizeBytes)
      throw new ConnectorError('IntegrityMismatch', `more than ${this.#spec.sizeBytes} bytes were staged`)
    for (let taken = 0; taken < chunk.length;) {
      this.#buffer ??= Buffer.allocUnsafeSlow(this.#upload.partBytes)
      const some = chunk.subarray(taken, taken + this.#buffer.length - this.#filled)
      this.#buffer.set(some, this.#filled)
      this.#filled += some.length
      taken += some.length
      this.#next += BigInt(some.length)
      if (this.#filled === this.#buffer.length) await this.#send()
    }
  }

  verify(chunk: Uint8Array): void {
    this.#check.add(chunk)
  }

  async finish(hash: string): Promise<Staged> {
    const { container, key, sizeBytes } = this.#spec
    if (this.#next !== sizeBytes)
      throw new ConnectorError('IntegrityMismatch', `${this.#next} bytes were staged instead of ${sizeBytes}`)
    if (this.#filled > 0) await this.#send()
    await this.#settled()
    this.#throwIfFailed()
    this.#finished(this.#parts.sort((a, b) => a.number - b.number))
    return { container, key, hash, sizeBytes, resume: this.resume }
  }

  /** What is on its way arrives before anybody may take the upload away. */
  async suspend(): Promise<void> {
    this.#buffer = undefined
    await this.#settled()
  }

  async #send(): Promise<void> {
    while (this.#inFlight.size >= partsInFlight) await Promise.race(this.#inFlight)
    this.#throwIfFailed()
    const body = this.#buffer!.subarray(0, this.#filled)
    const number = Math.ceil(Number(this.#next) / this.#upload.partBytes)
    this.#buffer = undefined
    this.#filled = 0
    const sent = this.#uploads
      .put(this.#upload, number, body)
      .then((part) => void this.#parts.push(part))
      .catch((error: unknown) => {
        this.#failed ??= error
      })
      .finally(() => this.#inFlight.delete(sent))
    this.#inFlight.add(sent)
  }

  async #settled(): Promise<void> {
    await Promise.all(this.#inFlight)
  }

  #throwIfFailed(): void {
    if (this.#failed !== undefined) throw this.#failed as Error
  }
}

/** The parts from the first on that are there as they were cut; what came after a gap is sent again. */
export function wholeFromTheStart(parts: readonly Part[], partBytes: number, sizeBytes: number): Part[] {
  const byNumber = new Map(parts.map((part) => [part.number, part]))
  const whole: Part[] = []
  for (let at = 0; at < sizeBytes; at += partBytes) {
    const part = byNumber.get(whole.length + 1)
    if (part?.sizeBytes !== Math.min(partBytes, sizeBytes - at)) break
    whole.push(part)
  }
  return whole
}

/** Compares what the source has now with the checksums of the parts that were sent before. */
class PrefixCheck {
  readonly #parts: readonly Part[]
  #part = 0
  #filled = 0
  #sum = 0
  #md5 = createHash('md5')

  constructor(parts: readonly Part[]) {
    this.#parts = [...parts]
  }

  /** Chunks from the start on, in order. @throws ConnectorError `IntegrityMismatch` */
  add(chunk: Uint8Array): void {
    for (let taken = 0; taken < chunk.length;) {
      const part = this.#parts[this.#part]
      if (!part) return
      const some = chunk.subarray(taken, taken + part.sizeBytes - this.#filled)
      if (part.crc32 === undefined) this.#md5.update(some)
      else this.#sum = crc32(some, this.#sum)
      this.#filled += some.length
      taken += some.length
      if (this.#filled === part.sizeBytes) this.#compare(part)
    }
  }

  #compare({ number, crc32, etag }: Part): void {
    const same =
      crc32 === undefined ? etag.replaceAll('"', '') === this.#md5.digest('hex') : crc32 === base64Crc32(this.#sum)
    if (!same)
      throw new ConnectorError(
        'IntegrityMismatch',
        `part ${number}, which was sent before, is not what the source has now`,
      )
    this.#part++
    this.#filled = 0
    this.#sum = 0
    this.#md5 = createHash('md5')
  }
}
