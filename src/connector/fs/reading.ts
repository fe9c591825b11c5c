import { closeSync, fstatSync, readSync } from 'node:fs'
import type { Reading } from '../connector.ts'
import { ConnectorError } from '../errors.ts'
import type { Facts } from '../item.ts'
import type { Shape } from './shape.ts'
import { errno, troubleOf } from '../local/trouble.ts'

/**
 * An open file. With `expected` it costs four system calls for a small one: open, read, fstat, close. That the descriptor
 * is the file that was listed shows at the end, so nothing read may count before `close` returned.
 */
export class FileReading implements Reading {
  readonly sizeBytes: bigint
  readonly #fd: number
  readonly #id: string
  readonly #size: number
  readonly #shape: Shape
  readonly #expected: Facts | undefined

  constructor(fd: number, id: string, shape: Shape, expected: Facts | undefined) {
    this.#fd = fd
    this.#id = id
    this.#shape = shape
    this.#expected = expected
    if (expected) this.sizeBytes = expected.sizeBytes
    else {
      const stats = fstatSync(fd, { bigint: true })
      if (!stats.isFile()) throw new ConnectorError('Unsupported', 'is no regular file', { id })
      this.sizeBytes = stats.size
    }
    this.#size = Number(this.sizeBytes)
  }

  read(into: Uint8Array, at: bigint): number {
    return this.#read(into, { offset: 0, length: into.length, from: Number(at) })
  }

  /** All of what is expected, then `close`; `into` has room for a byte more, which shows a content that grew. */
  readWhole(into: Uint8Array): void {
    let whole = false
    try {
      for (let from = 0; ;) {
        const n = this.#read(into, { offset: from, length: this.#size + 1 - from, from })
        if (n === 0 || (from += n) >= this.#size) break
      }
      whole = true
    } finally {
      this.close(!whole)
    }
  }

  #read(into: Uint8Array, { offset, length, from }: { offset: number; length: number; from: number }): number {
    let n: number
    try {
      n = readSync(this.#fd, into, offset, length, from)
    } catch (error) {
      const number = errno(error)
      if (number === 'ESPIPE' || number === 'EISDIR') this.#raise('ChangedWhileRead', 'is no longer a regular file')
      throw troubleOf(error, this.#id)
    }
    if (this.#expected) {
      if (from + n > this.#size) this.#raise('GrewWhileRead', `goes on past its ${this.#size} bytes`)
      if (n === 0 && from < this.#size && length > 0) this.#raise('ShortRead', `ends at ${from} of ${this.#size} bytes`)
    }
    return n
  }

  close(aborted = false): void {
    try {
      if (aborted || !this.#expected) return
      if (this.#shape.isStill(this.#expected, fstatSync(this.#fd))) return
      const difference = this.#shape.difference(this.#expected, fstatSync(this.#fd, { bigint: true }))
      if (difference !== undefined) this.#raise('ChangedWhileRead', `changed while it was read: ${difference}`)
    } catch (error) {
      throw troubleOf(error, this.#id)
    } finally {
      closeSync(this.#fd)
    }
  }

  #raise(code: 'GrewWhileRead' | 'ShortRead' | 'ChangedWhileRead', why: string): never {
    throw new ConnectorError(code, why, { id: this.#id })
  }
}
