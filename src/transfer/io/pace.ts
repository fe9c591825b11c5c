import { setTimeout as sleep } from 'node:timers/promises'
import type { Maybe } from '../../connector/maybe.ts'
import type { Bandwidth, Settings } from '../../job/settings.ts'
import { bytesPerSecond } from '../../policy/bandwidth.ts'
import { chunkBytes } from '../items/read_content.ts'
import { Stop, type StopToken } from './stop.ts'

/** Who waits looks this often whether he is to stop. */
const lookMs = 200
/** Pieces of this long at the limit: what passes in ten seconds is then told within a few per cent. */
const pieceMs = 250
const leastPieceBytes = 4096

type Way = 'upload' | 'download'

/** How fast an execution may read and write, over all its slots and threads: `performance.upload` and `performance.download`. */
export class Pace {
  readonly #limits: Settings['bandwidth']
  /** When the next byte may pass, for each way, in microseconds since 1970. */
  readonly #next: BigInt64Array

  /** @param shared of all threads of the execution; {@link sharedPace} */
  constructor(limits: Settings['bandwidth'], shared: SharedArrayBuffer) {
    this.#limits = limits
    this.#next = new BigInt64Array(shared)
  }

  /** The most that is to be moved at once. */
  get pieceBytes(): number {
    const limits = [this.#limitOf('upload'), this.#limitOf('download')].filter((limit) => limit !== undefined)
    if (limits.length === 0) return chunkBytes
    const piece = Math.floor((Math.min(...limits) * pieceMs) / 1000)
    return Math.max(leastPieceBytes, Math.min(chunkBytes, piece))
  }

  /** Waits until so many bytes may pass, or it is time to stop. */
  wait(way: Way, bytes: number, stop: StopToken): Maybe<void> {
    const limit = this.#limitOf(way)
    if (limit === undefined || bytes === 0) return undefined
    const untilUs = this.#reserve(way, BigInt(Math.round((bytes / limit) * 1e6)))
    const waitMs = Number(untilUs - nowUs()) / 1000
    return waitMs > 0 ? this.#waitUntil(untilUs, stop) : undefined
  }

  /** @returns when they may begin */
  #reserve(way: Way, lastingUs: bigint): bigint {
    const index = way === 'upload' ? 0 : 1
    for (;;) {
      const next = Atomics.load(this.#next, index)
      const now = nowUs()
      const start = next > now ? next : now
      if (Atomics.compareExchange(this.#next, index, next, start + lastingUs) === next) return start
    }
  }

  async #waitUntil(untilUs: bigint, stop: StopToken): Promise<void> {
    for (;;) {
      const leftMs = Number(untilUs - nowUs()) / 1000
      if (leftMs <= 0 || stop.reason !== Stop.run) return
      await sleep(Math.min(leftMs, lookMs))
    }
  }

  #limitOf(way: Way): number | undefined {
    const limit: Bandwidth | undefined = this.#limits[way]
    return limit && bytesPerSecond(limit, Date.now())
  }
}

export function sharedPace(): SharedArrayBuffer {
  return new SharedArrayBuffer(2 * BigInt64Array.BYTES_PER_ELEMENT)
}

function nowUs(): bigint {
  return BigInt(Date.now()) * 1000n
}
