import type { Staging } from '../../connector/connector.ts'
import { chunkBytes } from './read_content.ts'

const zeros = Buffer.alloc(chunkBytes)

/** Writes a long content, chunk by chunk, into a staging that may hold the beginning of it already. */
export class PartWriter {
  readonly #staging: Staging
  readonly #resumeAt: bigint
  readonly #sparse: boolean
  /** Up to here something was written; beyond may be a hole. */
  #reach: bigint
  /** What is there already is read into it, where there is something. */
  #prefix: Buffer | undefined

  /**
   * @param resumeAt how much an earlier try has left there
   * @param sparse chunks of zeros are left out
   */
  constructor(staging: Staging, { resumeAt, sparse }: { resumeAt: bigint; sparse: boolean }) {
    this.#staging = staging
    this.#resumeAt = resumeAt
    this.#sparse = sparse
    this.#reach = resumeAt
  }

  /** @param chunk at most {@link chunkBytes} */
  async write(chunk: Buffer, offset: bigint): Promise<void> {
    if (this.#sparse && offset >= this.#resumeAt && isZero(chunk)) return
    const end = offset + BigInt(chunk.length)
    if (end <= this.#resumeAt) await this.#verify(chunk, offset)
    else if (offset >= this.#resumeAt) await this.#staging.write(chunk, offset)
    else {
      const known = Number(this.#resumeAt - offset)
      await this.#verify(chunk.subarray(0, known), offset)
      await this.#staging.write(chunk.subarray(known), this.#resumeAt)
    }
    if (end > this.#reach) this.#reach = end
  }

  /** What is recorded as staged must be there, a hole at its end included. */
  async reachTo(offset: bigint): Promise<void> {
    if (this.#reach < offset) await this.#staging.write(zeros.subarray(0, 1), offset - 1n)
    this.#reach = offset
    await this.#staging.written?.()
  }

  /** What is staged already must hold what the source holds now; where it differs it is written again. */
  async #verify(chunk: Uint8Array, offset: bigint): Promise<void> {
    const staging = this.#staging
    if (!staging.read) return staging.verify?.(chunk)
    const there = (this.#prefix ??= Buffer.allocUnsafeSlow(chunkBytes)).subarray(0, chunk.length)
    let filled = 0
    while (filled < chunk.length) {
      const n = await staging.read(there.subarray(filled), offset + BigInt(filled))
      if (n === 0) break
      filled += n
    }
    if (filled < chunk.length || !there.equals(chunk)) await staging.write(chunk, offset)
  }
}

function isZero(chunk: Buffer): boolean {
  return chunk[0] === 0 && chunk.equals(zeros.subarray(0, chunk.length))
}
