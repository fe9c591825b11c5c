import type { Staged, StageSpec, Staging } from '../connector.ts'
import { ConnectorError } from '../errors.ts'

/** A content that goes in one request: it waits here, and the request is its publishing. */
export class MemoryStaging implements Staging {
  readonly #spec: StageSpec
  readonly #content: Buffer
  readonly #keep: (content: Buffer, hash: string) => void
  #filled = 0

  /** @param keep holds it until it is published */
  constructor(spec: StageSpec, keep: (content: Buffer, hash: string) => void) {
    this.#spec = spec
    this.#content = Buffer.allocUnsafeSlow(Number(spec.sizeBytes))
    this.#keep = keep
  }

  write(chunk: Uint8Array, at: bigint): void {
    if (at + BigInt(chunk.length) > this.#spec.sizeBytes) refuse(`more than ${this.#spec.sizeBytes} bytes were staged`)
    this.#content.set(chunk, Number(at))
    if (Number(at) === this.#filled) this.#filled += chunk.length
  }

  /** That it has this hash the server checks when it gets both. */
  finish(hash: string): Staged {
    const { container, key, sizeBytes } = this.#spec
    if (BigInt(this.#filled) !== sizeBytes) refuse(`${this.#filled} bytes were staged instead of ${sizeBytes}`)
    this.#keep(this.#content, hash)
    return { container, key, hash, sizeBytes }
  }

  suspend(): void {
    this.#filled = 0
  }
}

function refuse(why: string): never {
  throw new ConnectorError('IntegrityMismatch', why)
}
