import type { Staged, StageSpec, Staging } from '../connector.ts'
import { ConnectorError } from '../errors.ts'
import { RangeReading } from '../http/range_reading.ts'
import { contentOf, type Place } from './place.ts'

/** Side by side, of one content; each is held in memory until the server has it. */
const piecesInFlight = 3

/** A large content on its way to Apache under a name of ours, piece by piece: what is there after a death is gone on with. */
export class PieceStaging implements Staging {
  /** So that it is on record before its first byte: a death leaves it under a name that its key alone leads to. */
  readonly resume = 'pieces'
  readonly #place: Place
  readonly #id: string
  readonly #spec: StageSpec
  readonly #finished: (hash: string) => Promise<Staged>
  readonly #inFlight = new Set<Promise<void>>()
  readonly #reading: RangeReading
  #failed: unknown
  #buffer: Buffer | undefined
  #filled = 0
  #next: bigint

  constructor(
    place: Place,
    id: string,
    { spec, finished }: { spec: StageSpec; finished: (hash: string) => Promise<Staged> },
  ) {
    this.#place = place
    this.#id = id
    this.#spec = spec
    this.#finished = finished
    this.#next = spec.resumeAt ?? 0n
    this.#reading = new RangeReading(contentOf(place, id), this.#next)
  }

  async write(chunk: Uint8Array, at: bigint): Promise<void> {
    if (at !== this.#next) throw new ConnectorError('Unsupported', `it goes on at ${this.#next}, not at ${at}`)
    if (at + BigInt(chunk.length) > this.#spec.sizeBytes)
      throw new ConnectorError('IntegrityMismatch', `more than ${this.#spec.sizeBytes} bytes were staged`)
    for (let taken = 0; taken < chunk.length;) {
      this.#buffer ??= Buffer.allocUnsafeSlow(this.#place.settings.partBytes)
      const some = chunk.subarray(taken, taken + this.#buffer.length - this.#filled)
      this.#buffer.set(some, this.#filled)
      this.#filled += some.length
      taken += some.length
      this.#next += BigInt(some.length)
      if (this.#filled === this.#buffer.length) await this.#send()
    }
  }

  async written(): Promise<void> {
    if (this.#filled > 0) await this.#send()
    await Promise.all(this.#inFlight)
    if (this.#failed !== undefined) throw this.#failed
  }

  read(into: Uint8Array, at: bigint): Promise<number> {
    return this.#reading.read(into, at)
  }

  async finish(hash: string): Promise<Staged> {
    await this.#reading.close(true)
    await this.written()
    if (this.#next !== this.#spec.sizeBytes)
      throw new ConnectorError('IntegrityMismatch', `${this.#next} bytes were staged of ${this.#spec.sizeBytes}`)
    return this.#finished(hash)
  }

  async suspend(): Promise<void> {
    await this.#reading.close(true)
    await Promise.allSettled(this.#inFlight)
    this.#buffer = undefined
    this.#filled = 0
  }

  async #send(): Promise<void> {
    if (this.#failed !== undefined) throw this.#failed
    const body = this.#buffer!.subarray(0, this.#filled)
    const from = this.#next - BigInt(this.#filled)
    this.#buffer = undefined
    this.#filled = 0
    // The first makes the file, whole and in place of what a death may have left; a range into nothing would go with its line.
    if (from === 0n) return this.#put(body, undefined)
    while (this.#inFlight.size >= piecesInFlight) await Promise.race(this.#inFlight)
    const sent = this.#put(body, `bytes ${from}-${this.#next - 1n}/${this.#spec.sizeBytes}`)
      .catch((error: unknown) => {
        this.#failed ??= error
      })
      .finally(() => this.#inFlight.delete(sent))
    this.#inFlight.add(sent)
  }

  async #put(body: Buffer, range: string | undefined): Promise<void> {
    const { client, addresses } = this.#place
    await client.headers({
      method: 'PUT',
      path: addresses.path(this.#id),
      headers: range === undefined ? {} : { 'content-range': range },
      body,
      id: this.#id,
    })
  }
}
