import { createHash, type Hash } from 'node:crypto'
import { closeSync, fstatSync, fsyncSync, readSync, writeSync } from 'node:fs'
import type { StageSpec, Staged, Staging } from '../connector.ts'
import { ConnectorError } from '../errors.ts'
import { guarded } from './trouble.ts'

const chunkBytes = 512 * 1024

/** A content being written into its own file. The vault names contents by their hash, so it computes that itself. */
export class VaultStaging implements Staging {
  readonly #spec: StageSpec
  readonly #record: (hash: string) => void
  #fd: number | undefined
  #hash: Hash | undefined
  #hashedBytes = 0n

  /** @param record remembers it as whole */
  constructor(fd: number, spec: StageSpec, record: (hash: string) => void) {
    this.#fd = fd
    this.#spec = spec
    this.#record = record
    if (!spec.resumeAt) this.#hash = createHash('sha256')
  }

  write(chunk: Uint8Array, at: bigint): void {
    guarded(this.#spec.container, () => {
      for (let written = 0; written < chunk.length;) {
        written += writeSync(this.#open(), chunk, written, chunk.length - written, Number(at) + written)
      }
      // Out of order, or over a resumed prefix: hashed from the file at the end.
      if (at !== this.#hashedBytes) this.#hash = undefined
      this.#hash?.update(chunk)
      this.#hashedBytes += BigInt(chunk.length)
    })
  }

  read(into: Uint8Array, at: bigint): number {
    return guarded(this.#spec.container, () => readSync(this.#open(), into, 0, into.length, at))
  }

  /** @throws ConnectorError `IntegrityMismatch` when size or hash are not as announced */
  finish(hash: string): Staged {
    const { container, key, sizeBytes, durability } = this.#spec
    return guarded(container, () => {
      const fd = this.#open()
      const { size } = fstatSync(fd, { bigint: true })
      if (size !== sizeBytes) this.#refuse(`${size} bytes were staged instead of ${sizeBytes}`)
      if ((this.#hash ?? hashOf(fd)).digest('hex') !== hash) this.#refuse('the bytes staged have another SHA-256')
      if (durability === 'power') fsyncSync(fd)
      this.suspend()
      this.#record(hash)
      return { container, key, hash, sizeBytes }
    })
  }

  suspend(): void {
    if (this.#fd !== undefined) closeSync(this.#fd)
    this.#fd = undefined
  }

  #refuse(why: string): never {
    this.suspend()
    throw new ConnectorError('IntegrityMismatch', why)
  }

  #open(): number {
    if (this.#fd === undefined) throw new ConnectorError('Unsupported', 'the staging is finished or let go')
    return this.#fd
  }
}

function hashOf(fd: number): Hash {
  const hash = createHash('sha256')
  const buffer = Buffer.allocUnsafe(chunkBytes)
  for (let at = 0, n: number; (n = readSync(fd, buffer, 0, buffer.length, at)) > 0; at += n) {
    hash.update(buffer.subarray(0, n))
  }
  return hash
}
