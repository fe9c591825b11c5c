import type { Item } from '../../connector/item.ts'
import { toRead, type AccessCarrier } from '../items/access_carrier.ts'
import { itemTrouble } from '../engine/trouble.ts'
import type { Finding } from './difference.ts'
import { accessFindings } from './verify_access.ts'
import type { WholeSides } from './whole_sides.ts'

interface AccessPair {
  from: Item
  to: Item
  as: Item['kind'] | 'root'
  isNew: boolean
  /** It is as it arrived, by other maps or settings than the present ones. */
  asBefore?: boolean
}

/** Works out owner and permissions anew from the source, and compares them with those of the destination. */
export class AccessComparison {
  readonly #carrier: AccessCarrier
  readonly #sides: WholeSides
  readonly #onBefore: () => void

  /** @param onBefore told of an item that has the owner and permissions of other maps or settings */
  constructor(carrier: AccessCarrier, sides: WholeSides, onBefore: () => void) {
    this.#carrier = carrier
    this.#sides = sides
    this.#onBefore = onBefore
  }

  /** What is not new may let people do more than the source, where permissions are added. */
  async findings({ from, to, as, isNew, asBefore = false }: AccessPair): Promise<Finding[]> {
    const carrier = this.#carrier
    if (carrier.wanted.length === 0) return []
    try {
      const there = isNew ? undefined : await carrier.thereNow(to.id)
      const expected = await carrier.accessOf(from.id, from, { as, onto: there && { item: there, replaced: false } })
      const { session } = this.#sides.destination
      const actual = as === 'root' ? await session.stat(to.id, toRead(carrier.wanted, session)) : to
      if (expected.stopped !== undefined || !actual) return []
      const findings = accessFindings(expected.attributes, actual)
      if (findings.length === 0) return []
      if (asBefore) {
        this.#onBefore()
        return []
      }
      if (!there) return findings
      // Added to what is there, which may be of our own making: then what the source grants has to be in it, and no more.
      const alone = await carrier.accessOf(from.id, from, { as })
      return accessFindings(alone.attributes, actual, 'atLeast')
    } catch (error) {
      return [{ kind: 'unreadable', message: itemTrouble(error, 'source').why }]
    }
  }
}
