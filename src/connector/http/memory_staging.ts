import type { Staged, StageSpec, Staging } from '../connector.ts'
import { ConnectorError } from '../errors.ts'
import type { Maybe } from '../maybe.ts'

/** A content that goes in one request: it waits here until all of it is there. */
export class MemoryStaging implements Staging {
  readonly #spec: StageSpec
  readonly #content: Buffer
  readonly #finished: (content: Buffer, hash: string) => Maybe<Staged>
  #filled = 0

  /** @param finished sends it, or holds it until it is published; that it has this hash whoever gets both may check */
  constructor(spec: StageSpec, finished: (content: Buffer, hash: string) => Maybe<Staged>) {
    this.#spec = spec
    this.#content = Buffer.allocUnsafeSlow(Number(spec.sizeBytes))
    this.#finished = finished
  }

  write(chunk: Uint8Array, at: bigint): void {
    if (at + BigInt(chunk.length) > this.#spec.sizeBytes) refuse(`more than ${this.#spec.sizeBytes} bytes were staged`)
    this.#content.set(chunk, Number(at))
    if (Number(at) === this.#filled) this.#filled += chunk.length
  }

  finish(hash: string): Maybe<Staged> {
    const { sizeBytes } = this.#spec
    if (BigInt(this.#filled) !== sizeBytes) refuse(`${this.#filled} bytes were staged instead of ${sizeBytes}`)
    return this.#finished(this.#content, hash)
  }

  suspend(): void {
    this.#filled = 0
  }
}

function refuse(why: string): never {
  throw new ConnectorError('IntegrityMismatch', why)
}
