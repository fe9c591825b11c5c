import { closeSync, readSync } from 'node:fs'
import type { Reading } from '../connector.ts'
import { ConnectorError } from '../errors.ts'
import { guarded } from './trouble.ts'

interface ReadingSpec {
  id: string
  sizeBytes: bigint
  /** Absent: whatever is there is read. */
  expectedBytes?: bigint
  /** Raises `ChangedWhileRead` when the item is not what was expected. */
  verify(): void
}

/** A blob never changes, so the bytes are those of one version; whether that is the one expected shows at the end. */
export class VaultReading implements Reading {
  readonly sizeBytes: bigint
  readonly #fd: number
  readonly #spec: ReadingSpec
  #closed = false

  constructor(fd: number, spec: ReadingSpec) {
    this.#fd = fd
    this.#spec = spec
    this.sizeBytes = spec.sizeBytes
  }

  read(into: Uint8Array, at: bigint): number {
    const { id, expectedBytes } = this.#spec
    const n = guarded(id, () => readSync(this.#fd, into, 0, into.length, at))
    if (expectedBytes === undefined || into.length === 0) return n
    if (n === 0 && at < expectedBytes) {
      throw new ConnectorError('ShortRead', `ends after ${at} of ${expectedBytes} bytes`, { id })
    }
    if (n > 0 && at + BigInt(n) > expectedBytes) {
      throw new ConnectorError('GrewWhileRead', `goes on after ${expectedBytes} bytes`, { id })
    }
    return n
  }

  close(aborted = false): void {
    if (this.#closed) return
    this.#closed = true
    closeSync(this.#fd)
    if (!aborted) this.#spec.verify()
  }
}
