import { createHash } from 'node:crypto'
import type { Item } from '../../connector/item.ts'
import type { ChildRow } from '../../ledger/sqlite/reader_types.ts'
import { requireStatedHash } from '../items/read_content.ts'
import type { SideName } from '../engine/sides.ts'
import { itemTrouble } from '../engine/trouble.ts'
import type { Finding, Verified } from './difference.ts'
import type { WholeSides } from './whole_sides.ts'

const chunkBytes = 512 * 1024

/** Reads contents on both sides at once, every byte of them. */
export class ContentComparison {
  readonly #sides: WholeSides
  readonly #read: Verified['read']
  readonly #chunks = { source: Buffer.allocUnsafeSlow(chunkBytes), destination: Buffer.allocUnsafeSlow(chunkBytes) }

  /** @param read is told of what was read */
  constructor(sides: WholeSides, read: Verified['read']) {
    this.#sides = sides
    this.#read = read
  }

  /** @throws SideTrouble */
  async findings(row: Pick<ChildRow, 'hash'>, from: Item, to: Item): Promise<Finding[]> {
    const [source, destination] = await Promise.all([this.#hash('source', from), this.#hash('destination', to)])
    const unreadable = [source, destination].flatMap((read): Finding[] =>
      'trouble' in read ? [{ kind: 'unreadable', message: read.trouble }] : [],
    )
    if ('trouble' in source || 'trouble' in destination) return unreadable
    if (source.hash !== destination.hash) {
      const message = `SHA-256 ${source.hash} at the source, ${destination.hash} at the destination`
      return [{ kind: 'content', message }]
    }
    if (row.hash === undefined || row.hash === '' || row.hash === source.hash) return []
    return [{ kind: 'ledger', message: `SHA-256 ${source.hash} on both sides, ${row.hash} in the ledger` }]
  }

  async #hash(side: SideName, item: Item): Promise<{ hash: string } | { trouble: string }> {
    const chunk = this.#chunks[side]
    try {
      const reading = await this.#sides[side].session.open(item.id, item)
      const hash = createHash('sha256')
      let whole = false
      try {
        for (let offset = 0n; ;) {
          const n = await reading.read(chunk, offset)
          if (n === 0) break
          hash.update(chunk.subarray(0, n))
          offset += BigInt(n)
          this.#read[side] += BigInt(n)
        }
        whole = true
      } finally {
        await reading.close(!whole)
      }
      const found = hash.digest('hex')
      requireStatedHash(found, item, item.id)
      return { hash: found }
    } catch (error) {
      return { trouble: itemTrouble(error, side).why }
    }
  }
}
