import type { Processing } from '../policy/decision.ts'
import { counted } from './format.ts'

interface Words {
  /** Of one item. */
  one: string
  /** Of as many as there are. */
  many: (n: string) => string
}

/** How items arrive altered, in words. */
const words: Record<Processing, Words> = {
  renamed: { one: 'under another name', many: (n) => `${n} under another name, which the destination takes` },
  deduplicated: {
    one: 'under another name, as its own was that of another item',
    many: (n) => `${n} under another name, as their own was that of another item`,
  },
  truncated: { one: 'under a shortened name', many: (n) => `${n} under a shortened name` },
  converted: { one: 'converted', many: (n) => `${n} converted` },
  permissions_narrowed: {
    one: 'with narrower permissions than at the source',
    many: (n) => `${n} with narrower permissions than at the source`,
  },
  owners_lost: {
    one: 'its owner or group has no counterpart, and is that of the running account',
    many: (n) => `${n} whose owner or group has no counterpart: they belong to the running account`,
  },
  times_left_out: {
    one: 'without its times, which the destination does not have',
    many: (n) => `${n} without their times, which the destination does not have`,
  },
  conflict_copy: {
    one: 'the destination’s own version was kept beside it',
    many: (n) => `${n} beside which the destination’s own version was kept`,
  },
}

/** In the order in which they are told. */
export const processings = Object.keys(words) as readonly Processing[]

/** How one item arrived. */
export function sayProcessing(processing: Processing): string {
  return words[processing].one
}

/** How many items arrived so. */
export function sayAltered(processing: Processing, items: number): string {
  return words[processing].many(counted(items, 'item'))
}
